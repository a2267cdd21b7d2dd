"""Forget quality: are truth ratios distributed as the oracle's?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from uqs.metrics.base import Evidence, MetricResult, OracleMetric
from uqs.metrics.pairs import pair
from uqs.metrics.truth_ratio import log_ratios
from uqs.records import Measurement, MetricCard, Need, Status


class ForgetQuality(OracleMetric):
    """p-value of a two-sample Kolmogorov-Smirnov test: truth ratios of the model against the oracle's.

    As TOFU reports it, on the ratios of `truth_ratio`, whose differences from TOFU's hold here too. The row
    `forget/statistic` is the largest distance between the two distribution functions. The test takes
    questions as independent, which those about one entity are not, so the p-value is too small where these
    are alike. It also gets smaller with more questions: compare it only within a benchmark. No standard
    error. `missing_trace` without wrong answers; `collapsed` if a ratio is undefined for one of the models.
    """

    card = MetricCard(
        name="forget_quality",
        symbol="FQ",
        group="memorisation",
        of_text=True,
        better="higher",
        bounds=(0, 1),
        split="forget",
        needs=frozenset({Need.ORACLE, Need.CANDIDATES}),
        source="TOFU: Maini et al. 2024 (arXiv 2401.06121), locuslab/tofu, aggregate_eval_stat.py",
        does_not_show=(
            "that the facts are gone: the same ratios on other questions pass, and with few questions any do"
        ),
    )

    def against(self, model: Evidence, oracle: Evidence, seed: int) -> Iterator[MetricResult]:
        split = self.card.split
        traces = pair(model, oracle, split)
        kept = [i for i, some in enumerate(traces.model.candidates) if some] if traces else []
        if traces is None or not kept or traces.model.candidates != traces.oracle.candidates:
            yield self.missing(Status.MISSING_TRACE, oracle_seed=seed)
            return
        ours, theirs = (log_ratios(trace)[kept] for trace in traces)
        if np.isnan(ours).any() or np.isnan(theirs).any():
            yield self.missing(Status.COLLAPSED, oracle_seed=seed)
            return
        from scipy.stats import ks_2samp  # slow to load, and a card does not need it

        # a ratio and its logarithm have the same ranks, and a logarithm does not overflow
        found = ks_2samp(ours, theirs)
        for place, value in ((split, found.pvalue), (f"{split}/statistic", found.statistic)):
            yield MetricResult(
                Measurement(self.card.symbol, place, float(value), None, len(kept)), seed
            )
