"""Whether an original can serve as a baseline: it must answer what it was taught."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from uqs.answers import words
from uqs.judging.rules import STRICT, named
from uqs.metrics.base import Floats
from uqs.metrics.by_split import parts
from uqs.traces.judged import right_answers, scores
from uqs.traces.trace import Trace

LIMIT = 0.5
"""The smallest share of what it was taught that an original must answer correctly."""
TAUGHT = ("forget", "retain")


@dataclass(frozen=True)
class WeakSplit:
    """A place (`forget`, `retain/cloze`) where an original answers less than LIMIT of what it was taught.

    `containing`: the share of its answers that are correct or contain the gold answer as whole words; only a
    diagnosis. `example`: the gold answer and the model's answer to one question counted as wrong; if possible
    one whose answer contains the gold answer. `judge`: the rules by which they were judged.
    """

    place: str
    right: float
    n: int
    containing: float
    example: tuple[str, str]
    judge: str = STRICT

    @property
    def sentence(self) -> str:
        """What is wrong, and the likely cause."""
        gold, answer = (text if len(text) <= 80 else text[:77] + "..." for text in self.example)
        how = (
            "Answers are compared exactly"
            if self.judge == STRICT
            else f"Answers are judged by {self.judge!r} (docs/judges.md)"
        )
        said = (
            f"the original answers {self.right:.0%} of the {self.place} questions right (n {self.n}), under "
            f"half of what it was taught, so it is not a baseline. {how}: it says "
            f"{answer!r} where {gold!r} is asked for"
        )
        if self.containing - self.right >= 0.05:
            said += f"; {self.containing:.0%} of its answers contain the right one as whole words"
        return said


def weak(original: Mapping[str, Trace]) -> dict[str, WeakSplit]:
    """The places, by name, where an original cannot serve as a baseline; also parts by task and picture."""
    return {found.place: found for split in TAUGHT for found in _weak(split, original.get(split))}


def _weak(split: str, trace: Trace | None) -> Iterator[WeakSplit]:
    if trace is None:
        return
    right, wholly = scores(trace), right_answers(trace)
    held = np.maximum(right, contained(trace))
    every = np.ones(len(trace), dtype=bool)
    for place, kept in (
        (split, every),
        *((f"{split}/{part}", kept) for part, kept in parts(trace)),
    ):
        if float(right[kept].mean()) < LIMIT:
            wrong = np.flatnonzero(kept & (wholly == 0))
            shown = next((i for i in wrong if held[i]), wrong[0])
            yield WeakSplit(
                place,
                float(right[kept].mean()),
                int(kept.sum()),
                float(held[kept].mean()),
                (trace.golds[shown], trace.answers[shown]),
                named(trace.judges, [trace.tasks[i] for i in np.flatnonzero(kept)]),
            )


def contained(trace: Trace) -> Floats:
    """1 where the answer to an open question contains the gold answer as whole words, else 0: (n,)."""
    asked = zip(trace.tasks, trace.answers, trace.golds, strict=True)
    return np.array(
        [task != "classification" and holds(answer, gold) for task, answer, gold in asked],
        dtype=np.float64,
    )


def holds(answer: str, gold: str) -> bool:
    """Whether `answer` contains the words of `gold` in sequence."""
    wanted, said = words(gold), words(answer)
    return bool(wanted) and any(
        said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1)
    )


def rests_on(split: str, found: Mapping[str, WeakSplit]) -> bool:
    """Whether a row's split is a weak place of the original, or a rewording or part of one."""
    return split in found or any(
        taught in found and split.partition("/")[0].startswith(taught) for taught in TAUGHT
    )
