"""The same question in other words."""

from __future__ import annotations

from collections.abc import Mapping

from uqs.questions.base import ExplicitProbe, answered
from uqs.traces.trace import Trace


class RewordedProbe(ExplicitProbe):
    """The benchmark's own rewordings, traced as `forget_reworded`; it has no questions of its own."""

    name = "reworded"
    source = "Patil et al. 2024 (arXiv 2309.17410): rephrasing attack"

    def recovered(self, traces: Mapping[str, Trace]) -> Mapping[str, bool]:
        return answered(traces["forget_reworded"]) if "forget_reworded" in traces else {}
