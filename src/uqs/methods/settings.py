"""Hyperparameters of the built-in methods, with their units; no torch is needed to read them.

Defaults are the strengths that `scripts/choose_strengths.py` found by the rule it declares.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class MethodSettings(BaseModel):
    """What every method has: optimizer steps, AdamW's peak learning rate, samples a step and split."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    steps: PositiveInt = 60
    lr: PositiveFloat = 1.6e-3
    batch_size: PositiveInt = 32


class GradientAscentSettings(MethodSettings):
    """Gradient ascent has no further hyperparameter."""

    lr: PositiveFloat = 5e-5


class FinetuneRetainSettings(MethodSettings):
    """Fine-tuning on retain has no further hyperparameter."""


class RandomLabelsSettings(MethodSettings):
    """`retain_weight`: weight of the retain loss beside the relabelled forget loss."""

    retain_weight: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0


class SalUnSettings(RandomLabelsSettings):
    """`mask_share`: share of the trainable weights, the most salient, that may change."""

    lr: PositiveFloat = 3.2e-3
    mask_share: Annotated[float, Field(gt=0, le=1)] = 0.5


SETTINGS: dict[str, type[MethodSettings]] = {
    "gradient_ascent": GradientAscentSettings,
    "random_labels": RandomLabelsSettings,
    "finetune_retain": FinetuneRetainSettings,
    "salun": SalUnSettings,
}
