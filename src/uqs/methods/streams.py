"""Endless, even, seeded batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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

    def batches(self, generator: torch.Generator) -> Draws:
        """Endless index lists, each with sum(counts) samples."""
        return Draws(self, generator)


class Draws(Iterator[Sequence[int]]):
    """The batches of a stream, one after another; they can go on from an earlier `position`."""

    def __init__(self, stream: Stream, generator: torch.Generator) -> None:
        self._stream, self._generator = stream, generator
        self._undrawn: list[list[int]] = [[] for _ in stream.sizes]
        self._batches: list[list[int]] = []

    @property
    def position(self) -> dict[str, Any]:
        """What is drawn and not yet given: samples of each part, and batches; JSON-able."""
        return {"undrawn": self._undrawn, "batches": self._batches}

    def go_to(self, position: Mapping[str, Any]) -> None:
        """Continue from a `position`, with a generator in the state of that moment."""
        self._undrawn = [list(part) for part in position["undrawn"]]
        self._batches = [list(batch) for batch in position["batches"]]

    def __next__(self) -> Sequence[int]:
        if not self._batches:
            self._batches = self._window()
        return self._batches.pop()

    def _window(self) -> list[list[int]]:
        """The next window of batches, the first of them last."""
        stream, window = self._stream, self._stream.window
        drawn = [
            self._sample(part)
            for part, count in enumerate(stream.counts)
            for _ in range(count * window)
        ]
        encoded, size = stream.encoded, sum(stream.counts)
        drawn.sort(key=lambda i: len(encoded.prompts[i]) + len(encoded.answers[i]))
        order = torch.randperm(window, generator=self._generator).tolist()
        return [drawn[k * size : (k + 1) * size] for k in reversed(order)]

    def _sample(self, part: int) -> int:
        if not self._undrawn[part]:
            order = torch.randperm(self._stream.sizes[part], generator=self._generator).tolist()
            start = sum(self._stream.sizes[:part])
            self._undrawn[part] = [start + index for index in reversed(order)]
        return self._undrawn[part].pop()
