"""Which of a trace's greedy answers are right, under the rules of its benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from uqs.judging.rules import RIGHT_FROM, STRICT, Judged, named, score
from uqs.traces.trace import Trace

Floats = NDArray[np.float64]


def scores(trace: Trace) -> Floats:
    """How right each greedy answer is, 0 to 1, (n,); only the judge `rouge` gives values in between."""
    asked = zip(
        trace.tasks, trace.answers, trace.golds, trace.candidates, trace.options, strict=True
    )
    judged = [Judged(*one) for one in asked]
    return np.array(
        [score(trace.judges.get(one.task, STRICT), one) for one in judged], dtype=np.float64
    )


def right_answers(trace: Trace) -> Floats:
    """1 where the greedy answer is right, else 0: (n,). An answer scored by degrees is right from RIGHT_FROM
    on."""
    return (scores(trace) >= RIGHT_FROM).astype(np.float64)


def judged_by(trace: Trace, judges: Mapping[str, str]) -> Trace:
    """The trace under other rules, by task."""
    return replace(trace, judges=dict(judges))


def judge(trace: Trace) -> str:
    """The name of the rules that apply to the trace's questions."""
    return named(trace.judges, trace.tasks)
