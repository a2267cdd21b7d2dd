"""The page of the wide study, from its run folder.

python scripts/wide_page.py runs/wide docs/wide.md docs/wide_audit.txt
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from uqs import results
from uqs.methods.cards import CARDS
from uqs.records import Status
from uqs.results import Row

FLOOR = 0.8
"""Of the original's retain accuracy: what a method that protects the retain set must keep."""
WELL_UNDER = 0.75
"""Of the original's forget accuracy: what a method at medium strength must come under."""
BEGIN = """# The wide study: what the metrics are worth, tested on many methods

`studies/wide.yaml` run on the tiny editions: {methods} methods at three strengths and two baselines, three
benchmarks, two seeds, {models} unlearned models. Its rows are in `studies/wide_results.parquet`; this page is
made from them by `scripts/wide_page.py`, and `uqs audit studies/wide_results.parquet` audits them again. The
models are tiny and the pictures are drawings: what holds here may not hold for a 7B model.

## Each method at medium strength

FA and RA are forget and retain accuracy on each benchmark, as means over seeds. A method **does what it
exists for** if mean FA is under {under:.0%} of the original's and, for a loss that protects the retain set,
mean RA is at least {floor:.0%} of the original's. The strengths were found on other people and flags
([strengths.md](strengths.md)), without looking at any number of this table.
"""


def means(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean FA and RA by method, strength and benchmark; models without a value are left out."""
    kept = rows[rows["metric"].isin(["FA", "RA"]) & rows["split"].isin(["forget", "retain"])]
    found: pd.DataFrame = (
        kept.groupby(["role", "method", "strength", "metric", "benchmark"])["value"]
        .mean()
        .unstack("benchmark")
    )
    return found


def medium(rows: pd.DataFrame) -> Iterator[str]:
    """The table of all methods at medium strength, with the original, the oracles and the baselines."""
    table = means(rows)
    names = list(table.columns)
    original = {m: table.loc[("original", "original", "", m)].mean() for m in ("FA", "RA")}
    head = ["method", "protects", *(f"FA {n}" for n in names), *(f"RA {n}" for n in names)]
    head += ["mean FA", "mean RA", "does what it exists for"]
    yield row(head)
    yield "|" + "---|" * len(head)
    for name in ("original", "retrain"):
        role = {"original": "original", "retrain": "oracle"}[name]
        yield row(cells(table, role, name, "", f"*{role}*", "", ""))
    for card in CARDS.values():
        if card.tuned_hyperparameter is not None:
            fa, ra = (
                float(table.loc[("unlearned", card.name, "medium", m)].mean()) for m in ("FA", "RA")
            )
            forgets = fa < WELL_UNDER * original["FA"]
            keeps = ra >= FLOOR * original["RA"] or not card.protects
            says = (
                "yes"
                if forgets and keeps
                else "no: "
                + ", ".join(
                    [
                        *([] if forgets else ["forgets too little"]),
                        *([] if keeps else ["loses retain"]),
                    ]
                )
            )
            protects = "yes" if card.protects else "no"
            yield row(cells(table, "unlearned", card.name, "medium", card.name, protects, says))
        elif card.baseline:
            yield row(cells(table, "baseline", card.name, "", f"{card.name} (baseline)", "", ""))


def cells(
    table: pd.DataFrame, role: str, method: str, strength: str, title: str, protects: str, says: str
) -> list[str]:
    """One line of the table."""
    parts = [table.loc[(role, method, strength, metric)] for metric in ("FA", "RA")]
    values = [f"{v:.2f}" for part in parts for v in part]
    return [title, protects, *values, *(f"{part.mean():.2f}" for part in parts), says]


def strengths(rows: pd.DataFrame) -> Iterator[str]:
    """Mean FA and RA of every method at each strength."""
    table = means(rows).mean(axis=1)
    order = ("weak", "medium", "strong")
    yield row(["method", *(f"{m} {s}" for s in order for m in ("FA", "RA"))])
    yield "|" + "---|" * 7
    for card in CARDS.values():
        if card.tuned_hyperparameter is not None:
            yield row(
                [
                    card.name,
                    *(
                        f"{table.loc[('unlearned', card.name, s, m)]:.2f}"
                        for s in order
                        for m in ("FA", "RA")
                    ),
                ]
            )


def row(found: list[str]) -> str:
    return f"| {' | '.join(found)} |"


def printed(verb: str, rows: Sequence[Row]) -> str:
    """What `uqs audit` or `uqs score` prints of some rows."""
    with TemporaryDirectory() as folder:
        results.write(rows, Path(folder) / "rows.parquet")
        done = subprocess.run(
            [str(Path(sys.executable).with_name("uqs")), verb, "rows.parquet", "--full"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            env={"COLUMNS": "110", "PATH": "", "TERM": "dumb", "OMP_NUM_THREADS": "1"},
        )
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def block(text: str, until: str) -> str:
    """The beginning of a printed text, as a block."""
    return f"```text\n{text.partition(until)[0].rstrip()}\n```"


def at_medium(rows: Sequence[Row], with_baselines: bool) -> list[Row]:
    """The rows of all methods at medium strength, of originals and oracles; baselines as methods if asked."""
    kept = [r for r in rows if r.role in ("original", "oracle") or r.strength == "medium"]
    baselines = [r for r in rows if r.role == "baseline"] if with_baselines else []
    return [*kept, *(replace(r, role="unlearned") for r in baselines)]


def main() -> None:
    run, page, full = map(Path, sys.argv[1:])
    rows = results.read(run / "results.parquet")
    frame = pd.DataFrame([asdict(found) for found in rows])
    unlearned = frame[frame["role"] == "unlearned"]
    collapsed = unlearned[(unlearned["status"] == Status.COLLAPSED) & (unlearned["metric"] == "FA")]
    models = unlearned.drop_duplicates("config_hash")
    everything = printed("audit", rows)
    single = printed("audit", at_medium(rows, with_baselines=False))
    score = printed("score", at_medium(rows, with_baselines=True))
    lines = [
        BEGIN.format(
            methods=unlearned["method"].nunique(), models=len(models), under=WELL_UNDER, floor=FLOOR
        ),
        *medium(frame),
        "",
        f"{collapsed['config_hash'].nunique()} of {len(models)} unlearned models collapsed.",
        "",
        "Methods that lose too much of the retain set use the hyperparameters of their source, except",
        "the one that strengths vary. The tiny model cannot follow instructions, so the instruction",
        "of the guardrail breaks it.",
        "",
        "## All strengths",
        "",
        "Means over benchmarks and seeds.",
        "",
        *strengths(frame),
        "",
        "## The audit of all settings",
        "",
        "The unit is a method at one strength. The strengths of one method have much in common, so these",
        "results count for less than results from as many different methods. At medium strength there is",
        "no such doubt. All",
        f"tables of both audits and of the score are in [{full.name}]({full.name}).",
        "",
        block(everything, "\n\n"),
        "",
        "## The audit at medium strength: one setting per method",
        "",
        block(single, "\n\n"),
        "",
        "## The score at medium strength, with the baselines ranked among the methods",
        "",
        "A study does not rank baselines. They are ranked here to see the score of doing nothing.",
        "",
        block(score, "\n\n"),
    ]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    parts = {"All settings": everything, "Medium strength": single, "Score, medium strength": score}
    full.write_text("\n\n\n".join(f"{k}\n\n{v}" for k, v in parts.items()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
