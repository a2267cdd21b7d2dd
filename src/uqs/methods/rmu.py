"""Representation misdirection for unlearning (RMU)."""

from __future__ import annotations

import torch
from torch import Tensor

from uqs.errors import UserError
from uqs.methods.base import Batches, Data, Method, Step
from uqs.methods.cards import inside
from uqs.methods.streams import Stream
from uqs.models.reference import Reference
from uqs.models.states import states_at, tokens_of
from uqs.models.vlm import VLM, Batch, Encoding


class RMU(Method):
    """Steers hidden states of forget questions to a random vector and keeps those of retain questions.

    On the language side this happens after one language layer, at the text tokens of question and answer;
    only that layer and some below it change. On the vision side it happens at the picture features that the
    language model reads; only the weights that make them change.
    """

    card = inside.RMU

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        self.language, self.vision = (
            self.settings.side in (side, "both") for side in ("language", "vision")
        )
        self.layer = _layer(self.settings.layer, len(vlm.decoder.layers)) if self.language else 0
        self.first = max(1, self.layer - self.settings.updated_layers + 1)
        self.reference = Reference(vlm)
        encoded = {name: vlm.encode(data[name].samples) for name in ("forget", "retain")}
        pictured = {name: _pictured(one) for name, one in encoded.items()}
        if self.vision and (bare := [name for name, one in pictured.items() if not len(one)]):
            raise UserError(f"rmu: the vision side needs pictures; no {bare[0]} question has one")
        self._check_trainable(vlm, pictured["forget"] if self.vision else encoded["forget"])
        used = encoded if self.language else pictured
        self.targets = self._targets(vlm, used["forget"], generator)
        return {name: Stream.of(one, self.settings.batch_size) for name, one in used.items()}

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        forget, retain = self._states(vlm, batches["forget"]), self._states(vlm, batches["retain"])
        with self.reference.in_place():
            original = self._states(vlm, batches["retain"])
        steered = [_squared_error(forget[side], target) for side, target in self.targets.items()]
        held = [_squared_error(retain[side], states) for side, states in original.items()]
        loss: Tensor = sum(steered) + self.settings.retain_weight * sum(held)
        return loss

    def _states(self, vlm: VLM, batch: Batch) -> dict[str, Tensor]:
        """By side, the states (tokens, width) to steer or keep; a batch may have no picture."""
        states = states_at(vlm, batch, self.layer, self.first)
        tokens = tokens_of(vlm, batch)
        language = {"language": states.made[tokens.text].float()} if self.language else {}
        vision = {"vision": states.read[tokens.picture].float()} if self.vision else {}
        return language | vision

    @torch.no_grad()
    def _targets(self, vlm: VLM, forget: Encoding, generator: torch.Generator) -> dict[str, Tensor]:
        """By side, the target vector (width,) of the states."""
        size = self.settings.batch_size
        batches = [range(len(forget))[k : k + size] for k in range(0, len(forget), size)]
        found = [self._states(vlm, vlm.batch(forget, indices)) for indices in batches]
        targets = {}
        for side, states in found[0].items():
            drawn = torch.rand(states.shape[1], generator=generator).to(states)
            lengths = torch.cat([one[side].norm(dim=1) for one in found])
            scale = lengths.mean() if self.settings.adaptive else 1.0
            targets[side] = self.settings.coefficient * scale * drawn / drawn.norm()
        return targets

    def _check_trainable(self, vlm: VLM, questions: Encoding) -> None:
        for side, states in self._states(vlm, vlm.batch(questions, [0])).items():
            if not states.requires_grad:
                part = f"in language layers {self.first} to {self.layer}"
                raise UserError(
                    f"rmu: no trainable weight {part if side == 'language' else 'makes picture features'}; "
                    "train the original with adapter targets that have some (language.all+projector has)"
                )


def _layer(asked: float, depth: int) -> int:
    """The number of a language layer, given as a number or as a share of the depth."""
    layer = asked if isinstance(asked, int) else max(1, round(asked * depth))
    if layer > depth:
        raise UserError(f"rmu: there is no language layer {layer}, the model has {depth}")
    return layer


def _pictured(encoded: Encoding) -> Encoding:
    return encoded.part([i for i, place in enumerate(encoded.picture) if place >= 0])


def _squared_error(states: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference; 0 if there are no states."""
    return (states - target).square().sum() / max(1, states.numel())
