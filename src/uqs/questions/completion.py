"""The question as a sentence to complete."""

from __future__ import annotations

import re
from collections.abc import Sequence

from uqs.questions.base import ExplicitProbe
from uqs.records import Benchmark, Sample

_BLANK_LAST = re.compile(r"\s*\[blank\]\W*$", re.IGNORECASE)


class Completion(ExplicitProbe):
    """A statement that ends just before the answer."""

    name = "completion"
    source = "cloze prompts: Petroni et al. 2019 (arXiv 1909.01066)"

    def samples(self, benchmark: Benchmark) -> Sequence[Sample]:
        return [
            self.ask(item, _statement(item), item.picture)
            for item in benchmark.evaluate["forget"].samples
        ]


def _statement(item: Sample) -> str:
    if item.task == "classification":
        return f'Complete with one letter: the right answer to the question "{item.question}" is'
    if item.task == "cloze" and _BLANK_LAST.search(item.question):
        return f"Complete: {_BLANK_LAST.sub('', item.question)}"
    return f'Complete: the right answer to the question "{item.question}" is'
