"""Endless, even, seeded batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from uqs.models.vlm import Encoded


@dataclass(frozen=True)
class Stream:
    """Batches over `encoded`: each takes `counts[k]` samples from part k, the parts being consecutive.

    Every part is gone through in a fresh random order again and again, so that after any number of steps no
    sample of it was seen more than once oftener than another.
    """

    encoded: Encoded
    sizes: tuple[int, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.sizes) != len(self.counts) or sum(self.sizes) != len(self.encoded):
            raise ValueError(f"parts {self.sizes} do not make up {len(self.encoded)} samples")
        if min(self.sizes) == 0 or min(self.counts) < 1:
            raise ValueError("every part needs a sample, and every batch one of each part")

    @classmethod
    def of(cls, encoded: Encoded, batch_size: int) -> Stream:
        return cls(encoded, (len(encoded),), (batch_size,))

    def batches(self, generator: torch.Generator) -> Iterator[Sequence[int]]:
        """Index lists without end."""
        starts = [sum(self.sizes[:k]) for k in range(len(self.sizes))]
        parts = [
            _cycle(start, size, generator) for start, size in zip(starts, self.sizes, strict=True)
        ]
        while True:
            yield [
                next(part)
                for part, count in zip(parts, self.counts, strict=True)
                for _ in range(count)
            ]


def _cycle(start: int, size: int, generator: torch.Generator) -> Iterator[int]:
    while True:
        for index in torch.randperm(size, generator=generator).tolist():
            yield start + index
