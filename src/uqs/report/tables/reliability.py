"""Which metric follows the oracle, and the weight that it gets."""

from __future__ import annotations

from collections.abc import Sequence

from uqs.audit.association import TARGETS
from uqs.audit.findings import Reliability
from uqs.report.evidence import Evidence
from uqs.report.tables.table import NoTable, Table, Value, coverage
from uqs.report.terminal import Sheet
from uqs.report.words import STATUS
from uqs.text import probability, signed


def reliability(found: Evidence) -> Table | NoTable:
    """A sheet per distance to the oracle."""
    by_target = {
        target: items
        for target in TARGETS
        if (items := [one for one in found.audit.reliability if one.target == target])
    }
    if not by_target:
        return NoTable(found.no_pairs or "no distance to an oracle is in the table beside a metric")
    weights = _weights(found)
    sheets = [_sheet(target, items, weights, found) for target, items in by_target.items()]
    records = [_record(one, weights) for items in by_target.values() for one in items]
    return Table("reliability", sheets, records)


def _weights(found: Evidence) -> dict[str, dict[str, float]]:
    """By name of the weights the weight of each metric, learned ones as means over benchmarks."""
    return {
        name: dict(zip(one.metrics, one.mean.tolist(), strict=True))
        for name, one in found.weights.items()
        if not isinstance(one, str)
    }


def _sheet(
    target: str, items: Sequence[Reliability], weights: dict[str, dict[str, float]], found: Evidence
) -> Sheet:
    refused = sorted({one.interval.reason for one in items if one.interval.reason})
    note = (
        "rho: Spearman's, of the aligned metric with closeness to the oracle, mean over benchmarks; p:"
        " exchange of whole methods (Holm). Pooled mixes the benchmarks; alone: what knowing the"
        " benchmark alone gives. Then the weights in UQS, learned ones as means over benchmarks."
    )
    note += f" No interval: {'; '.join(refused)}." if refused else ""
    for source, why in found.weights.items():
        note += f" No {source} weights: {why}." if isinstance(why, str) else ""
    return Sheet(
        f"Reliability: closeness to the oracle by the {target.replace('_', ' ')}",
        ("metric", "rho", "of", "95%", "p", "pooled", "alone", *weights),
        [
            (
                one.metric,
                _number(one.rho.stratified.value, STATUS[one.rho.stratified.status]),
                coverage(one.rho.stratified.groups_defined, one.rho.stratified.groups),
                _interval(one),
                probability(one.p_adjusted),
                _number(one.rho.pooled.value, STATUS[one.rho.pooled.status]),
                _number(one.sentinels.benchmark_mean, "none"),
                *(_weight(own.get(one.metric)) for own in weights.values()),
            )
            for one in items
        ],
        note,
    )


def _number(value: float | None, missing: str) -> str:
    return missing if value is None else signed(value, 3)


def _interval(one: Reliability) -> str:
    low, high = one.interval.low, one.interval.high
    return "none" if low is None or high is None else f"{signed(low, 2)} to {signed(high, 2)}"


def _weight(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _record(one: Reliability, weights: dict[str, dict[str, float]]) -> dict[str, Value]:
    within, pooled = one.rho.stratified, one.rho.pooled
    return {
        "target": one.target,
        "metric": one.metric,
        "rho": within.value,
        "benchmarks_defined": within.groups_defined,
        "benchmarks": within.groups,
        "status": str(within.status),
        "p": None if one.test is None else one.test.p,
        "p_adjusted": one.p_adjusted,
        "low": one.interval.low,
        "high": one.interval.high,
        "no_interval": one.interval.reason,
        "pooled_rho": pooled.value,
        "pooled_p": None if one.pooled_test is None else one.pooled_test.p,
        "benchmark_alone": one.sentinels.benchmark_mean,
        "ceiling": one.ceiling,
        **{f"weight[{name}]": own.get(one.metric) for name, own in weights.items()},
    }
