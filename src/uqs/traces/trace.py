"""The record of one pass over a model and a split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
WORDS = ("ids", "entities", "tasks", "pictured", "golds", "answers", "candidates", "options")
BY_SAMPLE = ("gradient_norms",)
BY_POSITION = ("gold_ids", "gold_log_probs", "gold_ranks", "means", "variances", "tail_masses")
BY_CANDIDATE = ("candidate_losses",)
BY_LAYER = ("answer_activations", "prompt_activations", "lens_log_probs", "lens_ranks")


@dataclass(frozen=True)
class Trace:
    """What a model did with the n samples of a split, in the split's order.

    Words, one per sample: `pictured` says whether a picture was shown, `answers` are greedy answers,
    `candidates` are the plausible wrong answers that were scored, `options` the texts of a choice in the
    order of their letters (empty for other questions, and in traces of programs that do not write them).

    Sample i has the answer positions `offsets[i]` to `offsets[i + 1]`: the tokens of its gold answer without
    end mark, each predicted from picture, question and the gold tokens before it. Per position: `gold_ids`,
    the gold tokens; `gold_log_probs`, their log-probabilities (nats); `gold_ranks`, the number of likelier
    tokens (ties: earlier in the vocabulary); `means` and `variances` of log p(token) under the model's own
    distribution (nats); `top_log_probs` (positions, k), the k largest log-probabilities, with their tokens
    `top_ids`; `tail_masses`, the total probability of all others. If k is `vocabulary`, the whole
    distribution is kept in vocabulary order, and `top_ids` is (0, 0).

    Per sample: `gradient_norms`, Frobenius norm of the gradient of the mean gold loss with respect to the
    output layer's weights. Per candidate, in sample order: `candidate_losses`, minus mean log-probability per
    token (nats). Per layer (hidden states counted from the end, -1 is the last): `answer_activations`
    (n, width), averaged over the gold answer tokens; `prompt_activations` (n, width), at the last prompt
    token; `lens_log_probs` and `lens_ranks` (n,), for the first gold token if the layer's state at the last
    prompt token is read through the model's own final norm and output layer. Mappings are empty if nothing
    was kept.

    `judges`: by task, the rule by which answers count as right (`uqs.judging`); strict where none is named.
    It is not part of the record: the benchmark declares it when traces are measured.
    """

    split: str
    ids: tuple[str, ...]
    entities: tuple[str, ...]
    tasks: tuple[str, ...]
    pictured: tuple[bool, ...]
    golds: tuple[str, ...]
    answers: tuple[str, ...]
    candidates: tuple[tuple[str, ...], ...]
    vocabulary: int
    offsets: IntArray
    gold_ids: IntArray
    gold_log_probs: FloatArray
    gold_ranks: IntArray
    means: FloatArray
    variances: FloatArray
    top_ids: NDArray[np.int32]
    top_log_probs: FloatArray
    tail_masses: FloatArray
    gradient_norms: FloatArray
    candidate_losses: FloatArray
    answer_activations: Mapping[int, FloatArray]
    prompt_activations: Mapping[int, FloatArray]
    lens_log_probs: Mapping[int, FloatArray]
    lens_ranks: Mapping[int, IntArray]
    options: tuple[tuple[str, ...], ...] = ()
    judges: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n, positions = len(self.ids), len(self.gold_ids)
        if not self.options:
            object.__setattr__(self, "options", ((),) * n)
        if n == 0:
            raise ValueError("no samples")
        scored = sum(map(len, self.candidates))
        for names, rows in (
            (WORDS, n),
            (BY_SAMPLE, n),
            (BY_POSITION, positions),
            (BY_CANDIDATE, scored),
            (("top_log_probs",), positions),
            (("top_ids",), 0 if self.complete else positions),
        ):
            for name in names:
                if len(getattr(self, name)) != rows:
                    raise ValueError(f"{name}: {len(getattr(self, name))} rows, not {rows}")
        if self.offsets.shape != (n + 1,) or self.offsets[0] != 0 or self.offsets[-1] != positions:
            raise ValueError("offsets do not cover the answer positions")
        if (np.diff(self.offsets) < 1).any():
            raise ValueError("a sample without an answer position")
        if not self.complete and self.top_ids.shape != self.top_log_probs.shape:
            raise ValueError(f"top_ids: {self.top_ids.shape}, not {self.top_log_probs.shape}")
        if positions and not 0 <= self.gold_ids.min() <= self.gold_ids.max() < self.vocabulary:
            raise ValueError(f"gold_ids: not within a vocabulary of {self.vocabulary}")
        for name in BY_LAYER:
            for layer, values in getattr(self, name).items():
                if len(values) != n:
                    raise ValueError(f"{name} of layer {layer}: {len(values)} rows, not {n}")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def complete(self) -> bool:
        """Whether whole distributions were kept."""
        return int(self.top_log_probs.shape[1]) == self.vocabulary

    @property
    def finite(self) -> bool:
        """Whether the model gave every gold token a probability."""
        return bool(np.isfinite(self.gold_log_probs).all())

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers whose activations were kept, the last one first."""
        return tuple(sorted(self.answer_activations, reverse=True))

    def lengths(self) -> IntArray:
        """Answer positions of each sample, (n,)."""
        return np.diff(self.offsets)

    def gold_losses(self) -> NDArray[np.float64]:
        """Mean negative log-likelihood (nats) of each sample's gold answer tokens, (n,)."""
        return -self.mean_over_answers(self.gold_log_probs.astype(np.float64))

    def mean_over_answers(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of (positions,) values over each sample's answer positions, (n,)."""
        sums: NDArray[np.float64] = np.add.reduceat(values, self.offsets[:-1])
        return sums / np.diff(self.offsets)

    def take(self, samples: Sequence[int] | NDArray[np.intp]) -> Trace:
        """The trace of some samples, by index, in that order."""
        chosen = [int(i) for i in samples]
        if not chosen:
            raise ValueError(f"no sample of {self.split!r} was chosen")
        places = np.concatenate(
            [np.arange(self.offsets[i], self.offsets[i + 1]) for i in chosen]
        ).astype(np.int64)
        scored = np.cumsum([0, *map(len, self.candidates)])
        candidates = [j for i in chosen for j in range(scored[i], scored[i + 1])]
        held: dict[str, Any] = {
            name: getattr(self, name) for name in ("split", "vocabulary", "judges")
        }
        held |= {name: tuple(getattr(self, name)[i] for i in chosen) for name in WORDS}
        held |= {name: getattr(self, name)[chosen] for name in BY_SAMPLE}
        held |= {name: getattr(self, name)[places] for name in (*BY_POSITION, "top_log_probs")}
        held |= {name: getattr(self, name)[candidates] for name in BY_CANDIDATE}
        for name in BY_LAYER:
            held[name] = {layer: kept[chosen] for layer, kept in getattr(self, name).items()}
        held["offsets"] = np.cumsum([0, *self.lengths()[chosen]]).astype(np.int64)
        held["top_ids"] = self.top_ids if self.complete else self.top_ids[places]
        return Trace(**held)


def join(parts: Sequence[Trace]) -> Trace:
    """One trace from consecutive parts of a split. Raises ValueError if they do not fit together."""
    first = parts[0]
    if len(parts) == 1:
        return first
    for name in ("split", "vocabulary", "complete", "judges"):
        if any(getattr(part, name) != getattr(first, name) for part in parts):
            raise ValueError(f"parts of a trace differ in {name}")
    held: dict[str, Any] = {f.name: _joined(f.name, parts) for f in fields(Trace)}
    return Trace(**held)


def _joined(name: str, parts: Sequence[Trace]) -> object:
    values = [getattr(part, name) for part in parts]
    if name in ("split", "vocabulary", "judges") or (name == "top_ids" and parts[0].complete):
        return values[0]
    if name == "offsets":
        return np.concatenate([[0], np.cumsum(np.concatenate([p.lengths() for p in parts]))])
    if name in BY_LAYER:
        layers = [set(one) for one in values]
        if any(other != layers[0] for other in layers):
            raise ValueError(f"parts of a trace differ in the layers of {name}")
        return {layer: np.concatenate([one[layer] for one in values]) for layer in values[0]}
    if name in WORDS:
        return tuple(word for one in values for word in one)
    return np.concatenate(values)
