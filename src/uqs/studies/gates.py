"""What must hold of original and oracle before anything is unlearned."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import t as student

from uqs.metrics.accuracy import right_answers
from uqs.metrics.base import Evidence, References
from uqs.metrics.clustered import Estimate, clustered_mean
from uqs.metrics.membership import MembershipAUC
from uqs.records import GateCheck, Sample, Split
from uqs.traces.trace import Trace

SHUFFLED = "shuffled_pictures"


@dataclass(frozen=True)
class Limits:
    """`accuracy`: what original and oracle must reach. `confidence`: level of the gates' intervals.

    `margin`: how far above the majority-answer rate accuracy with shuffled pictures may lie.
    """

    accuracy: float = 0.95
    confidence: float = 0.99
    margin: float = 0.05


def shuffled_pictures(split: Split, generator: np.random.Generator) -> Split:
    """The picture questions of a split, each with the picture of another entity drawn at random.

    Raises ValueError where the split shows fewer than two entities.
    """
    shown = [s for s in split.samples if s.picture is not None]
    pictures = {s.entity: s.picture for s in shown}
    entities = sorted(pictures)
    if len(entities) < 2:
        raise ValueError(f"split {split.name!r} shows fewer than two entities")
    order = [entities[i] for i in generator.permutation(len(entities))]
    other = dict(zip(order, [*order[1:], order[0]], strict=True))
    return Split(SHUFFLED, tuple(replace(s, picture=pictures[other[s.entity]]) for s in shown))


def majority_rate(samples: Sequence[Sample]) -> float:
    """Accuracy of giving each question text, options left out, its most common answer."""
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in samples:
        answers[sample.question][sample.answer] += 1
    return sum(max(counts.values()) for counts in answers.values()) / len(samples)


def check_original(
    model: str, traces: Mapping[str, Trace], majority: float, limits: Limits
) -> Iterator[GateCheck]:
    """It knows what it was taught, and it looks at the picture."""
    for split in ("forget", "retain"):
        yield _at_least(f"original_{split}_accuracy", model, _accuracy(traces[split]), limits)
    shuffled = _accuracy(traces[SHUFFLED])
    low, high = _interval(shuffled.value, shuffled.se, shuffled.clusters - 1, limits)
    limit = majority + limits.margin
    yield GateCheck(
        "shuffled_pictures",
        model,
        shuffled.value,
        low,
        high,
        limit,
        "interval begins at or below the majority-answer rate plus margin",
        low <= limit,
    )


def check_oracle(model: str, traces: Mapping[str, Trace], limits: Limits) -> Iterator[GateCheck]:
    """It knows the retain set, and it cannot tell forget from holdout."""
    yield _at_least("oracle_retain_accuracy", model, _accuracy(traces["retain"]), limits)
    forget, holdout = _accuracy(traces["forget"]), _accuracy(traces["holdout"])
    freedom = min(forget.clusters, holdout.clusters) - 1
    gap = forget.value - holdout.value
    low, high = _interval(gap, _joint(forget.se, holdout.se), freedom, limits)
    yield GateCheck(
        "oracle_forget_over_holdout",
        model,
        gap,
        low,
        high,
        0.0,
        "interval of the difference begins at or below 0",
        low <= 0,
    )
    auc = next(MembershipAUC().measure(Evidence(traces), References())).measurement
    if auc.value is None:
        raise ValueError(f"{model}: no membership AUC ({auc.status})")
    low, high = _interval(auc.value, auc.se, freedom, limits)
    yield GateCheck(
        "oracle_membership_auc",
        model,
        auc.value,
        low,
        high,
        0.5,
        "interval holds 0.5",
        low <= 0.5 <= high,
    )


def _accuracy(trace: Trace) -> Estimate:
    return clustered_mean(right_answers(trace), trace.entities)


def _at_least(gate: str, model: str, found: Estimate, limits: Limits) -> GateCheck:
    low, high = _interval(found.value, found.se, found.clusters - 1, limits)
    passed = found.value >= limits.accuracy
    return GateCheck(gate, model, found.value, low, high, limits.accuracy, "value at least", passed)


def _interval(value: float, se: float | None, freedom: int, limits: Limits) -> tuple[float, float]:
    """Student interval with entities as the independent units."""
    if se is None or freedom < 1:
        raise ValueError("a gate needs two entities or more in every split")
    half = float(student.ppf((1 + limits.confidence) / 2, freedom)) * se
    return value - half, value + half


def _joint(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else float(np.hypot(first, second))
