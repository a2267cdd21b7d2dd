"""Whether an original is a baseline: it must answer what it was taught."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from uqs.answers import words
from uqs.metrics.base import Floats
from uqs.metrics.by_split import parts
from uqs.traces.judged import right_answers
from uqs.traces.trace import Trace

LIMIT = 0.5
"""The least share of what it was taught that an original answers right."""
TAUGHT = ("forget", "retain")


@dataclass(frozen=True)
class WeakSplit:
    """A place (`forget`, `retain/cloze`) where an original answers under LIMIT of what it was taught.

    `containing`: the share of its answers that are right or hold the gold answer as whole words, a
    diagnosis alone. `example`: gold answer and answer of one that was counted as wrong, one that holds the
    gold answer if there is one.
    """

    place: str
    right: float
    n: int
    containing: float
    example: tuple[str, str]

    @property
    def sentence(self) -> str:
        """What is wrong and why it may be."""
        gold, answer = (text if len(text) <= 80 else text[:77] + "..." for text in self.example)
        said = (
            f"the original answers {self.right:.0%} of the {self.place} questions right (n {self.n}), under "
            f"half of what it was taught, so it is no baseline. Answers are compared exactly: it says "
            f"{answer!r} where {gold!r} is asked for"
        )
        if self.containing - self.right >= 0.05:
            said += f"; {self.containing:.0%} of its answers hold the right one as whole words"
        return said


def weak(original: Mapping[str, Trace]) -> dict[str, WeakSplit]:
    """The places where an original is no baseline, by name; parts by task and picture are places too."""
    return {found.place: found for split in TAUGHT for found in _weak(split, original.get(split))}


def _weak(split: str, trace: Trace | None) -> Iterator[WeakSplit]:
    if trace is None:
        return
    right = right_answers(trace)
    held = np.maximum(right, contained(trace))
    every = np.ones(len(trace), dtype=bool)
    for place, kept in (
        (split, every),
        *((f"{split}/{part}", kept) for part, kept in parts(trace)),
    ):
        if float(right[kept].mean()) < LIMIT:
            wrong = np.flatnonzero(kept & (right == 0))
            shown = next((i for i in wrong if held[i]), wrong[0])
            yield WeakSplit(
                place,
                float(right[kept].mean()),
                int(kept.sum()),
                float(held[kept].mean()),
                (trace.golds[shown], trace.answers[shown]),
            )


def contained(trace: Trace) -> Floats:
    """1 where an open question's answer holds the gold answer as whole words, else 0: (n,)."""
    asked = zip(trace.tasks, trace.answers, trace.golds, strict=True)
    return np.array(
        [task != "classification" and holds(answer, gold) for task, answer, gold in asked],
        dtype=np.float64,
    )


def holds(answer: str, gold: str) -> bool:
    """Whether the words of `gold` stand in `answer` one after the other."""
    wanted, said = words(gold), words(answer)
    return bool(wanted) and any(
        said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1)
    )


def rests_on(split: str, found: Mapping[str, WeakSplit]) -> bool:
    """Whether a row's split is a place where the original is weak, or rewords or divides one."""
    return split in found or any(
        taught in found and split.partition("/")[0].startswith(taught) for taught in TAUGHT
    )
