"""What is drawn, held against the audit, the score and the rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.lines import Line2D
from matplotlib.text import Text

from uqs.report.arms import POOLED, WITHIN, arms
from uqs.report.evidence import Evidence
from uqs.report.figures.canvas import POINTS, TALLEST, WIDTH, Drawing, style
from uqs.report.figures.catalogue import DRAWS
from uqs.report.figures.marks import COLOURS, HEAT, SHAPES, mark
from uqs.report.figures.stability import CURVES
from uqs.score import ScoreResult, score
from uqs.text import MINUS

Draw = Callable[[str], list[Drawing]]


@pytest.fixture(scope="module")
def ranked(evidence: Evidence) -> ScoreResult:
    """The score of the same table."""
    assert evidence.panel is not None
    return score(evidence.panel, "equal", long=evidence.long)


@pytest.fixture(scope="module")
def draw(evidence: Evidence) -> Draw:
    """Each figure, drawn once."""
    held: dict[str, list[Drawing]] = {}

    def drawn(name: str) -> list[Drawing]:
        if name not in held:
            with style():
                found = DRAWS[name](evidence)
            assert isinstance(found, list), found
            held[name] = found
        return held[name]

    return drawn


def axes_of(drawing: Drawing, at: int = 0) -> Axes:
    return drawing.figure.axes[at]


def points(axes: Axes, shape: str) -> list[tuple[float, float]]:
    """The places of single marks of a shape."""
    found = [line for line in axes.lines if line.get_marker() == shape]
    return [
        (float(x), float(y))
        for line in found
        for x, y in zip(
            np.atleast_1d(line.get_xdata()), np.atleast_1d(line.get_ydata()), strict=True
        )
    ]


def bars(axes: Axes) -> Iterator[tuple[Line2D, ErrorbarContainer]]:
    for one in axes.containers:
        if isinstance(one, ErrorbarContainer):
            yield one.lines[0], one


def two(value: float) -> str:
    return f"{value:.2f}".replace("-0.", MINUS + ".").replace("0.", ".", 1)


def test_the_heat_map_has_the_audits_tau_with_its_coverage(draw: Draw, evidence: Evidence) -> None:
    found = evidence.audit
    names = list(dict.fromkeys(name for one in found.agreement for name in (one.a, one.b)))
    (drawing,) = draw("tau")
    written = {one.get_position(): one.get_text() for one in axes_of(drawing).texts}
    checked = 0
    for one in found.agreement:
        within = one.tau.stratified
        place = names.index(one.b), names.index(one.a)
        if within.value is None:
            assert place not in written
            continue
        number = f"{abs(within.value):.2f}".lstrip("0") if abs(within.value) < 1 else "1.00"
        sign = MINUS if within.value < 0 and float(number) else ""
        assert written[place] == f"{sign}{number}\n{within.groups_defined}/{within.groups}"
        checked += 1
    assert checked > 5
    assert "n = 36 models of 4 methods" in drawing.caption


def test_the_ranks_are_those_of_the_audit_and_of_the_score(
    draw: Draw, evidence: Evidence, ranked: ScoreResult
) -> None:
    (drawing,) = draw("ranks")
    axes = axes_of(drawing)
    columns = [one.get_text() for one in axes.get_xticklabels()]
    rows = [one.get_text().replace(" ", "_") for one in axes.get_yticklabels()]
    written = {one.get_position(): float(one.get_text()) for one in axes.texts}
    for one in evidence.audit.separations:
        column = columns.index(one.metric.replace("_", " "))
        for method, rank in zip(one.methods, one.test.mean_ranks, strict=True):
            assert written[column, rows.index(method)] == pytest.approx(float(rank), abs=0.051)
    for method in ranked.methods:
        assert written[columns.index("UQS"), rows.index(method.method)] == method.rank
    assert set(columns) == {*(one.metric for one in evidence.audit.separations), "UQS"}


def test_an_arm_has_every_defined_tau_and_their_mean(draw: Draw, evidence: Evidence) -> None:
    (drawing,) = draw("arms")
    dots = [line for line in axes_of(drawing).lines if line.get_marker() == "o"]
    tree = evidence.audit.to_dict()["agreement"]
    names = [*evidence.audit.agreement[0].tau.per_benchmark, WITHIN, POOLED]
    for name, line, (mean, bar) in zip(names, dots, bars(axes_of(drawing)), strict=True):
        if name == WITHIN:
            held = [one["stratified"]["tau_b"] for one in tree]
        elif name == POOLED:
            held = [one["pooled"]["tau_b"] for one in tree]
        else:
            held = [one["per_benchmark"][name]["tau_b"] for one in tree]
        known = sorted(value for value in held if value is not None)
        assert np.asarray(line.get_xdata()).tolist() == known
        assert float(mean.get_xdata()[0]) == pytest.approx(np.mean(known))
        ends = bar.lines[2][0].get_segments()[0][:, 0]
        assert np.ptp(ends) == pytest.approx(2 * np.std(known, ddof=1))


def test_arms_of_no_pairs_are_none(evidence: Evidence) -> None:
    assert arms(()) == []
    first = arms(evidence.audit.agreement)[0]
    assert first.rows == 12  # 4 methods, 3 seeds
    assert len(first.values) == len(evidence.audit.agreement)


def test_reliability_and_weights(draw: Draw, evidence: Evidence) -> None:
    (drawing,) = draw("reliability")
    left, right = drawing.figure.axes
    items = evidence.audit.reliability
    metrics = [one.metric for one in items]
    within = {metrics[int(y)]: x for x, y in points(left, "o")}
    pooled = {metrics[int(y)]: x for x, y in points(left, "s")}
    alone = {metrics[int(y)]: x for x, y in points(left, "x")}
    for one in items:
        assert within.get(one.metric) == one.rho.stratified.value
        assert pooled.get(one.metric) == one.rho.pooled.value
        assert alone.get(one.metric) == one.sentinels.benchmark_mean
    for shape, name in (("s", "published"), ("o", "held-out"), ("^", "references")):
        weights = score(evidence.panel, name, long=evidence.long, draws=50).weights
        shown = {metrics[int(y)]: x for x, y in points(right, shape)}
        assert shown == pytest.approx(
            dict(zip(weights.metrics, weights.mean.tolist(), strict=True))
        )


def test_stability_is_that_of_the_score(draw: Draw, ranked: ScoreResult) -> None:
    (drawing,) = draw("stability")
    above, below = drawing.figure.axes
    shares = {one.method: one.first_share for one in ranked.methods if one.first_share > 0}
    names = [one.get_text().replace(" ", "_") for one in above.get_yticklabels()]
    widths = [one.get_width() for one in above.patches]
    assert dict(zip(names, widths, strict=True)) == shares
    assert widths == sorted(widths, reverse=True)
    segments = above.collections[0].get_segments()
    for share, ends in zip(widths, segments, strict=True):
        assert np.ptp(ends[:, 0]) == pytest.approx(2 * math.sqrt(share * (1 - share) / 10_000))
    local = ranked.stability.local
    tau, same = (one.shape for one in CURVES.values())
    assert [y for _, y in points(below, tau)] == [one.mean_tau for one in local]
    assert [y for _, y in points(below, same)] == [one.same_first for one in local]


def test_pooling_draws_both_values_and_marks_reversals(draw: Draw, evidence: Evidence) -> None:
    (drawing,) = draw("pooling")
    axes = axes_of(drawing)
    both = [
        one
        for one in evidence.audit.agreement
        if one.tau.stratified.value is not None and one.tau.pooled.value is not None
    ]
    assert [x for x, _ in points(axes, "o")] == [one.tau.stratified.value for one in both]
    assert [x for x, _ in points(axes, "s")] == [one.tau.pooled.value for one in both]
    thick = {int(line.get_ydata()[0]) for line in axes.lines if line.get_linewidth() > 2}
    turned = {
        at
        for at, one in enumerate(both)
        if (one.tau.stratified.value or 0) * (one.tau.pooled.value or 0) < 0
    }
    assert thick == turned != set()


def test_kr_has_the_mean_of_the_runs_and_its_error(draw: Draw, evidence: Evidence) -> None:
    (drawing,) = draw("kr")
    axes = axes_of(drawing)
    names = [one.get_text().replace(" ", "_") for one in axes.get_yticklabels()]
    assert names[-2:] == ["original", "oracle"]
    long = evidence.long
    rows = long[(long["metric"] == "KR") & (long["role"] == "unlearned")]
    expected = rows.groupby(["benchmark", "method"])["value"].agg(["mean", "std"])
    shown = {}
    for line, bar in bars(axes):
        place = round(float(line.get_ydata()[0]))
        ends = bar.lines[2][0].get_segments()[0][:, 0]
        if place < 4:
            at = [mark(b).shape for b in range(3)].index(line.get_marker())
            shown[evidence.summary.benchmarks[at], names[place]] = (
                line.get_xdata()[0],
                np.ptp(ends) / 2,
            )
    assert set(shown) == set(expected.index)
    for key, (mean, error) in shown.items():
        assert mean == pytest.approx(expected.loc[key, "mean"])
        # 3 seeds, and questions that all seeds share (se 0.02)
        assert error == pytest.approx(math.sqrt(expected.loc[key, "std"] ** 2 / 3 + 0.02**2))


def test_distances_are_means_over_oracles_then_seeds(draw: Draw, evidence: Evidence) -> None:
    (drawing,) = draw("distances")
    long = evidence.long
    rows = long[long["role"] == "unlearned"]
    for benchmark, axes in zip(evidence.summary.benchmarks, drawing.figure.axes, strict=False):
        shown = {
            line.get_marker(): (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
            for line, _ in bars(axes)
        }
        for at, method in enumerate(evidence.summary.methods):
            here = rows[(rows["benchmark"] == benchmark) & (rows["method"] == method)]
            ad, js = (here[here["metric"] == name]["value"].mean() for name in ("AD", "JS"))
            assert shown[mark(at).shape] == pytest.approx((ad, js))
        pair = next(one for one in evidence.audit.agreement if (one.a, one.b) == ("AD", "JS"))
        held = pair.tau.per_benchmark[benchmark]
        title = axes.get_title(loc="left")
        assert f"n = {held.n}" in title
        assert held.value is None or f"{abs(held.value):.2f}" in title


def test_dose_and_response_are_the_references_own_values(draw: Draw, evidence: Evidence) -> None:
    (drawing,) = draw("dose")
    long = evidence.long
    trained = long[long["role"].isin(["oracle", "original", "reference"])]
    panels = {one.get_title(loc="left").rpartition(" ")[0]: one for one in drawing.figure.axes}
    assert "FA" in panels and len(panels) >= 7
    for metric in ("FA", "RA", "KR"):
        lines = [line for line, _ in bars(panels[metric]) if len(line.get_xdata()) == 3]
        for benchmark, line in zip(evidence.summary.benchmarks, lines, strict=True):
            own = trained[(trained["metric"] == metric) & (trained["benchmark"] == benchmark)]
            values = own.groupby("share")["value"]
            assert line.get_xdata().tolist() == [0, 0.5, 1]
            assert line.get_ydata().tolist() == pytest.approx(values.mean().tolist())
        bar = next(bar for line, bar in bars(panels[metric]) if len(line.get_xdata()) == 3)
        spread = [np.ptp(ends[:, 1]) / 2 for ends in bar.lines[2][0].get_segments()]
        own = trained[(trained["metric"] == metric) & (trained["benchmark"] == "mllmu_bench")]
        assert spread == pytest.approx(own.groupby("share")["value"].std().tolist())
    assert "suppressed and damaged models, which know everything" in drawing.caption


def test_profiles_draw_the_audits_intervals(draw: Draw, evidence: Evidence) -> None:
    drawings = draw("profiles")
    assert [one.name for one in drawings] == ["profiles_1", "profiles_2", "profiles_3"]
    for benchmark, drawing in zip(evidence.summary.benchmarks, drawings, strict=True):
        parts = [
            part
            for one in evidence.audit.profiles
            if (one.benchmark, one.role, one.seed) == (benchmark, "unlearned", None)
            for part in one.parts
        ]
        held = {(p.share.low, p.share.high) for p in parts if p.share.low is not None}
        lines = [line for line in axes_of(drawing).lines if line.get_marker() == "None"]
        shown = {
            tuple(map(float, line.get_xdata()))
            for line in lines
            if len(line.get_xdata()) == 2 and line.get_ydata()[0] == line.get_ydata()[1]
        }
        assert held and held <= shown
        assert f"on {benchmark}," in drawing.caption


@pytest.mark.parametrize("name", list(DRAWS))
def test_every_figure_is_one_column_wide_and_legible(draw: Draw, name: str) -> None:
    for drawing in draw(name):
        width, height = drawing.figure.get_size_inches()
        assert width == WIDTH and height <= TALLEST
        with style():
            drawing.figure.draw_without_rendering()
        box, hidden = drawing.figure.bbox, set(_hidden(drawing))
        for text in drawing.figure.findobj(Text):
            if text.get_visible() and text.get_text().strip() and text not in hidden:
                assert text.get_fontsize() >= POINTS, text.get_text()
                own = text.get_window_extent()
                across = own.x0 >= -1 and own.x1 <= box.x1 + 1
                assert across and own.y0 >= -1 and own.y1 <= box.y1 + 1, (
                    drawing.name,
                    text.get_text(),
                )
        assert "n = " in drawing.caption or "Models at most" in drawing.caption or name == "ranks"


def _hidden(drawing: Drawing) -> Iterator[Text]:
    """The texts of hidden axes, and the tick labels beyond an axis."""
    for axes in drawing.figure.axes:
        if not axes.get_visible():
            yield from axes.findobj(Text)
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if not low <= tick.get_loc() <= high:
                    yield from (tick.label1, tick.label2)


def test_marks_differ_without_colour_and_shades_keep_their_order_in_grey() -> None:
    assert len({mark(at).shape for at in range(len(SHAPES))}) == len(SHAPES)
    assert len({mark(at).colour for at in range(len(COLOURS))}) == len(COLOURS)
    assert len({mark(at) for at in range(140)}) == 140
    shades = mpl.colormaps[HEAT](np.linspace(0, 1, 50))[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(shades) > 0).all()
