"""The per-sample attack with shadow models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqs.metrics.base import Evidence, Floats, MetricResult, References, Shadow, same_tokens
from uqs.metrics.membership.attack import (
    AUC,
    MEMBERS,
    NON_MEMBERS,
    TPR,
    Advantage,
    AttackCards,
    Membership,
    both,
)
from uqs.metrics.membership.statistics import Scores
from uqs.records import MetricCard, Need, Status
from uqs.traces.trace import Trace

FEWEST = 2
ENOUGH = 64
LEAST_LOSS = float(np.finfo(np.float32).eps)
LEAST_VARIANCE = 1e-6

CARDS = AttackCards(
    name="likelihood_ratio",
    symbol="LIRA",
    score="the confidence in the gold answer",
    needs=frozenset({Need.SHADOWS}),
    source="U-LiRA: Hayes et al. 2024 (arXiv 2403.01218); RULI: Naderloui et al. 2025 (arXiv 2506.13009)",
)


class PerSampleAttack(Membership):
    """Log-likelihood ratio of "trained on and unlearned" against "never seen", for each sample separately.

    A sample's value is log(p / (1 - p)), where p is the confidence in the gold answer, exp(-mean loss). For
    each sample, one normal distribution is fitted to its values in the shadow models that learned and
    unlearned its entity, and another to its values in the models that never saw it. The ratio of their
    densities at the value in the measured model is the score. With fewer than 64 shadow models, all samples
    share one variance per side, pooled around each sample's mean. Two kinds of shadow models are not used:
    those without unlearning (they would show what the method does, not whom the model saw), and those that
    gave a gold token no probability. A sample with fewer than two shadow models on a side is left out and
    does not count in n.

    The standard error is over samples. It does not cover that few shadow models make a weak attack.
    Source: Carlini et al. 2022 (LiRA, arXiv 2112.03570); on unlearning: Hayes et al. 2024 (arXiv 2403.01218),
    Naderloui et al. 2025 (RULI, arXiv 2506.13009).
    """

    def measure(self, model: Evidence, references: References) -> Iterator[MetricResult]:
        shadows = [
            s for s in references.shadows if s.unlearned and both(s.traces) and _finite(s.traces)
        ]
        if not both(model.traces):
            yield self.missing(Status.MISSING_TRACE)
        elif not _finite(model.traces):
            yield self.missing(Status.COLLAPSED)
        elif not shadows:
            yield self.missing(Status.MISSING_SHADOWS)
        else:
            yield self._against(model.traces[MEMBERS], model.traces[NON_MEMBERS], shadows)

    def _against(self, forget: Trace, holdout: Trace, shadows: Sequence[Shadow]) -> MetricResult:
        ratios = log_ratios(forget, holdout, shadows)
        member = np.arange(len(ratios.values)) < len(forget)
        members, non_members = (np.flatnonzero(ratios.known & s) for s in (member, ~member))
        if not len(members) or not len(non_members):
            return self.missing(Status.TOO_FEW)
        entities = [*forget.entities, *holdout.entities]
        scores = Scores(
            -ratios.values[members],
            [entities[i] for i in members],
            -ratios.values[non_members],
            [entities[i] for i in non_members],
        )
        return self.row(scores, tuple(forget.ids[i] for i in members))


def _finite(traces: Mapping[str, Trace]) -> bool:
    """Whether all members and non-members have a probability."""
    return traces[MEMBERS].finite and traces[NON_MEMBERS].finite


class LikelihoodRatio(PerSampleAttack, AUC):
    """AUC of the per-sample attack on forget (members) against holdout (non-members)."""

    card = MetricCard(
        name="likelihood_ratio",
        symbol="LIRA",
        group="membership",
        better="target",
        bounds=(0, 1),
        split="forget",
        needs=frozenset({Need.SHADOWS}),
        source=CARDS.source,
        does_not_show=(
            "that no member stands out by its likelihood ratio: a few certain ones hardly move "
            "an average over pairs"
        ),
    )


class LikelihoodRatioAdvantage(PerSampleAttack, Advantage):
    """2 |BA - 0.5| of the per-sample attack with a cross-fitted threshold."""

    card = CARDS.advantage()


class LikelihoodRatioTPR(PerSampleAttack, TPR):
    """Share of members that the per-sample attack finds at 1 % false positives."""

    card = MetricCard(
        name="likelihood_ratio_tpr",
        symbol="LIRA_TPR",
        group="membership",
        better="lower",
        bounds=(0, 1),
        split="forget",
        needs=frozenset({Need.SHADOWS}),
        source=(
            "U-LiRA: Hayes et al. 2024 (arXiv 2403.01218); RULI: Naderloui et al. 2025 (arXiv "
            "2506.13009); at 1 % FPR: Carlini et al. 2022 (arXiv 2112.03570)"
        ),
        does_not_show=(
            "that the members are hidden: shadow models unlearned in another way than the model "
            "point elsewhere"
        ),
    )


class Ratios(NamedTuple):
    """Log-likelihood ratios of the forget, then the holdout samples, (n,); valid only where `known`."""

    values: Floats
    known: NDArray[np.bool_]


def log_ratios(forget: Trace, holdout: Trace, shadows: Sequence[Shadow]) -> Ratios:
    """log N(v | seen) - log N(v | not seen) of each sample's value v."""
    for shadow in shadows:
        same_tokens(forget, shadow.traces[MEMBERS])
        same_tokens(holdout, shadow.traces[NON_MEMBERS])
    own = np.concatenate([logits(forget), logits(holdout)])
    values = np.array(
        [np.concatenate([logits(s.traces[k]) for k in (MEMBERS, NON_MEMBERS)]) for s in shadows]
    )
    entities = [*forget.entities, *holdout.entities]
    seen = np.array([[entity in s.members for entity in entities] for s in shadows])
    known = (seen.sum(axis=0) >= FEWEST) & ((~seen).sum(axis=0) >= FEWEST)
    pooled = len(shadows) < ENOUGH
    ratios = np.zeros(len(own))
    if known.any():
        own, values, seen = own[known], values[:, known], seen[:, known]
        sides = [log_density(own, values, side, pooled) for side in (seen, ~seen)]
        ratios[known] = sides[0] - sides[1]
    return Ratios(ratios, known)


def log_density(own: Floats, values: Floats, used: NDArray[np.bool_], pooled: bool) -> Floats:
    """Log-density of `own` (n,) under each sample's normal distribution, (n,).

    Fitted to the (shadows, n) `values` where `used`, at least two per sample. `pooled`: one variance for all
    samples. Variances below 1e-6 are raised to 1e-6.
    """
    counts = used.sum(axis=0)
    centres = np.where(used, values, 0).sum(axis=0) / counts
    squares = np.where(used, (values - centres) ** 2, 0).sum(axis=0)
    free = counts - 1
    variances = squares.sum() / free.sum() if pooled else squares / free
    variances = np.maximum(variances, LEAST_VARIANCE)
    distances = (own - centres) ** 2 / variances
    return np.asarray(-0.5 * (np.log(2 * np.pi * variances) + distances), dtype=np.float64)


def logits(trace: Trace) -> Floats:
    """log(p / (1 - p)) of each sample's confidence p = exp(-mean loss), (n,).

    A loss too small for float32 is raised to the smallest that float32 can tell from 0.
    """
    losses = np.maximum(trace.gold_losses(), LEAST_LOSS)
    return np.asarray(-losses - np.log(-np.expm1(-losses)), dtype=np.float64)
