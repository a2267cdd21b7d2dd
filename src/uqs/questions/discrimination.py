"""The right answer against plausible wrong ones."""

from __future__ import annotations

from collections.abc import Mapping

from uqs.questions.base import Probe
from uqs.questions.likelihood_rank import compared
from uqs.traces.trace import Trace


class Discrimination(Probe):
    """The right answer is likelier per token than every wrong one. With four wrong answers, guessing recovers
    a fifth.

    Reads the forget split's candidates; it has no questions of its own.
    """

    name = "discrimination"
    kind = "implicit"
    source = "truth ratio's candidates: Maini et al. 2024 (arXiv 2401.06121)"

    def recovered(self, traces: Mapping[str, Trace]) -> Mapping[str, bool]:
        if "forget" not in traces:
            return {}
        return {one.item: bool((one.gold < one.wrong).all()) for one in compared(traces["forget"])}
