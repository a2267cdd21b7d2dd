"""`uqs score`: print or export UQS of a table."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from uqs.cli.audit import parse_directions
from uqs.errors import UserError
from uqs.records import Status
from uqs.score import words
from uqs.score.export import tree
from uqs.score.scoring import ScoreResult
from uqs.score.scoring import score as score_of
from uqs.score.transforms import TRANSFORMS, Form
from uqs.score.validation import Held
from uqs.score.weights import parse_utility
from uqs.tables import read_table


def score(
    table: Annotated[Path, typer.Argument(help="Results: CSV, JSON or Parquet, wide or long.")],
    weights: Annotated[
        str, typer.Option(help="equal, published, held-out, or a YAML or JSON file.")
    ] = "equal",
    utility: Annotated[
        str | None,
        typer.Option(help="What groups weigh, such as privacy=2,utility=1,oracle=1."),
    ] = None,
    form: Annotated[str, typer.Option(help="Form of the terms: published or calibrated.")] = (
        "published"
    ),
    direction: Annotated[
        list[str] | None,
        typer.Option(help="NAME=lower, higher or target, for a metric that UQS does not know."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random draws.", min=0)] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Rank methods by UQS, with the ranks that the noise allows and what the score is worth."""
    result = score_of(
        read_table(table, parse_directions(direction or [])),
        weights,
        utility=parse_utility(utility) if utility is not None else None,
        form=_form(form),
        rng=np.random.default_rng(seed),
    )
    if json:
        print(jsonlib.dumps(tree(result), indent=2, allow_nan=False))
    else:
        show(result, plain_console())


def plain_console() -> Console:
    """A console that reads no markup in names; 100 columns wide where the output is no terminal."""
    console = Console(markup=False, highlight=False)
    return console if console.is_terminal else Console(markup=False, highlight=False, width=100)


def _form(name: str) -> Form:
    match name:
        case "published" | "calibrated":
            return name
    raise UserError(f"unknown form {name!r}; known: published, calibrated")


def show(result: ScoreResult, console: Console) -> None:
    """Ranking, weights, what is left out, what the score is worth, and how it moves with the weights."""
    console.print(_ranking(result))
    for line in (words.headline(result), *result.notes):
        console.print(line)
    console.print()
    console.print(_weights(result))
    if covered := words.coverage(result):
        console.print("\nCoverage")
        for line in covered:
            console.print(f"- {line}")
    console.print("\nValidation")
    for line in words.validation(result):
        console.print(f"- {line}")
    if not isinstance(result.validation, Status):
        console.print()
        console.print(_validation(result.validation))
    console.print()
    console.print(_local(result))


def _ranking(result: ScoreResult) -> Table:
    table = Table(title=f"UQS, {result.form} form, weights: {result.weights.source}")
    table.add_column("rank", justify="right")
    table.add_column("method")
    for name in ("UQS", "se", "95% ranks", "tie group", "first under\nall weights"):
        table.add_column(name, justify="right")
    table.add_column("Pareto")
    ranks = [one.rank for one in result.methods]
    for one in result.methods:
        low, high = one.rank_interval
        table.add_row(
            f"{one.rank}{'=' if ranks.count(one.rank) > 1 else ''}",
            one.method,
            f"{one.uqs:.4f}",
            _error(one.se),
            f"{low} to {high}",
            str(one.tie_group),
            f"{one.first_share:.1%}",
            "yes" if one.pareto else "no",
        )
    table.caption = (
        f"Over {len(result.benchmarks)} benchmark{'s' if len(result.benchmarks) > 1 else ''}."
        " = marks equal scores."
    )
    return table


def _error(se: float | None) -> str:
    if se is None:
        return "unknown"
    return f"{se:.4f}" if se == 0 or se >= 5e-5 else "<0.0001"


def _weights(result: ScoreResult) -> Table:
    table = Table(title="Weights")
    table.add_column("metric")
    table.add_column("term")
    learned = result.weights.learned
    names = result.benchmarks if learned is not None else ("all benchmarks",)
    for name in names:
        table.add_column(name, justify="right")
    for k, metric in enumerate(result.metrics):
        term = TRANSFORMS[metric].formula if result.form == "published" else "nearness to oracle"
        table.add_row(metric, term, *(f"{value:.4f}" for value in result.weights.matrix[:, k]))
    if learned is not None:
        table.add_section()
        table.add_row("learned share", "", *(f"{value:.1%}" for value in learned))
        table.caption = (
            "Each column was learned from the other benchmarks; the rest is equal weights."
        )
    return table


def _validation(held: tuple[Held, ...]) -> Table:
    table = Table(title="Rank correlation with nearness to the oracle, where it was left out")
    table.add_column("predictor")
    for name in ("left out", "within benchmarks", "pooled"):
        table.add_column(name, justify="right")
    for one in held:
        pooled = "" if one.pooled is None else words.rho(one.pooled)
        table.add_row(one.predictor, one.left_out, words.rho(one.within), pooled)
    return table


def _local(result: ScoreResult) -> Table:
    table = Table(title="When the weights move")
    for name in ("kappa", "sd of a weight", "mean tau", "sd of tau", "same first"):
        table.add_column(name, justify="right")
    for one in result.stability.local:
        table.add_row(
            f"{one.kappa:g}",
            f"{one.weight_sd:.3f}",
            "undefined" if one.mean_tau is None else f"{one.mean_tau:.3f}",
            "undefined" if one.sd_tau is None else f"{one.sd_tau:.3f}",
            f"{one.same_first:.1%}",
        )
    table.caption = "Weights drawn from Dirichlet(kappa x weights); tau against the ranking above."
    return table
