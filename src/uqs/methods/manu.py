"""Modality-aware neuron unlearning (MANU)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from torch import Tensor

from uqs.errors import UserError
from uqs.methods.base import Data, Method
from uqs.methods.cards import pruned
from uqs.models.adapter import check_targets
from uqs.models.neurons import (
    LANGUAGE,
    VISION,
    Activity,
    activity,
    output_layers,
    remove,
    top_share,
)
from uqs.models.vlm import VLM
from uqs.records import Sample

EPSILON = 1e-5  # the official code's
SIDES: Mapping[str, Sequence[re.Pattern[str]]] = {
    "language": (LANGUAGE,),
    "vision": (VISION,),
    "both": (LANGUAGE, VISION),
}


class MANU(Method):
    """Prunes MLP neurons by how much they distinguish the modalities on forget data, relative to retain data.

    It takes no step. The checkpoint stays an adapter: pruning is subtracted from the combined weights of base
    and adapter.
    """

    card = pruned.MANU

    def finish(self, vlm: VLM, data: Data) -> None:
        layers = output_layers(vlm, SIDES[self.settings.side])
        check_targets(vlm, layers)
        asked = by_modality(data)
        forget = self._importances(vlm, layers, asked["forget"])
        retain = self._importances(vlm, layers, asked["retain"])
        scores = {layer: forget[layer] / (retain[layer] + EPSILON) for layer in layers}
        remove(vlm, top_share(scores, self.settings.share))

    def _importances(
        self, vlm: VLM, layers: Sequence[str], asked: QuestionsByModality
    ) -> dict[str, Tensor]:
        pictured, text = (
            activity(
                vlm, layers, vlm.encode(samples), self.settings.batch_size, self.settings.threshold
            )
            for samples in asked
        )
        return {layer: importance(pictured[layer], text[layer]) for layer in layers}


class QuestionsByModality(NamedTuple):
    """Questions with a picture, and questions in text only."""

    pictured: Sequence[Sample]
    text: Sequence[Sample]


def by_modality(data: Data) -> dict[str, QuestionsByModality]:
    """Forget and retain questions. If one of the two sets has no text-only questions, both reuse their
    picture questions without the picture. Raises UserError if one has no questions with a picture."""
    parts = {name: data[name].samples for name in ("forget", "retain")}
    pictured = {name: [s for s in part if s.picture is not None] for name, part in parts.items()}
    text = {name: [s for s in part if s.picture is None] for name, part in parts.items()}
    for name, samples in pictured.items():
        if not samples:
            raise UserError(f"manu needs {name} questions with a picture; there are none")
    if not all(text.values()):
        text = {name: [replace(s, picture=None) for s in part] for name, part in pictured.items()}
    return {name: QuestionsByModality(pictured[name], text[name]) for name in parts}


def importance(pictured: Activity, text: Activity) -> Tensor:
    """The sum of the paper's four measures of a neuron, (units,): the differences between the two modalities
    in mean size, frequency and energy of the activation, and the spread of activations in both."""

    def contrast(one: Tensor, other: Tensor) -> Tensor:
        return (one - other).abs() / (one + other + EPSILON)

    return (
        contrast(pictured.absolute, text.absolute)
        + contrast(pictured.active, text.active)
        + (_spread(pictured) + _spread(text)).sqrt()
        + contrast(pictured.squared, text.squared).sqrt()
    )


def _spread(units: Activity) -> Tensor:
    """The mean squared distance from z to the mean of |z|; the paper calls this variance."""
    return (units.squared - 2 * units.absolute * units.plain + units.absolute**2).clamp(min=0)
