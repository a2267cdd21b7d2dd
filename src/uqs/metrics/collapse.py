"""When a model no longer works at all, so that its other numbers say nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from uqs.answers import says_something
from uqs.traces.trace import Trace


def collapsed(traces: Mapping[str, Trace]) -> bool:
    """Whether a model gave some gold token no probability, or a wrong answer no number at all, or says
    nothing to any retain question."""
    if not all(map(_judged, traces.values())):
        return True
    retain = traces.get("retain")
    return retain is not None and not any(map(says_something, retain.answers))


def _judged(trace: Trace) -> bool:
    """A wrong answer may be impossible (an infinite loss), but it must have been given a probability."""
    return trace.finite and not bool(np.isnan(trace.candidate_losses).any())
