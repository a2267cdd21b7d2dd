"""Away from the forget answers: ascent, divergence and distillation."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from uqs.methods.cards.card import MethodCard, Passes
from uqs.methods.settings import (
    MethodSettings,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
)

BetweenZeroAndOne = Annotated[float, Field(gt=0, lt=1)]


class GradDiffSettings(MethodSettings):
    """Ascent on forget with descent on retain."""

    retain_weight: NonNegativeFloat = Field(
        default=1.0,
        description="weight of the retain loss; 1 in TOFU's code (locuslab/tofu, dataloader.py)",
    )


class KLMinimisationSettings(MethodSettings):
    """Ascent on forget, tied to the original on retain."""

    retain_weight: NonNegativeFloat = Field(
        default=1.0,
        description="weight of the retain divergence; 1 in TOFU's code (locuslab/tofu, dataloader.py)",
    )


class NegGradPlusSettings(MethodSettings):
    """A weighted sum of two losses of opposite sign."""

    beta: BetweenZeroAndOne = Field(
        default=0.95,
        description="weight of the retain loss, 1 - beta that of minus the forget loss; 0.95 in the "
        "small-scale and 0.9999 in the large-scale experiments of the authors' code (there: alpha)",
    )


class ScrubSettings(MethodSettings):
    """Losses and their turns; defaults with a source are those of small_scale_unlearning.ipynb."""

    gamma: NonNegativeFloat = Field(
        default=1.0, description="weight of the retain cross-entropy; the code's"
    )
    alpha: NonNegativeFloat = Field(
        default=0.5, description="weight of the retain divergence from the original; the code's"
    )
    temperature: PositiveFloat = Field(
        default=2.0, description="that logits are divided by in divergences; the code's kd_T"
    )
    rounds: PositiveInt = Field(
        default=10, description="rounds that the steps are divided into; the code's 10 epochs"
    )
    max_rounds: PositiveInt = Field(
        default=3, description="rounds, the first ones, that have max steps; the code's msteps"
    )
    max_share: BetweenZeroAndOne = Field(
        default=0.5,
        description="share of such a round's steps that are max steps, before its min steps; default "
        "chosen here, in the code one pass over each set",
    )

    @model_validator(mode="after")
    def _min_steps_are_last(self) -> Self:
        if self.max_rounds >= self.rounds:
            raise ValueError(
                f"max_rounds ({self.max_rounds}) must be below rounds ({self.rounds}): "
                "the last rounds have min steps alone"
            )
        return self


class BadTeacherSettings(MethodSettings):
    """Two teachers."""

    retain_weight: NonNegativeFloat = Field(
        default=1.0,
        description="weight of the retain divergence; 1, as the paper weights each sample alike",
    )


class LoraL1Settings(GradDiffSettings):
    """Ascent on forget, descent on retain, few changes."""

    l1: NonNegativeFloat = Field(
        default=0.01,
        description="weight of the sum of absolute changes of the trained weights; l1_lambda of adapters in "
        "run_exps.py of the authors' code, whose forget.yaml has 0.1",
    )


GRADIENT_ASCENT = MethodCard(
    name="gradient_ascent",
    title="Gradient ascent (GA)",
    loss="-CE(forget)",
    source=(
        "Jang et al. 2023 (arXiv 2210.01504), equation 1; for classifiers Thudi et al. 2022 "
        "(arXiv 2109.13398)"
    ),
    fidelity="paper",
    needs=frozenset({"forget"}),
    protects=False,
    passes=Passes(training=1),
)
GRAD_DIFF = MethodCard(
    name="grad_diff",
    title="Gradient difference (GradDiff)",
    loss="-CE(forget) + w CE(retain)",
    source=(
        "Liu et al. 2022 (arXiv 2203.12817), as Maini et al. 2024 (TOFU, arXiv 2401.06121) take it to "
        "language models; code locuslab/tofu"
    ),
    fidelity="official code",
    needs=frozenset({"forget", "retain"}),
    protects=True,
    passes=Passes(training=2),
    settings=GradDiffSettings,
)
KL_MINIMISATION = MethodCard(
    name="kl_minimisation",
    title="KL minimisation",
    loss="-CE(forget) + w KL(original || current on retain)",
    source="Maini et al. 2024 (TOFU, arXiv 2401.06121); code locuslab/tofu",
    fidelity="adapted",
    differs="the divergence is over answer tokens, in the source over those of the question too",
    needs=frozenset({"forget", "retain"}),
    protects=True,
    passes=Passes(training=2, forward=1),
    settings=KLMinimisationSettings,
)
NEGGRAD_PLUS = MethodCard(
    name="neggrad_plus",
    title="NegGrad+",
    loss="beta CE(retain) - (1 - beta) CE(forget)",
    source="Kurmanji et al. 2023 (arXiv 2302.09880); code meghdadk/SCRUB, train_negrad",
    fidelity="official code",
    needs=frozenset({"forget", "retain"}),
    protects=True,
    passes=Passes(training=2),
    settings=NegGradPlusSettings,
)
SCRUB = MethodCard(
    name="scrub",
    title="SCRUB",
    loss=(
        "max steps: -T^2 KL(original || current on forget); "
        "min steps: gamma CE(retain) + alpha T^2 KL(original || current on retain)"
    ),
    source="Kurmanji et al. 2023 (arXiv 2302.09880); code meghdadk/SCRUB, train_distill",
    fidelity="adapted",
    differs=(
        "rounds of steps in place of epochs: a round's max steps are a set share of it, in the source a "
        "pass over the forget set before one over the retain set"
    ),
    needs=frozenset({"forget", "retain"}),
    protects=True,
    passes=Passes(training=1, forward=1),
    settings=ScrubSettings,
)
BAD_TEACHER = MethodCard(
    name="bad_teacher",
    title="Bad teaching (incompetent teacher)",
    loss="KL(uniform || current on forget) + w KL(original || current on retain)",
    source=(
        "Chundawat et al. 2023 (arXiv 2205.08096); code vikram2000b/bad-teaching-unlearning, unlearn.py"
    ),
    fidelity="adapted",
    differs=(
        "the incompetent teacher is the uniform distribution, in the source a network with random weights, "
        "whose predictions scatter about it; batches have as many forget as retain questions, in the source "
        "those of the data, with part of the retain set"
    ),
    needs=frozenset({"forget", "retain"}),
    protects=True,
    passes=Passes(training=2, forward=1),
    settings=BadTeacherSettings,
)
LORA_L1 = MethodCard(
    name="lora_l1",
    title="GradDiff with l1 on the adapter (CLEAR)",
    loss="-CE(forget) + w CE(retain) + lambda ||weights - original's weights||_1",
    source=(
        "Dontsov et al. 2024 (CLEAR, arXiv 2410.18057, version 1); code somvy/multimodal_unlearning, "
        "mm/trainer.py"
    ),
    fidelity="adapted",
    differs=(
        "the penalty is on the change of the trained weights, in the source on the weights of a fresh "
        "adapter beside the original's merged one"
    ),
    needs=frozenset({"forget", "retain"}),
    of_text=True,
    protects=True,
    passes=Passes(training=2),
    settings=LoraL1Settings,
)
CARDS = (
    GRADIENT_ASCENT,
    GRAD_DIFF,
    KL_MINIMISATION,
    NEGGRAD_PLUS,
    SCRUB,
    BAD_TEACHER,
    LORA_L1,
)
