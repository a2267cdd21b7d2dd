"""Settings of methods and of the trainer; imports no torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegativeFloat = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class MethodSettings(_Settings):
    """Hyperparameters of a method; a method with more of them derives its own class.

    Every field's description gives its meaning, its unit, and the source of its default.
    """

    steps: PositiveInt = Field(default=40, description="optimizer steps")
    lr: PositiveFloat = Field(
        default=1e-4,
        description="AdamW's peak learning rate; warm-up, then as the trainer's schedule says",
    )
    batch_size: PositiveInt = Field(default=32, description="samples of each stream a step")


class WithoutSteps(_Settings):
    """Hyperparameters of a method that takes no optimizer step."""


class StopAtForgetLoss(_Settings):
    """Stop once the forget loss of withheld questions has reached a value."""

    at: PositiveFloat = Field(description="nats per answer token")
    share: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.2, description="share of the forget questions that is withheld from the method"
    )


class TrainerSettings(_Settings):
    """How methods are trained: the same for all, so that none has an advantage."""

    schedule: Literal["cosine", "linear", "constant"] = Field(
        default="cosine", description="the learning rate after warm-up: down to 0, or level"
    )
    warmup: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.1, description="share of the steps"
    )
    clip: PositiveFloat = Field(default=1.0, description="largest norm of the whole gradient")
    weight_decay: NonNegativeFloat = Field(
        default=0.0, description="AdamW's, per step and unit of rate"
    )
    accumulate: PositiveInt = Field(
        default=1, description="parts that a batch is split into, one in memory at a time"
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32",
        description="of the frozen weights and the arithmetic; adapters stay float32",
    )
    gradient_checkpointing: bool = Field(
        default=False,
        description="compute activations again in the backward pass instead of keeping them",
    )
    checks: Annotated[int, Field(ge=1)] = Field(
        default=5,
        description="times in a run that answers are looked at and a good checkpoint is kept",
    )
    stop: StopAtForgetLoss | None = Field(
        default=None, description="an end before the last step; by default all steps are taken"
    )
    save_every_minutes: PositiveFloat = Field(
        default=5.0,
        description="minutes of wall time between states that a killed run goes on from",
    )

    def content(self) -> dict[str, Any]:
        """The settings that change a result and differ from their defaults."""
        return self.model_dump(exclude={"save_every_minutes"}, exclude_defaults=True)


DEFAULT_TRAINER = TrainerSettings()
