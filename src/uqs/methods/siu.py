"""Single image unlearning (SIU)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import nll_loss

from uqs.errors import UserError
from uqs.methods.base import Batches, Data, Method, Step
from uqs.methods.cards import inside
from uqs.methods.losses import answer_log_probs, reference_log_probs
from uqs.methods.random_labels import relabel
from uqs.methods.streams import Stream
from uqs.models.reference import Reference
from uqs.models.vlm import IGNORED, VLM
from uqs.records import Picture, Sample


class SIU(Method):
    """Trains answers to one picture of each forget entity as if it showed something else.

    The entity's questions without a picture and the retain questions keep their answers. Everything is
    fitted, and kept close to the original's distributions except where these are about the entity: at the
    tokens that only the new answer has, and for the vocabulary's tokens that only the true answer has.
    """

    card = inside.SIU

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        forget, retain = data["forget"].samples, data["retain"].samples
        shown = on_one_picture(forget)
        facts = [sample for sample in forget if sample.picture is None]
        sizes = tuple(len(part) for part in (shown, facts, retain) if part)
        self.true = vlm.encode([*shown, *facts, *retain])
        self.new = vlm.encode([*relabel(shown, [*forget, *retain], generator), *facts, *retain])
        self.reference = Reference(vlm)
        return {"mixed": Stream(self.new, sizes, _shares(self.settings.batch_size, len(sizes)))}

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        batch = batches["mixed"]
        original = reference_log_probs(vlm, self.reference, batch)
        log_probs = answer_log_probs(vlm, batch)
        tokens_kept, vocabulary_kept = self._kept(batches.indices("mixed"), log_probs)
        divergence = dual_masked_divergence(original, log_probs, tokens_kept, vocabulary_kept)
        fit = nll_loss(log_probs, batch.labels[batch.labels != IGNORED])
        loss: Tensor = self.settings.fit_weight * fit + self.settings.divergence_weight * divergence
        return loss

    def _kept(self, indices: Sequence[int], like: Tensor) -> tuple[Tensor, Tensor]:
        """The masks of `dual_masked_divergence` for the answer tokens of some samples, in sequence."""
        tokens: list[bool] = []
        vocabulary = torch.ones_like(like, dtype=torch.bool)
        for i in indices:
            true, new = self.true.answers[i], self.new.answers[i]
            rows = slice(len(tokens), len(tokens) + len(new))
            vocabulary[rows, sorted(set(true) - set(new))] = False
            tokens += [token in true for token in new]
        return torch.tensor(tokens, device=like.device), vocabulary


def on_one_picture(samples: Sequence[Sample]) -> list[Sample]:
    """The questions on each entity's first picture."""
    first: dict[str, Picture] = {}
    for sample in samples:
        if sample.picture is not None:
            first.setdefault(sample.entity, sample.picture)
    return [s for s in samples if s.picture is not None and s.picture == first[s.entity]]


def dual_masked_divergence(
    original: Tensor, current: Tensor, tokens_kept: Tensor, vocabulary_kept: Tensor
) -> Tensor:
    """KL(original || current) in nats without masked vocabulary tokens, mean over kept tokens.

    Both are log-probabilities (tokens, vocabulary); `tokens_kept` (tokens,) and `vocabulary_kept` (tokens,
    vocabulary) are False where masked. It is 0 if no token is kept.
    """
    terms = original.exp() * (original - current)
    by_token = (terms * vocabulary_kept).sum(1)
    return (by_token * tokens_kept).sum() / tokens_kept.sum().clamp(min=1)


def _shares(batch_size: int, parts: int) -> tuple[int, ...]:
    """The number of samples of each part in a batch, as equal as possible."""
    if batch_size < parts:
        raise UserError(f"siu: batch_size ({batch_size}) must be {parts} or more, one of each part")
    return tuple(batch_size // parts + (k < batch_size % parts) for k in range(parts))
