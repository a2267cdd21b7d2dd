"""When a model no longer works at all, so that its other numbers say nothing."""

from __future__ import annotations

from collections.abc import Mapping

from uqs.metrics.answers import says_something
from uqs.traces.trace import Trace


def collapsed(traces: Mapping[str, Trace]) -> bool:
    """Whether a model gave some gold token no probability, or says nothing to any retain question."""
    if not all(trace.finite for trace in traces.values()):
        return True
    retain = traces.get("retain")
    return retain is not None and not any(map(says_something, retain.answers))
