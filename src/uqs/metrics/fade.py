"""Functional alignment: does each model find the other's answers as likely as the other model does?"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import numpy as np

from uqs.metrics.base import CrossScores, Evidence, Floats, MetricResult, same_tokens
from uqs.metrics.pairs import PairMetric
from uqs.records import MetricCard, Need, Status
from uqs.traces.trace import Trace


class FunctionalAlignment(PairMetric):
    """Log-likelihood ratio of model to oracle on the model's answers, plus that of oracle to model on the
    oracle's answers: nats per answer, mean over the forget questions that both answer.

    Adapted from FADE (arXiv 2510.12981): the symmetric Kullback-Leibler divergence between the two models'
    answers, estimated from sampled answers. Here each model gives one greedy answer instead. So the value
    says how strongly each model prefers its own answer to the other's: at least 0 if the greedy answers are
    the likeliest ones, and 0 if both give the same answers. `too_few` if there is no such question. The rows
    `own` and `oracles` are the two directions.
    """

    card = MetricCard(
        name="fade",
        symbol="FADE",
        group="distance",
        of_text=True,
        better="lower",
        bounds=(-inf, inf),
        split="forget",
        needs=frozenset({Need.ORACLE, Need.CROSS_SCORED}),
        source="adapted from Cho et al. 2025 (arXiv 2510.12981): one greedy answer per question",
        does_not_show=(
            "that other answers are as likely as in the oracle: where both greedy answers are "
            "the same it is 0"
        ),
    )

    def against(self, model: Evidence, oracle: Evidence, seed: int) -> Iterator[MetricResult]:
        split = self.card.split
        if seed not in model.cross_scores:
            yield self.missing(Status.MISSING_TRACE, oracle_seed=seed)
            return
        cross_scores = model.cross_scores[seed]
        if cross_scores is None:
            yield self.missing(Status.TOO_FEW, oracle_seed=seed)
            return
        own, oracles = ratios(cross_scores)
        for name, values in (
            (split, own + oracles),
            (f"{split}/own", own),
            (f"{split}/oracles", oracles),
        ):
            yield self.row(name, cross_scores.own_by_model, values, seed)


def ratios(cross_scores: CrossScores) -> tuple[Floats, Floats]:
    """Per question, (n,) nats: how much likelier the model's answer is to the model than to the oracle, and
    how much likelier the oracle's answer is to the oracle than to the model.
    """
    same_tokens(cross_scores.own_by_model, cross_scores.own_by_oracle)
    same_tokens(cross_scores.oracles_by_oracle, cross_scores.oracles_by_model)
    if cross_scores.own_by_model.ids != cross_scores.oracles_by_oracle.ids:
        raise ValueError("model and oracle answer different questions")
    with np.errstate(invalid="ignore"):
        return (
            _log_likelihoods(cross_scores.own_by_model)
            - _log_likelihoods(cross_scores.own_by_oracle),
            _log_likelihoods(cross_scores.oracles_by_oracle)
            - _log_likelihoods(cross_scores.oracles_by_model),
        )


def _log_likelihoods(trace: Trace) -> Floats:
    """Log-likelihood of each sample's whole answer, (n,) nats."""
    sums = np.add.reduceat(trace.gold_log_probs.astype(np.float64), trace.offsets[:-1])
    return np.asarray(sums, dtype=np.float64)
