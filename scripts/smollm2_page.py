"""Write docs/smollm2.md: a language model that understands what it is asked, from the table of its run.

uqs run studies/smollm2.yaml
python scripts/smollm2_page.py runs/smollm2/results.parquet docs/smollm2.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from uqs import results
from uqs.audit.audit import audit_long
from uqs.card_metadata import attach
from uqs.records import Role
from uqs.results.tables import of_rows

TEXT = Path(__file__).with_name("smollm2_page.txt")
"""What a person wrote about the run; `{table}` and the like stand for what is read from it."""
ORDER = (Role.ORIGINAL, Role.ORACLE, Role.REFERENCE, Role.UNLEARNED, Role.BASELINE)


class Column(NamedTuple):
    """A metric on a split, under a short title."""

    title: str
    metric: str
    split: str


ANSWERS = (
    Column("forget", "FA", "forget"),
    Column("forget, reworded", "FA", "forget_reworded"),
    Column("forget, word for word", "FA", "forget/strict"),
    Column("retain", "RA", "retain"),
    Column("holdout", "FA", "holdout"),
    Column("general", "RA", "real_world"),
    Column("refuses forget", "REFUSE", "forget"),
    Column("refuses retain", "REFUSE", "retain"),
)
TRACES = (
    Column("MIA_AUC", "MIA_AUC", "forget"),
    Column("AD", "AD", "forget"),
    Column("JS", "JS", "forget"),
    Column("oracle_distance", "oracle_distance", "weights"),
    Column("MU", "MU", "retain"),
    Column("REP forget", "REP", "forget"),
)
RECOVERED = (
    Column("KR", "KR", "forget"),
    Column("above oracle", "KR", "forget/above_oracle"),
    Column("reworded", "KR", "forget/reworded"),
    Column("completion", "KR", "forget/completion"),
    Column("few shots", "KR", "forget/few_shot"),
    Column("asked for another", "KR", "forget/indirect"),
    Column("KR_IMP", "KR_IMP", "forget"),
    Column("above oracle", "KR_IMP", "forget/above_oracle"),
)


def page(table: Path) -> str:
    """The whole page."""
    rows = results.read(table)
    long = attach(of_rows(rows, table), results.metadata(table), table)
    found = audit_long(long, rng=np.random.default_rng(0))
    frame = pd.DataFrame([vars(row) for row in rows])
    return TEXT.read_text(encoding="utf-8").format(
        answers="\n".join(lines(frame, ANSWERS)),
        traces="\n".join(lines(frame, TRACES)),
        recovered="\n".join(lines(frame, RECOVERED)),
        audit="\n".join(f"- {said}" for said in found.in_short),
    )


def lines(frame: pd.DataFrame, columns: tuple[Column, ...]) -> Iterator[str]:
    """A table with a line for each model."""
    yield _line(["model", *(column.title for column in columns)])
    yield "|---|" + "---:|" * len(columns)
    for role in ORDER:
        own = frame[frame["role"] == role]
        for _, model in own.groupby(["method", "seed"], sort=False):
            yield _line([_name(model.iloc[0]), *(_cell(model, column) for column in columns)])


def _name(row: pd.Series) -> str:
    if row["role"] == Role.ORACLE:
        return f"oracle {row['seed']}"
    return str(row["method"])


def _cell(model: pd.DataFrame, column: Column) -> str:
    """The value, over the oracles the mean; why there is none; nothing where it is not asked."""
    rows = model[(model["metric"] == column.metric) & (model["split"] == column.split)]
    values = rows["value"].dropna()
    if len(values):
        return f"{values.mean():.2f}"
    return ", ".join(sorted({str(status) for status in rows["status"]}))


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(page(Path(sys.argv[1])), encoding="utf-8")
