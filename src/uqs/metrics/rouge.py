"""ROUGE-L recall of free answers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from uqs.judging.rouge import readable, rouge_l
from uqs.metrics.base import Floats, MetricResult
from uqs.metrics.by_split import Mask, SplitMetric, parts
from uqs.records import MetricCard, Status
from uqs.traces.trace import Trace


class RougeRecall(SplitMetric):
    """Share of the gold answer's words that the greedy answer has in the same order; generation task only.

    Longest common subsequence divided by the gold answer's words, after Porter's stemmer, computed by the
    package `rouge-score`; TOFU (arXiv 2401.06121) reports this recall. The package reads only a to z and
    digits: questions whose gold answer has none are left out, and accented letters split words. A greedy
    answer ends at the trace's `max_new_tokens`, which limits the recall of longer gold answers. Further rows
    cover the other splits, and questions with and without a picture (`forget/text_only`).
    """

    card = MetricCard(
        name="rouge_recall",
        symbol="ROUGE",
        group="accuracy",
        of_text=True,
        better="target",
        bounds=(0, 1),
        split="forget",
        source="ROUGE-L recall: Lin 2004 (aclanthology W04-1013); on unlearning: TOFU, arXiv 2401.06121",
        does_not_show=(
            "that the fact is no longer told: in other words, or in another language, it has no "
            "recall"
        ),
    )
    also = ("forget_reworded", "forget_views", "retain", "neighbour", "real_world", "holdout")

    def rows(self, split: str, trace: Trace) -> Iterator[MetricResult]:
        kept = np.flatnonzero(self.kept(trace))
        if len(kept) == 0:
            yield self.missing(Status.TOO_FEW, split)
            return
        asked = trace.take(kept)
        recalls = self.values(asked)
        yield self.mean(split, asked, recalls)
        for part, those in parts(asked):
            yield self.mean(f"{split}/{part}", asked, recalls, kept=those)

    def values(self, trace: Trace) -> Floats:
        kept = self.kept(trace)
        return np.array(
            [
                rouge_l(answer, gold).recall if keep else np.nan
                for answer, gold, keep in zip(trace.answers, trace.golds, kept, strict=True)
            ]
        )

    def kept(self, trace: Trace) -> Mask:
        asked = zip(trace.tasks, trace.golds, strict=True)
        return np.array([task == "generation" and readable(gold) for task, gold in asked])
