"""Every point of the evaluation protocol, on rows that meet it and on rows that do not."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from uqs.metrics.catalogue import CARDS
from uqs.report.analysis import Analysis, NoRanking, analyse, tree
from uqs.report.board import page
from uqs.report.printed import show
from uqs.report.protocol import MET, Point, protocol, sheet
from uqs.report.protocol.answer import all_of, span
from uqs.report.protocol.ranking import seed_share
from uqs.results import Row
from uqs.stats.resolution import resolve

METHODS = ("gradient_ascent", "random_labels", "finetune_retain", "salun")
SEEDS = (42, 123, 5508)
FIRST = {"FA": 0.4, "RA": 0.8, "MIA": 0.3, "AD": 2.0, "JS": 0.1, "oracle_distance": 0.4}
STEP = {"FA": 0.1, "RA": 0.03, "MIA": 0.1, "AD": 1.0, "JS": 0.1, "oracle_distance": 0.1}
Change = Callable[[Row], Row | None]


def complete(rows: list[Row]) -> Iterator[Row]:
    """Rows that meet every point: four steady methods, holdout, recovery, oracles taught none of forget."""
    for row in rows:
        if row.role == "unlearned" and row.metric in STEP:
            at, jitter = METHODS.index(row.method), (SEEDS.index(row.seed) - 1) * 1e-3
            wobble = jitter * (1 if at % 2 else -1) * (1 + 0.1 * (row.oracle_seed or 0))
            row = replace(row, value=FIRST[row.metric] + at * STEP[row.metric] + wobble)
        if row.role == "oracle":
            row = replace(row, share=0.0)
        yield row
        if row.metric == "FA" and row.split == "forget":
            if row.role == "original":
                yield replace(row, split="holdout", value=0.1)
            for metric in ("KR", "KR_IMP"):
                own = 0.1 if row.role == "oracle" else 0.5
                yield replace(row, metric=metric, value=own)
                if row.role == "unlearned":
                    for seed in (0, 1):
                        place = {"split": "forget/above_oracle", "oracle_seed": seed}
                        yield replace(row, metric=metric, value=0.4, **place)


def changed(rows: list[Row], change: Change) -> list[Row]:
    found = [change(row) for row in complete(rows)]
    return [row for row in found if row is not None]


def points(found: Analysis) -> dict[str, Point]:
    return {one.name: one for one in protocol(found)}


def unchanged(row: Row) -> Row:
    return row


@pytest.fixture(scope="module")
def whole() -> list[Analysis]:
    """The analysis of complete rows, once made."""
    return []


@pytest.fixture
def answered(rows: list[Row], make_run, whole: list[Analysis]) -> Callable[..., Analysis]:
    """The analysis of complete rows after a change."""

    def made(change: Change = unchanged, **options: object) -> Analysis:
        if change is unchanged and not options and whole:
            return whole[0]
        run: Path = make_run(changed(rows, change), **options)
        found = analyse(run)
        if change is unchanged and not options:
            whole.append(found)
        return found

    return made


def lost(row: Row, status: str = "too_few") -> Row:
    return replace(row, value=None, se=None, n=0, status=status)


def test_complete_rows_meet_every_point(answered) -> None:
    found = protocol(answered())
    assert len(found) == 11
    assert [one.name for one in found if one.met is not True] == []
    assert all(one.figure.endswith(".") for one in found)


def test_knowledge(answered) -> None:
    name = "Knowledge before unlearning"
    # three originals of .98 and some 1e-6, two oracles of .20 and .22
    assert (
        "mmubench 0.982 ± 0.020 (0.210 ± 0.022; 0.100 ± 0.020)" in points(answered())[name].figure
    )

    def original(value: float) -> Change:
        def change(row: Row) -> Row:
            known = (row.role, row.metric, row.split) == ("original", "FA", "forget")
            return replace(row, value=value) if known and row.benchmark == "mmubench" else row

        return change

    assert points(answered(original(0.49)))[name].met is False  # under half
    assert points(answered(original(0.51)))[name].met is True

    def holdout(row: Row) -> Row:
        return replace(row, value=0.97) if row.split == "holdout" else row

    assert points(answered(holdout))[name].met is False  # no more than on holdout, within the noise

    def oracles(row: Row) -> Row:
        return replace(row, value=0.97) if (row.role, row.metric) == ("oracle", "FA") else row

    assert points(answered(oracles))[name].met is False
    without = points(answered(lambda row: None if row.split == "holdout" else row))[name]
    assert without.met is None
    assert "not measured" in without.figure
    gone = points(answered(lambda row: None if row.role == "original" else row))[name]
    assert gone.met is None


def test_operating_regime(answered) -> None:
    name = "Operating regime"
    met = points(answered())[name]
    # FA .4 to .7, oracles .21, originals .98
    assert (
        "mmubench between the ends (25% to 63% of the knowledge is left): FA 0.400 to 0.700"
        in met.figure
    )

    def all_at(value: float, metric: str = "FA", spread: float = 1e-3) -> Change:
        def change(row: Row) -> Row:
            if (row.role, row.metric, row.benchmark) != ("unlearned", metric, "mmubench"):
                return row
            return replace(row, value=value + spread * METHODS.index(row.method))

        return change

    for value, word in ((0.95, "at ceiling"), (0.2, "at floor")):
        found = points(answered(all_at(value)))[name]
        assert found.met is False
        assert f"mmubench {word}" in found.figure
        assert f"unlok_vqa {word}" not in found.figure
    constant = points(answered(all_at(0.9, "RA", 0)))[name]
    assert constant.met is False
    assert "RA 0.900 (constant)" in constant.figure
    unknown = points(answered(lambda row: None if row.role == "original" else row))[name]
    assert unknown.met is None
    assert "no ends" in unknown.figure


def test_the_published_rows_are_at_ceiling_and_at_floor(rows: list[Row], make_run) -> None:
    """Of the study's 15 metrics by benchmark five are constant (the ends here are made up)."""
    found = points(analyse(make_run(rows)))["Operating regime"]
    assert found.met is False
    assert found.figure.count("(constant)") == 5
    assert "mllmu_bench at floor" in found.figure
    assert "unlok_vqa at ceiling" in found.figure


def test_metric_vector(answered) -> None:
    name = "Metric vector"
    assert points(answered())[name].figure == (
        "FA, RA, MIA, AD and JS are there on 3 benchmarks; beside them KR, KR_IMP and oracle_distance."
    )
    without = points(answered(lambda row: None if row.metric == "JS" else row))[name]
    assert without.met is False
    assert "JS on mmubench (not measured)" in without.figure

    def collapsed(row: Row) -> Row:
        mine = (row.role, row.metric, row.benchmark) == ("unlearned", "MIA", "mmubench")
        return lost(row, "collapsed") if mine else row

    some_ = points(answered(collapsed))[name]
    assert some_.met is False
    assert "there is no MIA on mmubench (collapsed);" in some_.figure


def test_coverage(answered) -> None:
    name = "Coverage kept apart"

    def salun(row: Row, metric: str, seeds: tuple[int, ...] = SEEDS) -> Row:
        mine = (row.role, row.method, row.metric) == ("unlearned", "salun", metric)
        return lost(row) if mine and row.benchmark == "mmubench" and row.seed in seeds else row

    apart = answered(lambda row: salun(row, "JS"))
    assert [one.metric for one in apart.overall.equal.left_out] == ["JS"]
    found = points(apart)[name]
    assert found.met is True
    assert "JS lacks salun on mmubench" in found.figure
    assert "Kept apart: JS on mmubench left out for all methods" in found.figure

    beside = points(answered(lambda row: salun(row, "KR")))[name]
    assert beside.met is True
    assert beside.figure.endswith(
        "KR lacks salun on mmubench. Kept apart: other metrics not pooled."
    )

    uneven = points(answered(lambda row: salun(row, "FA", SEEDS[:1])))[name]
    assert uneven.met is False
    assert "FA of salun on mmubench is over 2 of 3 runs" in uneven.figure

    def not_there(row: Row) -> Row | None:
        return None if (row.method, row.benchmark) == ("salun", "mmubench") else row

    partial = points(answered(not_there))[name]
    assert partial.met is True
    assert "salun left out of the common ranking" in partial.figure


def test_directions(answered) -> None:
    name = "Directions aligned"
    assert points(answered())[name].figure == (
        "Better is lower in FA, MIA, AD, JS and oracle_distance; higher in RA; nearer to the oracles' own"
        " value in KR and KR_IMP."
    )

    def no_target(row: Row) -> Row | None:
        return None if (row.role, row.metric) == ("oracle", "KR") else row

    found = points(answered(no_target))[name]
    assert found.met is False
    assert (
        "no value to aim at in KR on mllmu_bench, KR on mmubench and KR on unlok_vqa"
        in found.figure
    )


def test_ranks(answered) -> None:
    name = "Ranks beside values"
    analysis = answered()
    for one in analysis.overall.equal.methods:
        low, high = one.rank_interval
        shown = f"{low}" if low == high else f"{low} to {high}"
        assert f"{one.method} {one.uqs:.3f} ± {one.se:.3f} (rank {one.rank}; {shown})" in (
            points(analysis)[name].figure
        )
    alone = answered(lambda row: row if row.role != "unlearned" or row.method == "salun" else None)
    assert isinstance(alone.overall, NoRanking)
    found = points(alone)[name]
    assert found.met is False
    assert alone.overall.reason in found.figure


def test_seeds(answered) -> None:
    name = "Dependence of seeds"
    analysis = answered()
    found = points(analysis)[name]
    assert found.figure.startswith(
        "4 methods are the units (too few to test anything: 5 are needed), 36 runs on 3 benchmarks their"
    )
    one_oracle = [o.found for o in analysis.audit.resolution if o.metric == "FA"]
    assert all(seed_share(o) == pytest.approx(1 - o.g) for o in one_oracle)

    def noisy(row: Row) -> Row:
        if (row.role, row.metric, row.split) != ("unlearned", "FA", "forget"):
            return row
        place = (METHODS.index(row.method) + SEEDS.index(row.seed)) % 3
        return replace(row, value=0.3 + 0.2 * place)

    most = answered(noisy)
    shares = [1 - o.found.g for o in most.audit.resolution if o.metric == "FA"]
    assert f"FA {max(shares):.0%}," in points(most)[name].figure
    assert max(shares) > 0.5
    single = points(
        answered(lambda row: row if row.role != "unlearned" or row.seed == 42 else None)
    )[name]
    assert single.met is False
    assert "with one seed" in single.figure

    def unmatched(row: Row) -> Row | None:
        if row.role != "unlearned":
            return row
        return row if row.seed == SEEDS[METHODS.index(row.method) % 3] else None

    assert points(answered(unmatched))[name].met is None


def test_the_share_of_seeds_is_that_of_known_components() -> None:
    """A cube of which the seeds carry everything, one of which they carry nothing."""
    rng = np.random.default_rng(0)
    method = np.array([0.0, 5.0, 10.0, 15.0])[:, None, None]
    by_oracle = method + 0.1 * rng.normal(size=(4, 1, 3)) + np.zeros((4, 3, 3))
    by_seed = np.zeros((4, 3, 3)) + rng.normal(size=(4, 3, 1))
    by_seed -= by_seed.mean(axis=1, keepdims=True)  # the methods' means are equal
    none, every = resolve(by_oracle), resolve(by_seed)
    assert none is not None
    assert every is not None
    assert seed_share(none) == pytest.approx(0, abs=1e-9)
    assert seed_share(every) == pytest.approx(1)


def test_reference(answered) -> None:
    name = "Reference defined"
    assert (
        "mmubench: 2 oracles (retrain; taught none of forget; FA 0.210 ± 0.022), noise floor AD 0.500,"
        " JS 0.040, oracle_distance 0.300"
    ) in points(answered())[name].figure

    def one(row: Row) -> Row | None:
        lone = row.role == "oracle" and (row.seed == 1 or row.oracle_seed is not None)
        return None if lone or row.oracle_seed == 1 else row

    single = points(answered(one))[name]
    assert single.met is False
    assert "mmubench: 1 oracle (" in single.figure
    assert "no noise floor" in single.figure
    none = points(answered(lambda row: None if row.role == "oracle" else row))[name]
    assert none.met is False
    assert "mmubench: no oracle" in none.figure
    taught = points(
        answered(lambda row: replace(row, share=0.25) if row.role == "oracle" else row)
    )[name]
    assert taught.met is False
    unknown = points(
        answered(lambda row: replace(row, share=None) if row.role == "oracle" else row)
    )[name]
    assert unknown.met is None
    assert "not in the table" in unknown.figure


def test_weight_distances(answered) -> None:
    name = "Weight distances"
    assert "mmubench 0.400 to 0.700 (between oracles 0.300" in points(answered())[name].figure
    without = points(answered(lambda row: None if row.metric == "oracle_distance" else row))[name]
    assert without.met is False
    assert "mmubench none (not measured)" in without.figure

    def part(row: Row) -> Row:
        mine = (row.metric, row.method) == ("oracle_distance", "salun")
        return lost(row, "missing_trace") if mine else row

    some_ = points(answered(part))[name]
    assert some_.met is False
    assert "of some methods none (not traced)" in some_.figure


def test_recoverability(answered) -> None:
    name = "Recoverability"
    assert "mmubench KR 0.500 (0.400 more), KR_IMP 0.500 (0.400 more)" in (
        points(answered())[name].figure
    )
    without = points(answered(lambda row: None if row.metric == "KR_IMP" else row))[name]
    assert without.met is False
    assert "KR_IMP not measured" in without.figure

    def empty(row: Row) -> Row:
        mine = row.role == "unlearned" and row.metric == "KR" and row.benchmark == "mmubench"
        return lost(row) if mine else row

    undefined = points(answered(empty))[name]
    assert undefined.met is None
    assert "mmubench KR undefined (too few values)" in undefined.figure
    alone = points(answered(lambda row: None if row.split.endswith("above_oracle") else row))[name]
    assert alone.met is None
    assert "not compared with oracles" in alone.figure


def test_utility_and_the_scalar(answered) -> None:
    name = "Utility, weights, sensitivity"
    analysis = answered()
    figure = points(analysis)[name].figure
    assert "mmubench 0.800 to 0.890 (originals 0.972 ± 0.020)" in figure
    assert "Equal weights (0.20 each): " in figure
    assert "Published weights (FA 0.01, RA 0.66, MIA 0.30, AD 0.01, JS 0.01): " in figure
    for result in (analysis.overall.equal, analysis.overall.published):
        best = result.methods[0]
        (near,) = [one for one in result.stability.local if one.kappa == 100]
        assert (
            f"{best.method} first, and first under {best.first_share:.0%} of all weightings; where each"
            f" weight moves by {near.weight_sd:.2f} (sd), still first in {near.same_first:.0%}, tau"
            f" {near.mean_tau:.2f}"
        ) in figure
    without = points(answered(lambda row: None if row.metric == "RA" else row))[name]
    assert without.met is False
    assert "No RA on mllmu_bench, mmubench and unlok_vqa (not measured)" in without.figure
    alone = points(
        answered(lambda row: row if row.role != "unlearned" or row.method == "salun" else None)
    )[name]
    assert alone.met is False
    assert "There is no scalar" in alone.figure


def test_a_stopped_benchmark_counts_only_where_its_trained_models_are_asked(
    rows: list[Row], make_run, failing
) -> None:
    found = points(
        analyse(make_run(failing(list(complete(rows)), "mmubench"), failed=["mmubench"]))
    )
    assert {name for name, one in found.items() if one.met is not True} == set()
    assert "mmubench" not in found["Operating regime"].figure
    assert "mmubench 0.982" in found["Knowledge before unlearning"].figure
    names = sorted({row.benchmark for row in rows})
    every = list(complete(rows))
    for one in names:
        every = failing(every, one)
    stopped = points(analyse(make_run(every, failed=names)))
    assert stopped["Operating regime"] == Point(
        "Operating regime", None, "No method was measured on any benchmark."
    )


def test_the_points_are_printed_drawn_and_written(answered) -> None:
    analysis = answered(lambda row: replace(row, method=row.method.replace("salun", "<b>salun")))
    found = protocol(analysis)
    assert tree(analysis)["protocol"] == [
        {"name": one.name, "met": one.met, "figure": one.figure} for one in found
    ]
    rows = sheet(analysis).rows
    assert [row[0] for row in rows][::10] == [
        "1. Knowledge before unlearning",
        "11. Utility, weights, sensitivity",
    ]
    assert [row[1:] for row in rows] == [(MET[one.met], one.figure) for one in found]
    out = io.StringIO()
    show(analysis, Console(file=out, width=150, markup=False, highlight=False))
    assert out.getvalue().index("UQS over 3") < out.getvalue().index("The evaluation protocol")
    html = page(analysis)
    section = html.split('<section id="protocol"')[1].split("</section>")[0]
    assert "&lt;b&gt;salun" in section
    assert "<b>" not in section
    assert section.count('class="words good"') == 11


def test_three_values_and_names() -> None:
    assert all_of([True, True]) is True
    assert all_of([True, None]) is None
    assert all_of([False, None]) is False
    assert all_of([]) is None
    assert span([0.5, 0.25]) == "0.250 to 0.500"
    assert span([0.5, 0.5]) == "0.500"


def test_the_recovery_splits_are_those_of_the_cards() -> None:
    assert {CARDS[name].split for name in ("KR", "KR_IMP")} == {"forget"}
