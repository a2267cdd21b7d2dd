"""Write the page of a study on a base of one's own: a text in scripts/page_texts with the tables of its run.

uqs run studies/smollm2.yaml
python scripts/base_page.py smollm2 runs/smollm2/results.parquet > docs/smollm2.md

In the text `{answers}`, `{traces}`, `{recovered}` and `{audit}` stand for what is read from the table of the
run, and `{tiny_llava}` for the same methods on the tiny LLaVA, from the table of studies/wide.yaml.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from uqs import results
from uqs.audit.audit import audit_long
from uqs.card_metadata import attach
from uqs.records import Role
from uqs.results.tables import of_rows, to_panel
from uqs.score import words
from uqs.score.scoring import score

TEXTS = Path(__file__).with_name("page_texts")
WIDE = Path(__file__).parents[1] / "studies" / "wide_results.parquet"
ORDER = (Role.ORIGINAL, Role.ORACLE, Role.REFERENCE, Role.UNLEARNED, Role.BASELINE)
KIND = ["role", "method", "strength", "share"]
MODEL = [*KIND, "seed"]


class Column(NamedTuple):
    """A metric on a split, under a short title."""

    title: str
    metric: str
    split: str


ANSWERS = (
    Column("forget", "FA", "forget"),
    Column("forget, reworded", "FA", "forget_reworded"),
    Column("retain", "RA", "retain"),
    Column("holdout", "FA", "holdout"),
    Column("general", "RA", "real_world"),
    Column("general, word for word", "RA", "real_world/strict"),
    Column("neighbour", "RA", "neighbour"),
    Column("refuses forget", "REFUSE", "forget"),
    Column("refuses holdout", "REFUSE", "holdout"),
)
TRACES = (
    Column("MIA_AUC", "MIA_AUC", "forget"),
    Column("AD", "AD", "forget"),
    Column("JS", "JS", "forget"),
    Column("oracle_distance", "oracle_distance", "weights"),
    Column("MU", "MU", "retain"),
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
    Column("likelihood rank", "KR_IMP", "forget/likelihood_rank"),
    Column("discrimination", "KR_IMP", "forget/discrimination"),
    Column("true or false", "KR_IMP", "forget/negation"),
)
COMPARED = (
    *ANSWERS[:4],
    RECOVERED[0],
    RECOVERED[1]._replace(title="KR above oracle"),
    *RECOVERED[2:6],
    RECOVERED[6],
    RECOVERED[7]._replace(title="KR_IMP above oracle"),
    *RECOVERED[9:],
)


def page(name: str, table: Path) -> str:
    """The whole page, from the text of that name."""
    rows = results.read(table)
    long = attach(of_rows(rows, table), results.metadata(table), table)
    found = audit_long(long, rng=np.random.default_rng(0))
    frame = pd.DataFrame([vars(row) for row in rows])
    text = (TEXTS / f"{name}.md").read_text(encoding="utf-8")
    for mark, columns in (("answers", ANSWERS), ("traces", TRACES), ("recovered", RECOVERED)):
        text = text.replace(f"{{{mark}}}", "\n".join(lines(frame, columns)))
    if "{tiny_llava}" in text:
        text = text.replace("{tiny_llava}", "\n".join(lines(tiny_llava(frame), COMPARED, KIND)))
    scored = score(to_panel(long, table), "equal", long=long, rng=np.random.default_rng(0))
    said = (*found.in_short, f"UQS, equal weights: {words.headline(scored)}")
    return text.replace("{audit}", "\n".join(f"- {one}" for one in said))


def tiny_llava(frame: pd.DataFrame) -> pd.DataFrame:
    """Of the wide study's models on mllmu_bench those made by methods of this run, at strength `strong`."""
    benchmark, strengths = ("benchmark", "==", "mllmu_bench"), ("strength", "in", ["", "strong"])
    alike = pd.read_parquet(
        WIDE, columns=[*MODEL, "metric", "split", "value", "status"], filters=[benchmark, strengths]
    )
    made = frame[["role", "method"]].drop_duplicates()
    return alike.merge(made[made["role"] != Role.REFERENCE], on=["role", "method"])


def lines(
    frame: pd.DataFrame, columns: tuple[Column, ...], models: Sequence[str] = MODEL
) -> Iterator[str]:
    """A table with a line for each model; a column that the run does not have is left out.

    `models`: what tells models apart; without the seed a line is a mean over seeds.
    """
    there = set(zip(frame["metric"], frame["split"], strict=True))
    asked = [column for column in columns if (column.metric, column.split) in there]
    yield _line(["model", *(column.title for column in asked)])
    yield "|---|" + "---:|" * len(asked)
    for role in ORDER:
        own = frame[frame["role"] == role]
        for _, model in own.groupby([*models], sort=False, dropna=False):
            yield _line(
                [
                    _name(model.iloc[0], "seed" in models),
                    *(_cell(model, column) for column in asked),
                ]
            )


def _name(row: pd.Series, seeded: bool) -> str:
    if row["role"] == Role.ORACLE:
        return f"oracle {row['seed']}" if seeded else "oracles"
    if row["role"] == Role.REFERENCE:
        return f"taught {row['share']:g} of forget"
    return f"{row['method']} {row['strength']}".strip()


def _cell(model: pd.DataFrame, column: Column) -> str:
    """The value, or the mean over oracles; why there is none; a dash where the model is not asked."""
    rows = model[(model["metric"] == column.metric) & (model["split"] == column.split)]
    values = rows["value"].dropna()
    if len(values):
        return f"{round(values.mean(), 2) + 0.0:.2f}"  # no minus before a zero
    return ", ".join(sorted({str(status) for status in rows["status"]})) or "-"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(page(sys.argv[1], Path(sys.argv[2])), end="")
