"""What must hold of originals and oracles before anything is unlearned.

A gate asks for a value between what a right study and what a mistake gives; it is no significance test, which
an honest study would fail as often as its level says. Error rates: perf/gates.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any, Literal

import numpy as np

from uqs.metrics.base import Evidence, Floats, References
from uqs.metrics.membership import MembershipAUC
from uqs.records import GateCheck, Sample, Split
from uqs.traces.judged import right_answers
from uqs.traces.trace import Trace

SHUFFLED = "shuffled_pictures"
POOLED = "oracles"
"""What a check calls all standing oracles together."""
OFF = 1.0
"""A share of 1 as a limit asks for nothing."""


@dataclass(frozen=True)
class Limits:
    """All are shares, 0 to 1; OFF as `entities` or `share` leaves the gates out that ask for it.

    `accuracy`: what is taught must be answered right at least so often. `known`: an entity is known if at
    least this share of its questions is answered right. `entities`: of entities that were not taught, fewer
    must be known. `share`: what oracles have left of the original's knowledge, and what an original still
    answers under shuffled pictures, must be less.
    """

    accuracy: float = 0.875
    known: float = 0.75
    entities: float = 0.125
    share: float = 0.3


@dataclass(frozen=True)
class Knowledge:
    """What gates read of one model, by split: accuracy, and the share of entities known.

    `auc` is the membership AUC, None where it is undefined. `seen` is the accuracy on picture questions about
    forget and retain entities; with shuffled pictures it is `accuracy[SHUFFLED]`.
    """

    accuracy: Mapping[str, float]
    entities: Mapping[str, float]
    auc: float | None
    seen: float


@dataclass(frozen=True)
class Verdict:
    """All checks, and by oracle that is left out the gates it failed."""

    checks: tuple[GateCheck, ...]
    dropped: Mapping[str, tuple[str, ...]]
    stop: tuple[str, ...]
    """The gates because of which nothing is unlearned; empty where the benchmark goes on."""

    def tree(self) -> dict[str, Any]:
        """As `gates.json` holds it."""
        return {
            "passed": not self.stop,
            "stop": list(self.stop),
            "dropped": {model: list(gates) for model, gates in self.dropped.items()},
            "checks": [asdict(check) for check in self.checks],
        }


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


def entities_known(right: Floats, entities: Sequence[str], known: float) -> float:
    """Share of the entities of whose questions at least the share `known` is answered right."""
    _, codes = np.unique(np.asarray(entities), return_inverse=True)
    hits, asked = np.bincount(codes, weights=right), np.bincount(codes)
    return float(np.mean(hits >= known * asked))


def knowledge(traces: Mapping[str, Trace], limits: Limits) -> Knowledge:
    """What gates read of a model's traces of forget, retain and holdout, and of SHUFFLED if there."""
    right = {
        split: right_answers(trace)
        for split, trace in traces.items()
        if split in ("forget", "retain", "holdout", SHUFFLED)
    }
    measured = next(MembershipAUC().measure(Evidence(traces), References())).measurement
    both = [right[split][np.array(traces[split].pictured)] for split in ("forget", "retain")]
    pictured = np.concatenate(both)
    return Knowledge(
        accuracy={split: float(values.mean()) for split, values in right.items()},
        entities={
            split: entities_known(right[split], traces[split].entities, limits.known)
            for split in ("forget", "holdout")
        },
        auc=measured.value,
        seen=float(pictured.mean()) if len(pictured) else 0.0,
    )


def judge(
    originals: Mapping[str, Knowledge],
    oracles: Mapping[str, Knowledge],
    majority: float,
    limits: Limits,
) -> Verdict:
    """Check all models of a benchmark; `majority` is the majority-answer rate under shuffled pictures.

    An oracle that fails a gate of its own is dropped. The benchmark stops where an original fails, no oracle
    stands, or those that stand know too much together.
    """
    checks: list[GateCheck] = []
    stop: set[str] = set()
    dropped: dict[str, tuple[str, ...]] = {}
    for name, original in originals.items():
        found = list(_of_original(name, original, majority, limits))
        checks += found
        stop |= set(_failed(found))
    for name, oracle in oracles.items():
        found = list(_of_oracle(name, oracle, limits))
        checks += found
        if failed := _failed(found):
            dropped[name] = failed
    standing = [oracle for name, oracle in oracles.items() if name not in dropped]
    if standing:
        pooled = list(_pooled(list(originals.values()), standing, limits))
        checks += pooled
        stop |= set(_failed(pooled))
    else:
        stop |= {gate for gates in dropped.values() for gate in gates}
    return Verdict(tuple(checks), dropped, tuple(sorted(stop)))


def _of_original(
    name: str, original: Knowledge, majority: float, limits: Limits
) -> Iterator[GateCheck]:
    """It knows what it was taught, it looks at the picture, and it does not know the holdout."""
    for split in ("forget", "retain"):
        yield _at_least(
            f"original_{split}_accuracy", name, original.accuracy[split], limits.accuracy
        )
    shuffled = _share(original.accuracy[SHUFFLED], majority, original.seen)
    yield from _below(SHUFFLED, name, shuffled, limits.share)
    known = original.entities["holdout"]
    yield from _below("original_holdout_entities", name, known, limits.entities)


def _of_oracle(name: str, oracle: Knowledge, limits: Limits) -> Iterator[GateCheck]:
    """It knows the retain set, and hardly an entity of forget or holdout."""
    yield _at_least("oracle_retain_accuracy", name, oracle.accuracy["retain"], limits.accuracy)
    for split in ("forget", "holdout"):
        known = oracle.entities[split]
        yield from _below(f"oracle_{split}_entities", name, known, limits.entities)


def _pooled(
    originals: Sequence[Knowledge], oracles: Sequence[Knowledge], limits: Limits
) -> Iterator[GateCheck]:
    """How much the oracles have of what the original knows of forget beyond the holdout."""
    forget = fmean(one.accuracy["forget"] for one in oracles)
    holdout = fmean(one.accuracy["holdout"] for one in oracles)
    taught = fmean(one.accuracy["forget"] for one in originals)
    share = _share(forget, holdout, taught)
    yield from _below("oracles_forget_share", POOLED, share, limits.share)
    share = _share(_mean_auc(oracles), 0.5, _mean_auc(originals))
    yield from _below("oracles_membership_share", POOLED, share, limits.share)


def _mean_auc(models: Sequence[Knowledge]) -> float | None:
    found = [one.auc for one in models]
    return None if None in found else fmean(auc for auc in found if auc is not None)


def _share(value: float | None, nothing: float, everything: float | None) -> float | None:
    """Where a value lies between `nothing` (0) and `everything` (1); None where these do not lie apart."""
    if value is None or everything is None or everything <= nothing:
        return None
    return (value - nothing) / (everything - nothing)


def _at_least(gate: str, model: str, value: float, limit: float) -> GateCheck:
    return GateCheck(gate, model, value, limit, "at least", value >= limit)


def _below(gate: str, model: str, value: float | None, limit: float) -> Iterator[GateCheck]:
    """The check, or nothing where the gate is off; an undefined value fails."""
    rule: Literal["below"] = "below"
    if limit < OFF:
        yield GateCheck(gate, model, value, limit, rule, value is not None and value < limit)


def _failed(checks: Sequence[GateCheck]) -> tuple[str, ...]:
    return tuple(check.gate for check in checks if not check.passed)
