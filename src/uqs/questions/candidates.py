"""Plausible wrong answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from uqs.answers import normalise
from uqs.questions.similar import SimilarSamples
from uqs.records import LETTERS, Benchmark, Sample, Split


def with_candidates(split: Split, benchmark: Benchmark, count: int = 4) -> Split:
    """The split with `Sample.wrong` filled.

    A multiple-choice question gets the letters of all its other options. Any other question gets up to
    `count` right answers to the most similar questions of the same task about other entities (see
    `SimilarSamples.others`). They differ from each other and from every right answer to this question, in
    the normal form used for judging answers. A question gets fewer, or none, if the benchmark has no more.
    """
    known = [
        sample
        for part in (benchmark.learn, benchmark.evaluate)
        for some in part.values()
        for sample in some.samples
        if sample.task != "classification"
    ]
    right: dict[tuple[str, str], set[str]] = {}
    for sample in known:
        right.setdefault((sample.entity, sample.question), set()).add(normalise(sample.answer))
    pool = SimilarSamples(known)
    return Split(
        split.name,
        tuple(replace(s, wrong=_wrong(s, pool, right, count)) for s in split.samples),
    )


def _wrong(
    sample: Sample, pool: SimilarSamples, right: Mapping[tuple[str, str], set[str]], count: int
) -> tuple[str, ...]:
    if sample.task == "classification":
        return tuple(letter for letter in LETTERS[: len(sample.options)] if letter != sample.answer)
    avoided = {normalise(sample.answer)} | right.get((sample.entity, sample.question), set())
    found: list[str] = []
    for answer in _different(sample, pool, avoided):
        if len(found) == count:
            break
        found.append(answer)
    return tuple(found)


def _different(sample: Sample, pool: SimilarSamples, avoided: set[str]) -> Iterator[str]:
    seen = {"", *avoided}
    for other in pool.others(sample):
        if (plain := normalise(other.answer)) not in seen:
            seen.add(plain)
            yield other.answer
