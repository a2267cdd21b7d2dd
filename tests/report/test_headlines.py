"""The first lines of a report, held against the tables they are made from."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import spearmanr

from uqs.audit.ladder import Ladder, Rung
from uqs.report import ladder
from uqs.report.analysis import analyse
from uqs.report.finish import finish
from uqs.report.headlines import headlines
from uqs.results import Row

SHARES = {0.25: 0.3, 0.5: 0.55, 0.75: 0.8}


def references(rows: list[Row]) -> Iterator[Row]:
    """On every benchmark FA follows the share, RA goes up and down; one suppressed model."""
    originals = [row for row in rows if row.role == "original" and row.metric in ("FA", "RA")]
    for row in originals:
        for place, (share, value) in enumerate(SHARES.items()):
            own = value if row.metric == "FA" else 0.9 + 0.05 * (place % 2)
            yield replace(
                row,
                role="reference",
                method="retrain_part",
                strength=f"{share:g}",
                share=share,
                value=own,
            )
        yield replace(row, role="suppressed", method="refusal", share=1.0, value=0.01)


def with_shares(rows: list[Row]) -> list[Row]:
    known = {"oracle": 0.0, "original": 1.0}
    return [*(replace(row, share=known.get(row.role)) for row in rows), *references(rows)]


def test_the_first_lines_are_those_of_the_tables(rows: list[Row], make_run) -> None:
    found = analyse(make_run(with_shares(rows)))
    method, metrics, sure, base = headlines(found)
    score = found.overall.equal
    first = [one.method for one in score.methods if one.rank_interval[0] == 1]
    assert all(name in method for name in first)
    assert "FA" in metrics.split(" reach 0.9")[0]
    assert "RA (" in metrics.split("below it are")[1]
    for order in found.audit.resolution:
        assert f"{order.metric} " in sure or order.found is None
    pairs = list(combinations(range(4), 2))
    told = {"FA": 0}
    for order in found.audit.resolution:
        if order.metric == "FA" and order.found is not None:
            above = order.found.above()
            told["FA"] += sum(bool(above[a, b] or above[b, a]) for a, b in pairs)
    total = sum(len(pairs) for o in found.audit.resolution if o.metric == "FA" and o.found)
    if total:
        assert f"FA {told['FA']} of {total}" in sure
    assert base == "What it stands on: 36 unlearned models and 6 oracles on 3 benchmarks."


def test_a_rho_below_the_limit_is_printed_and_is_that_of_scipy(rows: list[Row], make_run) -> None:
    long = with_shares(rows)
    found = analyse(make_run(long))
    metrics = headlines(found)[1]
    worst = min(
        abs(spearmanr(*zip(*own, strict=True)).statistic)
        for own in (
            [
                (row.share, row.value)
                for row in long
                if row.metric == "RA"
                and row.share is not None
                and row.benchmark == name
                and row.role in ("oracle", "original", "reference")
            ]
            for name in {row.benchmark for row in long}
        )
    )
    assert worst < ladder.FOLLOWS
    assert f"RA ({worst:.2f})" in metrics


def test_without_references_no_sentence_speaks_of_them(rows: list[Row], make_run) -> None:
    found = analyse(make_run(rows))
    assert not any(line.startswith("Which metrics") for line in headlines(found))
    assert len(headlines(found)) == 3


def test_no_reference_counts_among_the_methods(rows: list[Row], make_run) -> None:
    """The means, the audit and the score are those of the table without them."""
    bare, full = analyse(make_run(rows)), analyse(make_run(with_shares(rows), name="full"))
    assert full.summary.methods == bare.summary.methods
    assert full.summary.means == bare.summary.means
    for part in ("design", "agreement", "reliability", "clusters"):
        assert getattr(full.audit, part) == getattr(bare.audit, part)
    assert [one.uqs for one in full.overall.published.methods] == [
        one.uqs for one in bare.overall.published.methods
    ]
    assert (bare.overall.equal.form, full.overall.equal.form) == ("published", "calibrated")


def test_the_ladder_is_printed_with_what_stands_beside_it(rows: list[Row], make_run) -> None:
    out = io.StringIO()
    finish(make_run(with_shares(rows)), Console(file=out, width=160, markup=False, highlight=False))
    text = out.getvalue()
    assert text.index("In short") < text.index("Gates")
    part = text.split("Models of known truth on mllmu_bench")[1]
    (line,) = [row for row in part.splitlines() if row.startswith("│ FA")][:1]
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells[0] == "FA"
    assert cells[1].startswith("0.210 ±")  # oracles .2 and .22
    assert [cell.split(" ")[0] for cell in cells[2:5]] == ["0.300", "0.550", "0.800"]
    assert cells[7].startswith("0.010")  # refusal, behind the rho


@pytest.mark.parametrize("sign", [1, -1])
def test_following_is_the_least_over_benchmarks(sign: int) -> None:
    rng = np.random.default_rng(0)

    def made(benchmark: str, noise: float) -> Ladder:
        shares = [0.0, 0.25, 0.5, 0.75, 1.0]
        rungs = [Rung(s, tuple(sign * (s + noise * rng.normal(size=4)))) for s in shares]
        return Ladder(benchmark, "FA", "forget", tuple(rungs))

    steady, noisy = made("a", 0.01), made("b", 0.8)
    found = ladder.following([steady, noisy])
    assert noisy.rho is not None
    assert found == {"FA": pytest.approx(abs(noisy.rho))}
    flat = Ladder("c", "FA", "forget", (Rung(0, (1.0, 1.0)), Rung(1, (1.0,))))
    assert ladder.following([steady, flat]) == {"FA": None}
