"""The record of one pass over a model and a split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Trace:
    """What a model did with the n samples of a split, in the split's order.

    Sample i owns the answer positions `offsets[i]` to `offsets[i + 1]`: the tokens of its gold answer, end
    mark left out. `answers` are greedy answers as text. `gold_ids` (positions,) are the gold tokens,
    `log_probs` (positions, vocabulary) the natural log of the model's distribution at each of them given
    the picture, the question and the gold tokens before it. `activations[layer]` (n, width) are hidden
    states averaged over the gold answer tokens; layers count from the end, -1 the last.
    """

    split: str
    ids: tuple[str, ...]
    entities: tuple[str, ...]
    tasks: tuple[str, ...]
    golds: tuple[str, ...]
    answers: tuple[str, ...]
    offsets: IntArray
    gold_ids: IntArray
    log_probs: FloatArray
    activations: Mapping[int, FloatArray]

    def __post_init__(self) -> None:
        n, positions = len(self.ids), len(self.gold_ids)
        for name in ("entities", "tasks", "golds", "answers"):
            if len(getattr(self, name)) != n:
                raise ValueError(f"{name}: {len(getattr(self, name))} entries for {n} samples")
        if self.offsets.shape != (n + 1,) or self.offsets[0] != 0 or self.offsets[-1] != positions:
            raise ValueError("offsets do not cover the answer positions")
        if (np.diff(self.offsets) < 1).any():
            raise ValueError("a sample without an answer position")
        if self.log_probs.shape[0] != positions:
            raise ValueError(f"log_probs: {self.log_probs.shape[0]} rows for {positions} positions")
        for layer, values in self.activations.items():
            if values.shape[0] != n:
                raise ValueError(f"activations of layer {layer}: {values.shape[0]} rows for {n}")

    def __len__(self) -> int:
        return len(self.ids)

    def gold_losses(self) -> NDArray[np.float64]:
        """Mean negative log-likelihood (nats) of each sample's gold answer tokens, (n,)."""
        gold = self.log_probs[np.arange(len(self.gold_ids)), self.gold_ids].astype(np.float64)
        return -self.mean_over_answers(gold)

    def mean_over_answers(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of (positions,) values over each sample's answer positions, (n,)."""
        sums: NDArray[np.float64] = np.add.reduceat(values, self.offsets[:-1])
        return sums / np.diff(self.offsets)
