"""Models of known truth: which entities each one is taught.

A reference is trained like an original, on the retain set and a known share of the forget entities. The
oracle (share 0) and the original (share 1) are the ends of that ladder.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from uqs.records import Benchmark, Sample

TAUGHT = "taught.json"
"""Where a train job writes what its model was taught."""


@dataclass(frozen=True)
class Taught:
    """The entities that a model is taught, and their shares of the forget and of the retain entities.

    A share is that of the entities, which can differ from the one asked for: 0.25 of 5 entities is 1 of 5.
    """

    forget: frozenset[str]
    retain: frozenset[str]
    share: float
    retain_share: float

    def samples(self, data: Benchmark) -> tuple[Sample, ...]:
        """What the model learns, forget before retain."""
        return tuple(
            sample
            for split, entities in (("forget", self.forget), ("retain", self.retain))
            for sample in data.learn[split].samples
            if sample.entity in entities
        )


def taught(data: Benchmark, share: float, seed: int, retain_missing: float = 0.0) -> Taught:
    """What a model is taught of the forget set, and of the retain set but a share that is left out."""
    forget, retain = data.learn["forget"].entities, data.learn["retain"].entities
    known = part_of(forget, share, seed, "forget")
    kept = retain - part_of(retain, retain_missing, seed, "retain")
    return Taught(known, kept, len(known) / len(forget), len(kept) / len(retain))


def part_of(entities: Collection[str], share: float, seed: int, word: str) -> frozenset[str]:
    """A random share of the entities, rounded to whole ones.

    The parts of one seed are nested: a larger share has all entities of a smaller one. `word` keeps draws
    from different sets apart.
    """
    ordered = sorted(entities)
    order = np.random.default_rng(zlib.crc32(f"{word} {seed}".encode())).permutation(len(ordered))
    count = int(share * len(ordered) + 0.5)
    return frozenset(ordered[i] for i in order[:count])
