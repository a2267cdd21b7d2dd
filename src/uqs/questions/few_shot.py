"""The question after a few questions with answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from uqs.answers import normalise
from uqs.questions.base import ExplicitProbe, in_words
from uqs.questions.similar import SimilarSamples
from uqs.records import Benchmark, Sample

EXAMPLES = 3


class FewShotProbe(ExplicitProbe):
    """Puts up to three questions about retained entities, each with its right answer, before the question.

    They are the most similar ones of the same task, about different entities. None has the item's own answer.
    If only few answers exist, that alone is a small hint, but the oracle gets the same hint.
    """

    name = "few_shot"
    source = "in-context relearning: Lynch et al. 2024 (arXiv 2402.16835)"

    def samples(self, benchmark: Benchmark) -> Sequence[Sample]:
        pool = SimilarSamples(benchmark.learn["retain"].samples)
        return [
            self.ask(item, "\n".join([*map(_answered, shown), _last(item)]), item.picture)
            for item in benchmark.evaluate["forget"].samples
            if (shown := list(examples(item, pool)))
        ]


def examples(item: Sample, pool: SimilarSamples) -> Iterator[Sample]:
    """The examples for an item: other entities, other answers."""
    gold = f" {normalise(in_words(item))} "
    entities: set[str] = set()
    for other in pool.others(item):
        if len(entities) == EXAMPLES:
            return
        shown = f"{other.question} {in_words(other)}"
        if other.entity not in entities and gold not in f" {normalise(shown)} ":
            entities.add(other.entity)
            yield other


def _answered(example: Sample) -> str:
    about = " about another picture" if example.picture else ""
    return f"Question{about}: {example.text}\nAnswer: {example.answer}"


def _last(item: Sample) -> str:
    return f"Question{' about this picture' if item.picture else ''}: {item.question}"
