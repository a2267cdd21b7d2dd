"""All that is checked of a submission, in the order in which it is told."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from uqs import results
from uqs.card_metadata import attach
from uqs.errors import DataError, UserError
from uqs.results import Row, schema
from uqs.results.public import check_size, wrong_names
from uqs.results.tables import of_rows
from uqs.submission import declared, hashes, recomputed

TABLE = "results.parquet"


def problems(path: Path) -> list[str]:
    """What is wrong with a run folder or its results file, a line each; empty where nothing is.

    Beside the table are read, where they are there: `gates.json`, `items.parquet` and `report/analysis.json`,
    which is where a score is claimed. Raises UserError for a path that does not exist.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    file = path / TABLE if path.is_dir() else path
    try:
        check_size(file)
    except DataError as error:
        return [str(error)]
    if faults := schema.faults(file):
        return [str(error) for error in faults]
    rows = results.read(file)
    found = [str(error) for error in (*wrong_names(rows, file), *hashes.problems(rows, file))]
    try:
        long = attach(of_rows(rows, file), results.metadata(file), file)
    except UserError as error:
        return [*found, str(error)]
    return found or _further(rows, long, file)


def _further(rows: list[Row], long: pd.DataFrame, file: Path) -> list[str]:
    """What needs a table that is sound by itself; the score last, which needs all the rest."""
    found = [
        *declared.problems(long, file),
        *recomputed.items(rows, file),
        *recomputed.gaps(rows, file),
    ]
    return found or list(recomputed.score(file))
