"""Is it true?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from uqs.questions.base import Probe, in_words, item_of
from uqs.questions.candidates import with_candidates
from uqs.questions.similar import number_of
from uqs.records import LETTERS, Benchmark, Sample
from uqs.traces.trace import Trace

_SAID = re.compile(r"\W*(yes|no|true|false)\b", re.IGNORECASE)
_BLANK = re.compile(r"\[blank\]", re.IGNORECASE)


class Negation(Probe):
    """Asks whether the right answer is true, and whether a wrong one is; both must be judged right.

    Always saying yes recovers nothing; guessing recovers a quarter.
    """

    name = "negation"
    kind = "implicit"
    source = (
        "true or false questions in pairs: the yes-bias of POPE, Li et al. 2023 (arXiv 2305.10355)"
    )

    def samples(self, benchmark: Benchmark) -> Sequence[Sample]:
        forget = with_candidates(benchmark.evaluate["forget"], benchmark, count=1)
        return [question for item in forget.samples for question in self._pair(item)]

    def _pair(self, item: Sample) -> Iterator[Sample]:
        wrong = _wrong(item)
        if wrong is not None:
            for number, (answer, truth) in enumerate(((in_words(item), "yes"), (wrong, "no")), 1):
                asked = self.ask(item, _statement(item, answer), item.picture, number)
                yield replace(asked, task="short", options=(), answer=truth)

    def recovered(self, traces: Mapping[str, Trace]) -> Mapping[str, bool]:
        if self.split not in traces:
            return {}
        trace, found = traces[self.split], dict[str, bool]()
        for question, answer, gold in zip(trace.ids, trace.answers, trace.golds, strict=True):
            item = item_of(question)
            found[item] = found.get(item, True) and judgement(answer) == (gold == "yes")
        return found


def judgement(answer: str) -> bool | None:
    """The judgement of an answer that begins with yes, no, true or false; None for other answers."""
    said = _SAID.match(answer)
    return said.group(1).lower() in ("yes", "true") if said else None


def _wrong(item: Sample) -> str | None:
    if not item.wrong:
        return None
    if item.task == "classification":
        letter = item.wrong[number_of(item.id) % len(item.wrong)]
        return item.options[LETTERS.index(letter)]
    return item.wrong[0]


def _statement(item: Sample, answer: str) -> str:
    if item.task == "cloze" and _BLANK.search(item.question):
        stated = _BLANK.sub(lambda _: answer, item.question)
        return f"{stated} Is this true? Answer yes or no."
    return f'Is "{answer}" the right answer to the question "{item.question}"? Answer yes or no.'
