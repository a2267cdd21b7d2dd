"""Finds questions about other entities that are similar to a given one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from uqs.answers import normalise, words
from uqs.records import Sample

AT_ONCE = 64
"""Questions that are put in order before any of the others."""


def number_of(*words: str) -> int:
    """A hash below 2**64 that depends only on the words."""
    return int.from_bytes(blake2b("\0".join(words).encode(), digest_size=8).digest(), "big")


class SimilarSamples:
    """Samples by task and question; an entity's repeated answers to the same question are dropped."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        by_task: dict[str, dict[str, list[Sample]]] = {}
        known: set[tuple[str, str, str, str]] = set()
        for sample in samples:
            key = (sample.task, sample.question, sample.entity, normalise(sample.answer))
            if key not in known:
                known.add(key)
                by_task.setdefault(sample.task, {}).setdefault(sample.question, []).append(sample)
        self._tasks = {task: _Questions(asked) for task, asked in by_task.items()}

    def others(self, sample: Sample) -> Iterator[Sample]:
        """Samples of the same task about other entities: first those with the same question, then by Jaccard
        similarity of the questions' words; only questions that share a word.

        Ties are in hash order, starting from the hash of the sample's own id and wrapping round. So adding
        samples to the pool does not change the order of the others.
        """
        if sample.task in self._tasks:
            for other in self._tasks[sample.task].ordered(sample.question, number_of(sample.id)):
                if other.entity != sample.entity:
                    yield other


class _Questions:
    """The questions of one task, each with its samples in hash order."""

    def __init__(self, asked: dict[str, list[Sample]]) -> None:
        self._texts = list(asked)
        self._places = {text: place for place, text in enumerate(self._texts)}
        self._hashes = np.array([number_of(text) for text in self._texts], dtype=np.uint64)
        self._samples: list[list[tuple[int, Sample]]] = [
            sorted(
                ((number_of(s.entity, normalise(s.answer)), s) for s in some),
                key=lambda one: (one[0], one[1].id),
            )
            for some in asked.values()
        ]
        sets = [set(words(text)) for text in self._texts]
        self._sizes = np.array([len(some) for some in sets])
        places: dict[str, list[int]] = {}
        for place, some in enumerate(sets):
            for word in some:
                places.setdefault(word, []).append(place)
        self._having = {word: np.array(some) for word, some in places.items()}

    def ordered(self, question: str, start: int) -> Iterator[Sample]:
        for place in self._by_similarity(question, start):
            yield from _round(self._samples[place], start)

    def _by_similarity(self, question: str, start: int) -> Iterator[int]:
        own = self._places.get(question)
        if own is not None:
            yield own
        similarity = self._jaccard(question)
        if own is not None:
            similarity[own] = 0
        turned = self._hashes - np.uint64(start)  # wraps round, which puts `start` first
        left = np.flatnonzero(similarity)
        while len(left):
            count = min(AT_ONCE, len(left))
            least = np.partition(similarity[left], -count)[-count]
            now = left[similarity[left] >= least]
            yield from now[np.lexsort((turned[now], -similarity[now]))].tolist()
            left = left[similarity[left] < least]

    def _jaccard(self, question: str) -> NDArray[np.float64]:
        """The number of shared words divided by that of all words, for each known question."""
        some = set(words(question))
        having = [self._having[word] for word in some if word in self._having]
        if not having:
            return np.zeros(len(self._texts))
        both = np.bincount(np.concatenate(having), minlength=len(self._texts))
        return np.asarray(both / (len(some) + self._sizes - both), dtype=np.float64)


def _round(samples: Sequence[tuple[int, Sample]], start: int) -> Iterator[Sample]:
    first = bisect_left(samples, start, key=lambda one: one[0])
    return (sample for _, sample in chain(samples[first:], samples[:first]))
