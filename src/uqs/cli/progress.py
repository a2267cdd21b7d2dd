"""How far tracing and unlearning are, for the verbs that do one of them."""

from __future__ import annotations

from uqs.evaluation.gather import Listener
from uqs.progress import Display

LINES = 10
"""Lines of a run of steps where there is no bar."""


class TraceProgress(Listener):
    """A bar per split, or one line when it is traced."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._label = ""

    def began(self, label: str) -> None:
        self._label = label
        self._display.line(label)

    def traced(self, split: str, done: int, samples: int) -> None:
        self._display.show(f"{self._label}: {split}", done, samples)
        if not self._display.bars and done == samples:
            self._display.line(f"  {split}: {samples} samples")


class StepProgress:
    """A bar with the loss, or some lines."""

    def __init__(self, display: Display, method: str) -> None:
        self._display = display
        self._method = method

    def __call__(self, done: int, of: int, loss: float) -> None:
        """So many steps are taken; the last one's loss."""
        text = f"loss {loss:.3g}"
        self._display.show(self._method, done, of, now=text)
        if not self._display.bars and done * LINES // of > (done - 1) * LINES // of:
            self._display.line(f"{self._method}: step {done} of {of}, {text}")
