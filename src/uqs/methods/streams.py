"""Endless, even, seeded batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from uqs.models.vlm import Encoding

WINDOW = 8


@dataclass(frozen=True)
class Stream:
    """Batches over `encoded`; each has `counts[k]` samples of part k, and the parts are consecutive.

    Each part is traversed repeatedly, every time in a new random order, so the draw counts of its samples
    differ by at most one. `window` batches are drawn together and regrouped by length, because padding short
    questions next to long ones costs most. So the shares of a batch, and the even draws, hold over a window.
    A window traverses no part more than once: a small part would otherwise fill batches with the same few
    samples.
    """

    encoded: Encoding
    sizes: tuple[int, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.sizes) != len(self.counts) or sum(self.sizes) != len(self.encoded):
            raise ValueError(f"parts {self.sizes} do not make up {len(self.encoded)} samples")
        if min(self.sizes) == 0 or min(self.counts) < 1:
            raise ValueError("every part needs a sample, and every batch one of each part")

    @classmethod
    def of(cls, encoded: Encoding, batch_size: int) -> Stream:
        """Batches of `batch_size` samples, or of all samples if there are fewer."""
        return cls(encoded, (len(encoded),), (min(batch_size, len(encoded)),))

    @property
    def window(self) -> int:
        """How many batches are drawn at a time."""
        once = min(size // count for size, count in zip(self.sizes, self.counts, strict=True))
        return max(1, min(WINDOW, once))

    def batches(self, generator: torch.Generator) -> Iterator[Sequence[int]]:
        """Endless index lists, each with sum(counts) samples."""
        starts = [sum(self.sizes[:k]) for k in range(len(self.sizes))]
        parts = [
            _cycle(start, size, generator) for start, size in zip(starts, self.sizes, strict=True)
        ]
        size, window = sum(self.counts), self.window
        while True:
            drawn = [
                next(part)
                for part, count in zip(parts, self.counts, strict=True)
                for _ in range(count * window)
            ]
            drawn.sort(key=lambda i: len(self.encoded.prompts[i]) + len(self.encoded.answers[i]))
            for k in torch.randperm(window, generator=generator).tolist():
                yield drawn[k * size : (k + 1) * size]


def _cycle(start: int, size: int, generator: torch.Generator) -> Iterator[int]:
    while True:
        for index in torch.randperm(size, generator=generator).tolist():
            yield start + index
