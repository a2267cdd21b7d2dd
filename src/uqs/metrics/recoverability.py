"""Knowledge recoverability: asks in other ways for what a model no longer answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqs import registry
from uqs.answers import says_something
from uqs.metrics.base import Evidence, Floats, Metric, MetricResult, References, same_samples
from uqs.questions.base import Probe
from uqs.questions.likelihood_rank import compared, reciprocal_rank
from uqs.records import MetricCard, Need, Status
from uqs.traces.judged import right_answers
from uqs.traces.trace import Trace

Mask = NDArray[np.bool_]
ABOVE = "above_oracle"


def suppressed(trace: Trace) -> Mask:
    """Which questions are answered wrong when asked directly, (n,)."""
    return np.asarray(right_answers(trace) == 0, dtype=bool)


def right_after(made: Trace, before: Trace) -> Floats:
    """Right answers, (n,), of a model made from another one; all NaN if the intervention broke it.

    It is broken if a gold answer has no finite likelihood, or if all its answers are empty and at least one
    answer before was not. The missing answers of a broken model show nothing.
    """
    asked = set(made.ids)
    spoke = any(
        says_something(answer)
        for item, answer in zip(before.ids, before.answers, strict=True)
        if item in asked
    )
    silent = spoke and not any(map(says_something, made.answers))
    return np.full(len(made), np.nan) if silent or not made.finite else right_answers(made)


class RecoveryOutcome(NamedTuple):
    """1 where knowledge is recovered, (n,), and whether the item was tried, (n,)."""

    values: Floats
    tried: Mask


class RecoveryMetric(Metric):
    """A metric of how many suppressed items come back, and how many more than for the oracle.

    An item is suppressed if the model's direct answer is wrong, whether or not the original knew it.

    The finding is what is recovered *above the oracle*, because some items can be guessed. It is the mean
    difference between the two models over items that neither answers directly. Items that the oracle guesses
    say nothing. And if only the model had to fail first, one oracle measured against another would get a
    value below 0.
    """

    def above(
        self,
        model: Evidence,
        references: References,
        recovered: Callable[[Evidence, Trace], Mapping[str, RecoveryOutcome]],
    ) -> Iterator[MetricResult]:
        """The row `forget/above_oracle` for each oracle. An item counts as recovered if any way that was
        tried on both models recovers it."""
        place = f"{self.card.split}/{ABOVE}"
        if not references.oracles:
            yield self.missing(Status.MISSING_ORACLE, place)
        for seed, oracle in sorted(references.oracles.items()):
            yield self._against(model, oracle, seed, recovered, place)

    def _against(
        self,
        model: Evidence,
        oracle: Evidence,
        seed: int,
        recovered: Callable[[Evidence, Trace], Mapping[str, RecoveryOutcome]],
        place: str,
    ) -> MetricResult:
        if "forget" not in oracle.traces:
            return self.missing(Status.MISSING_TRACE, place, seed)
        trace, other = model.traces["forget"], oracle.traces["forget"]
        same_samples(trace, other)
        own, theirs = recovered(model, trace), recovered(oracle, other)
        both = {name: own[name].tried & theirs[name].tried for name in own if name in theirs}
        ours = any_of(
            {n: RecoveryOutcome(own[n].values, kept) for n, kept in both.items()}, len(trace)
        )
        guessed = any_of(
            {n: RecoveryOutcome(theirs[n].values, kept) for n, kept in both.items()}, len(trace)
        )
        if not ours.tried.any():
            return self.missing(Status.MISSING_TRACE, place, seed)
        kept = ours.tried & suppressed(trace) & suppressed(other)
        return self.mean(place, trace, ours.values - guessed.values, oracle_seed=seed, kept=kept)


def any_of(ways: Mapping[str, RecoveryOutcome], n: int) -> RecoveryOutcome:
    """Recovered by any of the ways that were tried."""
    values, tried = np.zeros(n), np.zeros(n, dtype=bool)
    for way in ways.values():
        values = np.maximum(values, np.where(way.tried, way.values, 0))
        tried |= way.tried
    return RecoveryOutcome(values, tried)


class _Recoverability(RecoveryMetric):
    """Share of the suppressed items that any probe of one kind recovers, also for each probe separately.

    `forget/known`: only the items that the original answers, that is, the knowledge that was removed.
    More probes recover more by chance. So compare the value with that of the oracle, which gets the same
    questions, and read `forget/above_oracle`.
    """

    kind: ClassVar[Literal["explicit", "implicit"]]

    def measure(self, model: Evidence, references: References) -> Iterator[MetricResult]:
        trace = model.traces.get("forget")
        ways = {} if trace is None else self.recovered(model, trace)
        if trace is None or not ways:
            yield self.missing(Status.MISSING_TRACE)
            return
        gone, found = suppressed(trace), any_of(ways, len(trace))
        yield self.mean("forget", trace, found.values, kept=gone & found.tried)
        for name, way in ways.items():
            yield self.mean(f"forget/{name}", trace, way.values, kept=gone & way.tried)
        yield from self.further(trace, gone)
        original = references.original
        if original is not None and "forget" in original.traces:
            same_samples(trace, original.traces["forget"])
            known = ~suppressed(original.traces["forget"])
            yield self.mean("forget/known", trace, found.values, kept=gone & found.tried & known)
        yield from self.above(model, references, self.recovered)

    def further(self, trace: Trace, gone: Mask) -> Iterator[MetricResult]:
        """Rows that only one kind has."""
        yield from ()

    def recovered(self, model: Evidence, trace: Trace) -> dict[str, RecoveryOutcome]:
        """What each probe of this kind recovers, for the probes tried on the model."""
        found = {}
        for name in registry.names("probe"):
            probe: Probe = registry.get("probe", name)()
            if probe.kind == self.kind and (answers := probe.recovered(model.traces)):
                found[name] = RecoveryOutcome(
                    np.array([float(answers.get(item, False)) for item in trace.ids]),
                    np.array([item in answers for item in trace.ids]),
                )
        return found


class ExplicitRecoverability(_Recoverability):
    """Share of the forget items answered wrong that some other question brings out; the finding is the row
    `forget/above_oracle`, which subtracts what the oracle guesses."""

    card = MetricCard(
        name="knowledge_recoverability_explicit",
        symbol="KR",
        group="recoverability",
        of_text=True,
        better="target",
        bounds=(0, 1),
        split="forget",
        needs=frozenset({Need.PROBES}),
        source="probes: Lynch et al. 2024 (arXiv 2402.16835), Patil et al. 2024 (arXiv 2309.17410)",
        does_not_show="that the knowledge is gone: the model may still tell the right answer from wrong ones",
    )
    kind = "explicit"


class ImplicitRecoverability(_Recoverability):
    """Share of the forget items answered wrong whose right answer the model tells from wrong ones; the
    finding is the row `forget/above_oracle`, which subtracts what the oracle guesses.

    `forget/reciprocal_rank`: mean reciprocal rank of the right answer among the plausible answers.
    """

    card = MetricCard(
        name="knowledge_recoverability_implicit",
        symbol="KR_IMP",
        group="recoverability",
        of_text=True,
        better="target",
        bounds=(0, 1),
        split="forget",
        needs=frozenset({Need.PROBES, Need.CANDIDATES}),
        source="probes: Lynch et al. 2024 (arXiv 2402.16835), Patil et al. 2024 (arXiv 2309.17410)",
        does_not_show="that the answer cannot be had: another way to ask may still bring it out in full",
    )
    kind = "implicit"

    def further(self, trace: Trace, gone: Mask) -> Iterator[MetricResult]:
        ranks = {one.item: reciprocal_rank(one) for one in compared(trace)}
        if ranks:
            values = np.array([ranks.get(item, 0.0) for item in trace.ids])
            kept = gone & np.array([item in ranks for item in trace.ids])
            yield self.mean("forget/reciprocal_rank", trace, values, kept=kept)
