"""The verb `uqs score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from uqs.cli.options import (
    ColumnsOption,
    DirectionOption,
    DropOption,
    FullOption,
    JsonOption,
    PercentOption,
    RenameOption,
    SeedOption,
    TableArgument,
    parse_directions,
)


def score(
    table: TableArgument,
    weights: Annotated[
        str,
        typer.Option(help="equal, published, held-out, references, or a YAML or JSON file."),
    ] = "equal",
    utility: Annotated[
        str | None,
        typer.Option(help="Weights of the groups, such as privacy=2,utility=1,oracle=1."),
    ] = None,
    form: Annotated[
        Literal["published", "calibrated"] | None,
        typer.Option(
            help="Form of the terms.  [default: calibrated where the table has references]"
        ),
    ] = None,
    questions: Annotated[
        Literal["these", "other"],
        typer.Option(help="Whether the ranks hold for these questions or for others of the kind."),
    ] = "these",
    items: Annotated[
        Path | None,
        typer.Option(
            help="Per-sample values, for other questions.  [default: items.parquet beside results.parquet]"
        ),
    ] = None,
    direction: DirectionOption = None,
    columns: ColumnsOption = None,
    drop: DropOption = None,
    rename: RenameOption = None,
    percent: PercentOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    full: FullOption = False,
) -> None:
    """Rank methods by UQS and show how far the ranks can be trusted.

    Prints the ranking with the ranks that the noise allows, and what the score rests on; --full prints all
    tables.
    """
    import numpy as np

    from uqs.report.scored import show
    from uqs.report.terminal import plain_console, write_json
    from uqs.results.choice import parse
    from uqs.results.tables import read_long, to_panel
    from uqs.score import contributions
    from uqs.score.export import tree
    from uqs.score.scoring import score as score_of
    from uqs.score.weights import parse_utility

    long = read_long(table, parse(columns or [], drop or [], rename or [], percent or []))
    beside = table.parent / "items.parquet"
    if items is None and table.name == "results.parquet" and beside.is_file():
        items = beside
    result = score_of(
        to_panel(long, table, parse_directions(direction or [])),
        weights,
        utility=parse_utility(utility) if utility is not None else None,
        form=form,
        questions=questions,
        items=contributions.read(items) if items is not None and questions == "other" else None,
        long=long,
        rng=np.random.default_rng(seed),
    )
    if json:
        write_json(tree(result))
    else:
        show(result, plain_console(), full=full)
