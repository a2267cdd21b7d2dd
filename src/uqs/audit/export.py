"""An audit as plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from uqs.audit.arms import Arms
from uqs.audit.association import Association, Value
from uqs.audit.findings import Agreement, Audit, Reliability
from uqs.audit.inference import Interval
from uqs.audit.order import Order
from uqs.audit.structure import Separation
from uqs.audit.truth import ReportCard
from uqs.stats.permutation import PermutationTest
from uqs.stats.resolution import Resolution

Json = dict[str, Any]


def to_dict(audit: Audit) -> Json:
    """Keys: in_short, verdicts, design, degenerate, agreement, reliability, and the other parts."""
    return {
        "in_short": list(audit.in_short),
        "verdicts": list(audit.verdicts),
        "design": asdict(audit.design),
        "degenerate": [asdict(item) for item in audit.degenerate],
        "resolution": [_order(item) for item in audit.resolution],
        "level": [asdict(item) for item in audit.level],
        "agreement": [_agreement(item) for item in audit.agreement],
        "reliability": [_reliability(item) for item in audit.reliability],
        "comparisons": [asdict(item) for item in audit.comparisons],
        "clusters": asdict(audit.clusters),
        "concordance": [asdict(item) for item in audit.concordance],
        "separations": [_separation(item) for item in audit.separations],
        "strengths": [asdict(item) for item in audit.strengths],
        "do_nothing": [{**asdict(item), "rewarded": item.rewarded} for item in audit.do_nothing],
        "report_cards": [_card(item) for item in audit.report_cards],
        "known_shares": [asdict(item) for item in audit.known_shares],
        "profiles": [
            {**asdict(item), "p": item.p, "ragged": item.ragged} for item in audit.profiles
        ],
        "told": [asdict(item) for item in audit.told],
        "noise": [asdict(item) for item in audit.noise],
        "meta_evaluation": [asdict(item) for item in audit.meta_evaluation],
        "arms": None if audit.arms is None else _arms(audit.arms),
    }


def _arms(found: Arms) -> Json:
    """The differences of two metrics; those of the means of all pairs have null as `a` and `b`."""
    return {
        "by": found.by,
        "names": list(found.names),
        "methods": found.methods,
        "min_p": found.min_p,
        "testable": found.testable,
        "mean": [asdict(one) for one in found.mean],
        "agreement": [asdict(one) for one in found.agreement],
        "differences": [
            {
                **{key: one_value for key, one_value in asdict(one).items() if key != "interval"},
                "interval": _ends(one.interval),
                "interval_reason": one.interval.reason,
                "shown": found.testable and one.shown,
            }
            for one in found.differences
        ],
        "notes": list(found.notes),
        "published": None if found.published is None else _arms(found.published),
    }


def _ends(interval: Interval) -> list[float | None] | None:
    return None if interval.low is None else [interval.low, interval.high]


def _card(item: ReportCard) -> Json:
    """`blind` and `fooled` name the suppressed and damaged models that the metric misjudges."""
    return {
        **asdict(item),
        "usable": item.usable,
        "blind": [f"{one.method} {one.strength}".strip() for one in item.blind],
        "fooled": [f"{one.method} {one.strength}".strip() for one in item.fooled],
    }


def _order(item: Order) -> Json:
    """Means and errors are on the order's `scale`; with `critical` they give all pairs told apart."""
    found = item.found
    numbers: Json = dict.fromkeys(field.name for field in fields(Resolution))
    if found is not None:
        numbers = asdict(found)
        for name in ("means", "errors"):
            numbers[name] = dict(zip(item.methods, numbers[name].tolist(), strict=True))
    return {
        "metric": item.metric,
        "benchmark": item.benchmark,
        "strength": item.strength,
        "status": str(item.shown),
        "scale": item.scale,
        "methods": list(item.methods),
        "left_out": list(item.left_out),
        "values_used": item.used,
        "values_known": item.known,
        "seeds_paired": item.paired,
        **numbers,
    }


def _agreement(item: Agreement) -> Json:
    return {
        "a": item.a,
        "b": item.b,
        "stratified": _stratified("tau_b", item.tau, item.test, item.p_adjusted, item.interval),
        "pooled": {"tau_b": item.tau.pooled.value, "n": item.tau.pooled.n},
        "at_one_strength": _one_strength("tau_b", item),
        "sign_reverses": item.tau.sign_reverses,
        "per_benchmark": _cells("tau_b", item.tau.per_benchmark),
    }


def _reliability(item: Reliability) -> Json:
    return {
        "metric": item.metric,
        "target": item.target,
        "stratified": _stratified("rho", item.rho, item.test, item.p_adjusted, item.interval),
        "pooled": {
            "rho": item.rho.pooled.value,
            "n": item.rho.pooled.n,
            "p_exact": item.pooled_test.p if item.pooled_test else None,
            "sentinel_rho": item.sentinels.benchmark_mean,
        },
        "at_one_strength": _one_strength("rho", item),
        "sign_reverses": item.rho.sign_reverses,
        "sentinels": asdict(item.sentinels),
        "ceiling": item.ceiling,
        "pairwise_accuracy": asdict(item.pairwise),
        "per_benchmark": _cells("rho", item.rho.per_benchmark),
    }


def _stratified(
    name: str,
    found: Association,
    test: PermutationTest | None,
    p_adjusted: float | None,
    interval: Interval,
) -> Json:
    return {
        name: found.stratified.value,
        "groups_defined": found.stratified.groups_defined,
        "groups": found.stratified.groups,
        "p_exact": test.p if test else None,
        "p_adjusted": p_adjusted,
        "arrangements": test.arrangements if test else 0,
        "exact": test.exact if test else None,
        "interval": _ends(interval),
        "interval_reason": interval.reason,
        "status": str(found.stratified.status),
    }


def _one_strength(name: str, item: Agreement | Reliability) -> Json | None:
    found, test = item.one_strength, item.one_strength_test
    if found is None:
        return None
    return {
        name: found.value,
        "groups_defined": found.groups_defined,
        "groups": found.groups,
        "p": test.p if test else None,
        "p_adjusted": item.one_strength_p_adjusted,
        "status": str(found.status),
    }


def _cells(name: str, cells: Mapping[str, Value]) -> Json:
    return {
        benchmark: {name: cell.value, "n": cell.n, "status": str(cell.status)}
        for benchmark, cell in cells.items()
    }


def _separation(item: Separation) -> Json:
    test = item.test
    return {
        "metric": item.metric,
        "benchmarks": test.blocks,
        "statistic": test.statistic,
        "p": test.p,
        "mean_ranks": dict(zip(item.methods, test.mean_ranks.tolist(), strict=True)),
        "critical_difference": test.critical_difference,
        "pairwise_p": test.pairwise_p.tolist(),
    }
