"""What must hold of originals and oracles before anything is unlearned.

A gate asks for a value between what a right study and what a mistake gives; it is no significance test, which
an honest study would fail as often as its level says. Error rates: perf/gates.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from uqs.metrics.base import Evidence, Floats, References
from uqs.metrics.membership import MembershipAUC
from uqs.records import GateCheck, Role, Sample, Split
from uqs.traces.judged import scores
from uqs.traces.trace import Trace

Words = NDArray[np.str_]
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
    """What gates read of one model.

    `accuracy` is that on each split, and `taught` that on the forget and the retain entities that the
    model was taught, None where it was taught none. `entities` is the share of known entities among those
    of holdout, and of forget that the model was not taught; None where there are none. `auc` is the
    membership AUC, None where it is undefined. `seen` is the accuracy on picture questions about forget
    and retain entities; with shuffled pictures it is `accuracy[SHUFFLED]`.
    """

    accuracy: Mapping[str, float]
    taught: Mapping[str, float | None]
    entities: Mapping[str, float | None]
    auc: float | None
    seen: float


@dataclass(frozen=True)
class Verdict:
    """All checks, and by model that is left out the gates it failed."""

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


def entities_known(right: Floats, entities: Sequence[str] | Words, known: float) -> float | None:
    """Share of the entities of whose questions at least the share `known` is answered right; None of none."""
    if not len(right):
        return None
    _, codes = np.unique(np.asarray(entities), return_inverse=True)
    hits, asked = np.bincount(codes, weights=right), np.bincount(codes)
    return float(np.mean(hits >= known * asked))


def knowledge(
    traces: Mapping[str, Trace], limits: Limits, forget: Collection[str], retain: Collection[str]
) -> Knowledge:
    """What gates read of a model's traces of forget, retain and holdout, and of SHUFFLED if there.

    `forget` and `retain` are the entities that the model was taught.
    """
    right = {
        split: scores(trace)
        for split, trace in traces.items()
        if split in ("forget", "retain", "holdout", SHUFFLED)
    }
    told = {
        split: np.isin(traces[split].entities, sorted(entities))
        for split, entities in (("forget", forget), ("retain", retain), ("holdout", ()))
    }
    measured = next(MembershipAUC().measure(Evidence(traces), References())).measurement
    both = [right[split][np.array(traces[split].pictured)] for split in ("forget", "retain")]
    pictured = np.concatenate(both)
    return Knowledge(
        accuracy={split: float(values.mean()) for split, values in right.items()},
        taught={split: _mean(right[split][told[split]]) for split in ("forget", "retain")},
        entities={
            split: entities_known(
                right[split][~told[split]],
                np.asarray(traces[split].entities)[~told[split]],
                limits.known,
            )
            for split in ("forget", "holdout")
        },
        auc=measured.value,
        seen=float(pictured.mean()) if len(pictured) else 0.0,
    )


def judge(
    models: Mapping[str, Knowledge],
    starts: Collection[str],
    majority: float | None,
    limits: Limits,
) -> Verdict:
    """Check all trained models of a benchmark, by names such as `oracle_0`.

    `majority` is the majority-answer rate under shuffled pictures, None where there are none; that gate is
    then left out. A model that fails a gate of its own
    is dropped. The benchmark stops where an original of `starts` fails, from which methods start, where
    no oracle stands, or where those that stand know too much together.
    """
    checks: list[GateCheck] = []
    stop: set[str] = set()
    dropped: dict[str, tuple[str, ...]] = {}
    for name, model in models.items():
        found = list(_of_model(name, model, majority, limits))
        checks += found
        if not (failed := _failed(found)):
            continue
        if name in starts:
            stop |= set(failed)
        else:
            dropped[name] = failed
    oracles = [one for name, one in models.items() if _kind(name) == Role.ORACLE]
    standing = [
        one for name, one in models.items() if _kind(name) == Role.ORACLE and name not in dropped
    ]
    originals = [
        one for name, one in models.items() if _kind(name) == Role.ORIGINAL and name not in dropped
    ]
    if standing and originals:
        pooled = list(_pooled(originals, standing, limits))
        checks += pooled
        stop |= set(_failed(pooled))
    elif oracles:
        stop |= {gate for name in dropped if _kind(name) == Role.ORACLE for gate in dropped[name]}
    return Verdict(tuple(checks), dropped, tuple(sorted(stop)))


def _kind(name: str) -> str:
    return name.partition("_")[0]


def _of_model(
    name: str, model: Knowledge, majority: float | None, limits: Limits
) -> Iterator[GateCheck]:
    """It knows what it was taught, and hardly an entity that it was not; an original looks at the picture."""
    kind = _kind(name)
    for split, taught in model.taught.items():
        if taught is not None:
            yield _at_least(f"{kind}_{split}_accuracy", name, taught, limits.accuracy)
    if majority is not None and SHUFFLED in model.accuracy:
        shuffled = _share(model.accuracy[SHUFFLED], majority, model.seen)
        yield from _below(SHUFFLED, name, shuffled, limits.share)
    for split, known in model.entities.items():
        if known is not None:
            yield from _below(f"{kind}_{split}_entities", name, known, limits.entities)


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


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


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
