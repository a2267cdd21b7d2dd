from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from uqs.gaps import with_gaps
from uqs.records import Status
from uqs.report.means import Gap, Line, Summary, summarise
from uqs.results.tables import long_form


def summary_of(rows) -> Summary:
    return summarise(long_form(pd.DataFrame([asdict(row) for row in rows])))


def values_of(rows, **wanted) -> list[float]:
    return [row.value for row in rows if all(getattr(row, name) == v for name, v in wanted.items())]


def test_means_equal_a_loop_over_the_rows(rows):
    summary = summary_of(rows)
    for benchmark in ("mllmu_bench", "mmubench", "unlok_vqa"):
        for method in summary.methods:
            for metric, split in (
                ("MIA", "forget"),
                ("AD", summary.headline["AD"]),
                ("RA", "retain"),
            ):
                wanted = {"benchmark": benchmark, "method": method, "metric": metric}
                values = values_of(rows, **wanted, split=split)
                found = summary.mean(benchmark, Line.UNLEARNED, metric, method)
                assert found.value == pytest.approx(np.mean(values), abs=1e-12)
                assert (found.known, found.runs, found.status) == (3, 3, Status.OK)


def test_the_error_joins_seeds_and_items(rows):
    found = summary_of(rows).mean("mllmu_bench", Line.UNLEARNED, "MIA", "gradient_ascent")
    seeds = [0.38, 0.36, 0.32]
    assert found.se == pytest.approx(np.sqrt(np.var(seeds, ddof=1) / 3 + 0.02**2))


def test_one_run_has_the_error_of_its_items(rows):
    one = [row for row in rows if row.role != "unlearned" or row.seed == 42]
    found = summary_of(one).mean("mllmu_bench", Line.UNLEARNED, "MIA", "salun")
    assert (found.se, found.runs) == (pytest.approx(0.02), 1)
    bare = [replace(row, se=None) for row in one]
    assert summary_of(bare).mean("mllmu_bench", Line.UNLEARNED, "MIA", "salun").se is None


def test_reference_lines(rows):
    summary = summary_of(rows)
    assert summary.mean("mmubench", Line.ORACLE, "FA").value == pytest.approx(0.21)
    assert summary.mean("mmubench", Line.FLOOR, "FA").value == pytest.approx(0.02)
    floor = summary.mean("mmubench", Line.FLOOR, "AD")
    assert (floor.value, floor.se) == (pytest.approx(0.5), pytest.approx(0.02))
    assert summary.mean("mmubench", Line.ORACLE, "AD") is None
    assert summary.mean("mmubench", Line.ORIGINAL, "AD").value == pytest.approx(9.0, abs=0.01)


def test_gaps(rows):
    summary = summary_of(rows)
    gap = summary.gap("unlok_vqa", Line.UNLEARNED, "FA", "salun")
    assert (gap.difference, gap.ratio) == (pytest.approx(1 - 0.21), None)
    distance = summary.mean("unlok_vqa", Line.UNLEARNED, "AD", "salun").value
    gap = summary.gap("unlok_vqa", Line.UNLEARNED, "AD", "salun")
    assert (gap.difference, gap.ratio) == (
        pytest.approx(distance - 0.5),
        pytest.approx(distance / 0.5),
    )


def test_no_gap_without_an_oracle_or_a_floor(rows):
    without = [row for row in rows if row.role != "oracle"]
    summary = summary_of(without)
    assert summary.gap("mmubench", Line.UNLEARNED, "FA", "salun") == Gap()
    flat = [
        replace(row, value=0.0) if row.role == "oracle" and row.metric == "AD" else row
        for row in rows
    ]
    gap = summary_of(flat).gap("mmubench", Line.UNLEARNED, "AD", "salun")
    assert gap.ratio is None
    assert gap.difference == summary.mean("mmubench", Line.UNLEARNED, "AD", "salun").value


def test_the_gap_is_that_of_the_results_table(rows):
    """Three oracles, one pair of which was measured one way only."""
    third = [
        replace(row, seed=2, value=row.value * (0.9 if row.oracle_seed is None else 3))
        for row in rows
        if row.role == "oracle" and row.seed == 0 and row.oracle_seed in (None, 1)
    ]
    filled = with_gaps([*rows, *third])
    summary = summary_of(filled)
    for metric in ("FA", "RA", "AD", "JS"):
        wanted = {"benchmark": "mmubench", "method": "salun", "metric": metric}
        split = summary.headline[metric]
        gaps = [
            row.gap
            for row in filled
            if row.split == split and all(getattr(row, k) == v for k, v in wanted.items())
        ]
        found = summary.gap("mmubench", Line.UNLEARNED, metric, "salun")
        assert found.difference == pytest.approx(np.mean(gaps), abs=1e-12)
    # distances .5 between oracles 0 and 1, 1.5 between 1 and 2
    assert summary.mean("mmubench", Line.FLOOR, "AD").value == pytest.approx(1.0)


def test_missing_values_are_counted_and_named(rows):
    def spoilt(count: int, status: str):
        seeds = sorted({row.seed for row in rows if row.role == "unlearned"})[:count]
        return [
            replace(row, value=None, se=None, status=status)
            if (row.method, row.metric) == ("salun", "JS") and row.seed in seeds
            else row
            for row in rows
        ]

    some = summary_of(spoilt(1, "collapsed")).mean("mmubench", Line.UNLEARNED, "JS", "salun")
    assert (some.known, some.runs, some.status) == (2, 3, Status.OK)
    none = summary_of(spoilt(3, "collapsed")).mean("mmubench", Line.UNLEARNED, "JS", "salun")
    assert (none.value, none.se, none.status) == (None, None, Status.COLLAPSED)


def test_other_splits_stand_beside_the_headline(rows):
    summary = summary_of(rows)
    assert summary.other_splits("mmubench") == (("FA", "forget_reworded"),)
    assert summary.headline["FA"] == "forget"
    assert summary.metrics == ("FA", "RA", "MIA", "AD", "JS", "oracle_distance")


def test_strengths_are_lines_of_their_own(rows):
    strong = [
        replace(row, method="salun", strength="strong") for row in rows if row.method == "salun"
    ]
    weak = [replace(row, strength="weak") if row.method == "salun" else row for row in rows]
    methods = summary_of([*weak, *strong]).methods
    assert {"salun@strong", "salun@weak"} <= set(methods)
    assert "salun" not in methods
