"""Which of a trace's greedy answers are right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from uqs.answers import is_right
from uqs.traces.trace import Trace


def right_answers(trace: Trace) -> NDArray[np.float64]:
    """1 where the greedy answer is right, else 0: (n,)."""
    judged = zip(trace.tasks, trace.answers, trace.golds, strict=True)
    return np.array([is_right(*one) for one in judged], dtype=np.float64)
