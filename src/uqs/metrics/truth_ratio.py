"""Truth ratio: are wrong answers as likely as the right one?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from uqs.metrics.base import Floats, MetricResult
from uqs.metrics.by_split import Mask, SplitMetric
from uqs.records import MetricCard, Need
from uqs.traces.trace import Trace


class TruthRatio(SplitMetric):
    """R = mean over wrong answers of P(wrong)^(1 / tokens), divided by P(right)^(1 / tokens).

    Reported as in TOFU (Maini et al. 2024, arXiv 2401.06121). On forget: the mean over samples of
    min(R, 1 / R); 1 means that right and wrong answers are equally likely. On retain: the mean of
    max(0, 1 - R); 1 means that only the right answer is likely. Reworded questions and holdout are treated
    like forget.

    Differences: TOFU divides by a paraphrase of the right answer, we divide by the gold answer itself. So a
    model that knows the exact wording has a smaller R here. OpenUnlearning (arXiv 2506.12618) takes the
    geometric mean over the wrong answers; this is the paper's arithmetic mean. Samples without wrong answers
    are left out; `collapsed` if a right answer has no probability, or a wrong one's likelihood is NaN.
    """

    card = MetricCard(
        name="truth_ratio",
        symbol="TR",
        group="memorisation",
        of_text=True,
        better="target",
        bounds=(0, 1),
        split="forget",
        needs=frozenset({Need.CANDIDATES}),
        source="TOFU: Maini et al. 2024 (arXiv 2401.06121)",
        does_not_show=(
            "that the right answer is not given: the model may still say it, with the wrong "
            "ones close behind"
        ),
    )
    also = ("forget_reworded", "retain", "holdout")

    def rows(self, split: str, trace: Trace) -> Iterator[MetricResult]:
        values = self.values(trace)
        kind = truth_preferred(values) if split == "retain" else indifference(values)
        yield self.mean(split, trace, kind, kept=self.kept(trace))

    def values(self, trace: Trace) -> Floats:
        return log_ratios(trace)

    def kept(self, trace: Trace) -> Mask:
        return np.array([len(some) > 0 for some in trace.candidates])


def log_ratios(trace: Trace) -> Floats:
    """log R of each sample, (n,). NaN if it has no wrong answer, if the right answer has no probability, or
    if a wrong one's likelihood is NaN. In logs, because R itself may overflow."""
    rights, losses = trace.gold_losses(), trace.candidate_losses.astype(np.float64)
    rights[~np.isfinite(rights)] = np.nan
    starts = np.cumsum([0, *map(len, trace.candidates)])
    found = np.full(len(trace), np.nan)
    for i, (start, stop) in enumerate(pairwise(starts)):
        if stop > start and not np.isnan(losses[start:stop]).any():
            mean = np.logaddexp.reduce(-losses[start:stop]) - np.log(stop - start)
            found[i] = mean + rights[i]
    return found


def indifference(log_ratio: Floats) -> Floats:
    """min(R, 1 / R)."""
    return np.exp(-np.abs(log_ratio))


def truth_preferred(log_ratio: Floats) -> Floats:
    """max(0, 1 - R)."""
    return -np.expm1(np.minimum(log_ratio, 0))
