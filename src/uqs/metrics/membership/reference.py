"""The reference attack."""

from __future__ import annotations

from collections.abc import Iterator

from uqs.metrics.base import Evidence, Floats, MetricResult, OracleMetric, same_tokens
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
from uqs.records import Need, Status
from uqs.traces.trace import Trace

CARDS = AttackCards(
    name="membership_reference",
    symbol="MIA_ref",
    score="the loss beyond the oracle's",
    needs=frozenset({Need.ORACLE}),
    source="Carlini et al. 2021 (arXiv 2012.07805), oracle as reference",
)


class Reference(Membership, OracleMetric):
    """The model's mean gold loss minus the oracle's (nats per token), which removes the answer's difficulty.

    One row per oracle. The oracle is the reference model: it was trained on neither split.
    Source: Carlini et al. 2021 (arXiv 2012.07805), who compare with a smaller model.
    """

    def against(self, model: Evidence, oracle: Evidence, seed: int) -> Iterator[MetricResult]:
        if not both(model.traces) or not both(oracle.traces):
            yield self.missing(Status.MISSING_TRACE, oracle_seed=seed)
            return
        forget, holdout = model.traces[MEMBERS], model.traces[NON_MEMBERS]
        held = (forget, holdout, oracle.traces[MEMBERS], oracle.traces[NON_MEMBERS])
        if not all(trace.finite for trace in held):
            yield self.missing(Status.COLLAPSED, oracle_seed=seed)
            return
        scores = Scores(
            excess(forget, oracle.traces[MEMBERS]),
            forget.entities,
            excess(holdout, oracle.traces[NON_MEMBERS]),
            holdout.entities,
        )
        yield self.row(scores, forget.ids, seed)


def excess(model: Trace, oracle: Trace) -> Floats:
    """How much larger the model's loss is than the oracle's on each sample, (n,)."""
    same_tokens(model, oracle)
    return model.gold_losses() - oracle.gold_losses()


class ReferenceAUC(Reference, AUC):
    """AUC of the reference attack on forget (members) against holdout (non-members)."""

    card = CARDS.auc()


class ReferenceAdvantage(Reference, Advantage):
    """2 |BA - 0.5| of the reference attack with a cross-fitted threshold."""

    card = CARDS.advantage()


class ReferenceTPR(Reference, TPR):
    """Share of members that the reference attack finds at 1 % false positives."""

    card = CARDS.tpr()
