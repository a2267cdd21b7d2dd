"""Audit and score of a table in which models rule values out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from uqs.audit import audit
from uqs.audit.verdicts import verdicts
from uqs.records import VALUED, Status
from uqs.report import words
from uqs.results.tables import long_form, to_panel
from uqs.score import score
from uqs.score.words import coverage

SENTENCES = {
    Status.WEAK_ORIGINAL: "where the original answers under half of what it was taught",
    Status.KNOWN_HOLDOUT: "where the models answer holdout like retain",
    Status.MISSING_TRACE: "where the models were not traced",
    Status.MISSING_SHADOWS: "no shadow models",
    Status.COLLAPSED: "where the models collapsed",
    Status.GATE_FAILED: "where the gates failed",
    Status.MISSING_ORACLE: "no oracle",
    Status.NO_SCALE: "where the original is within the oracles' noise floor",
}


def table(status: Status) -> pd.DataFrame:
    """Six methods, three seeds, on two benchmarks; on the second MIA has no value."""
    rng, rows = np.random.default_rng(0), []
    for benchmark in ("one", "two"):
        for method in "abcdef":
            for seed in range(3):
                for metric in ("FA", "RA", "MIA"):
                    lost = benchmark == "two" and metric == "MIA"
                    rows.append(
                        {
                            "benchmark": benchmark,
                            "method": method,
                            "seed": seed,
                            "metric": metric,
                            "value": np.nan
                            if lost
                            else (ord(method) - 96) / 10 + rng.random() / 50,
                            "status": status.value if lost else "ok",
                        }
                    )
    return pd.DataFrame(rows)


@pytest.mark.parametrize("status", sorted(set(Status) - VALUED - {Status.TOO_FEW}))
def test_an_audit_says_why_there_is_no_value(status: Status) -> None:
    found = audit(to_panel(long_form(table(status), "t"), "t"), rng=np.random.default_rng(0))
    (line,) = [
        line for line in verdicts(found) if line.startswith("MIA") and "benchmarks (two)" in line
    ]
    assert SENTENCES[status] in line


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (Status.WEAK_ORIGINAL, ": the original answers under half"),
        (Status.KNOWN_HOLDOUT, ": models answer holdout like retain"),
        (Status.COLLAPSED, ")"),
    ],
)
def test_a_score_says_why_a_metric_is_left_out(status: Status, said: str) -> None:
    lines = coverage(score(to_panel(long_form(table(status), "t"), "t"), "equal"))
    (line,) = [line for line in lines if line.startswith("two: MIA is left out")]
    assert f"6 of 6 methods have no value{said}" in line


def test_every_status_has_words() -> None:
    assert set(words.STATUS) == set(Status)
