"""The rank of the right answer among plausible wrong ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqs.questions.base import Probe
from uqs.traces.trace import Trace


class LikelihoodRank(Probe):
    """The right answer is likelier per token than the median of the wrong ones; guessing recovers half.

    Reads the forget split's candidates; it has no questions of its own.
    """

    name = "likelihood_rank"
    kind = "implicit"
    source = "Patil et al. 2024 (arXiv 2309.17410): the answer among the likeliest candidates"

    def recovered(self, traces: Mapping[str, Trace]) -> Mapping[str, bool]:
        if "forget" not in traces:
            return {}
        return {
            one.item: one.gold < float(np.median(one.wrong)) for one in compared(traces["forget"])
        }


class ItemLosses(NamedTuple):
    """Loss per token (nats) of an item's right answer and of its wrong ones."""

    item: str
    gold: float
    wrong: NDArray[np.float64]


def compared(trace: Trace) -> Iterator[ItemLosses]:
    """The samples that have candidates."""
    ends = np.cumsum([len(some) for some in trace.candidates])[:-1]
    losses = np.split(trace.candidate_losses.astype(np.float64), ends)
    for item, gold, wrong in zip(trace.ids, trace.gold_losses(), losses, strict=True):
        if len(wrong):
            yield ItemLosses(item, float(gold), wrong)


def reciprocal_rank(one: ItemLosses) -> float:
    """1 / rank of the right answer by likelihood; rank 1 is best, ties with a wrong answer count half."""
    above = np.count_nonzero(~(one.wrong >= one.gold))
    return float(1 / (1 + above + np.count_nonzero(one.wrong == one.gold) / 2))
