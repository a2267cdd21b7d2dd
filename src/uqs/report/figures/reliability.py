"""Which metric follows the oracle, and what weight it gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from matplotlib.axes import Axes

from uqs.audit.association import TARGETS
from uqs.audit.findings import Reliability
from uqs.report.evidence import Evidence
from uqs.report.figures.canvas import Drawing, Missing, canvas, numbered, rows_axis
from uqs.report.figures.marks import GREY, Mark, key
from uqs.report.pages import pages
from uqs.score.weights import Weights
from uqs.text import count

LINE = 0.2
MOST = 32
"""The most metrics in one figure."""
NAMES = dict(zip(TARGETS, ("reliability", "reliability_functional"), strict=True))
WEIGHTS = {
    "equal": Mark("#000000", "|", True),
    "published": Mark("#D55E00", "s", True),
    "held-out": Mark("#0072B2", "o", True),
    "references": Mark("#009E73", "^", True),
}
RHO = {
    "within": Mark("#0072B2", "o", True),
    "pooled": Mark("#D55E00", "s", False),
    "benchmark alone": Mark("#000000", "x", True),
}


def reliability(found: Evidence) -> list[Drawing] | Missing:
    """A figure per distance to the oracle; weights stand beside the first."""
    drawn = []
    for target in TARGETS:
        own = [one for one in found.audit.reliability if one.target == target]
        if not any(list(_values(one)) for one in own):
            continue
        parts = pages(own, MOST)
        for at, items in enumerate(parts):
            name = numbered(NAMES[target], at, len(parts))
            weighed = target == TARGETS[0] and bool(found.weights)
            drawn.append(_figure(name, items, found, with_weights=weighed))
    if not drawn:
        return Missing(found.no_pairs or "no distance to an oracle is in the table beside a metric")
    return drawn


def _figure(
    name: str, items: Sequence[Reliability], found: Evidence, *, with_weights: bool
) -> Drawing:
    target = items[0].target
    figure = canvas(LINE * len(items) + (1.05 if with_weights else 0.8))
    axes = figure.subplots(1, 1 + with_weights, sharey=True, squeeze=False)[0]
    _rho(axes[0], items)
    axes[0].set_xlabel("Spearman's rho")
    design = found.audit.design
    refused = sorted({one.interval.reason for one in items if one.interval.reason})
    caption = (
        "Reliability: Spearman's rho of each aligned metric with closeness to the oracle by the"
        f" {target.replace('_', ' ')}, mean over {count(design.benchmarks, 'benchmark')} with its 95%"
        f" interval over methods (n = {count(design.rows, 'model')} of {count(design.methods, 'method')});"
        " pooled over all rows; and what knowing the benchmark alone gives. Grey: the largest rho that"
        " measurement error allows."
    )
    if refused:
        caption += f" No interval: {'; '.join(refused)}."
    if with_weights:
        _weights(axes[1], [one.metric for one in items], found.weights)
        axes[1].set_xlabel("weight in UQS")
        caption += " Right: weights in UQS, learned ones as means over benchmarks."
        for source, why in found.weights.items():
            if isinstance(why, str):
                caption += f" No {source} weights: {why}."
    rows_axis(axes[0], [one.metric for one in items])
    return Drawing(name, caption, figure)


def _rho(axes: Axes, items: Sequence[Reliability]) -> None:
    for row, one in enumerate(items):
        if one.ceiling is not None:
            axes.plot([one.ceiling] * 2, [row - 0.3, row + 0.3], color="0.65", lw=2.5)
        if one.interval.low is not None and one.interval.high is not None:
            axes.plot([one.interval.low, one.interval.high], [row, row], color=RHO["within"].colour)
        for name, value in _values(one):
            own = RHO[name]
            axes.plot(value, row, own.shape, color=own.colour, mfc=own.face, ls="")
    axes.axvline(0, color=GREY, lw=0.6)
    axes.set_xlim(-1.05, 1.05)
    key(axes, RHO, 1)


def _values(one: Reliability) -> Iterator[tuple[str, float]]:
    found = (one.rho.stratified.value, one.rho.pooled.value, one.sentinels.benchmark_mean)
    for name, value in zip(RHO, found, strict=True):
        if value is not None:
            yield name, value


def _weights(axes: Axes, metrics: Sequence[str], weights: Mapping[str, Weights | str]) -> None:
    drawn = {name: one for name, one in weights.items() if not isinstance(one, str)}
    for name, one in drawn.items():
        own = WEIGHTS[name]
        for metric, value in zip(one.metrics, one.mean.tolist(), strict=True):
            if metric in metrics:
                row = metrics.index(metric)
                axes.plot(value, row, own.shape, color=own.colour, mfc=own.face, alpha=0.85)
    axes.set_xlim(-0.04, 1.04)
    key(axes, {name: WEIGHTS[name] for name in drawn}, 1)
