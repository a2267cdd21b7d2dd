"""Weights changed without a step, or by arithmetic."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from uqs.methods.cards.card import MethodCard, Passes, TunedHyperparameter
from uqs.methods.settings import (
    MethodSettings,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    Share,
    WithoutSteps,
)


class TaskVectorSettings(MethodSettings):
    """Negation of a task vector."""

    scale: PositiveFloat = Field(
        default=1.0,
        description="how many times the task vector is subtracted; the default of MUSE's code, which takes 5 "
        "for its news; Ilharco et al. choose up to 1 on held-out data",
    )


class MANUSettings(WithoutSteps):
    """Pruning of neurons by their importance to forget and retain data, modality by modality."""

    share: Share = Field(
        default=0.02, description="share of the neurons that is pruned; 0.02 in the official code"
    )
    threshold: NonNegativeFloat = Field(
        default=0.1,
        description="a neuron is active on a token where |activation| is above it; 0.1 in the official code",
    )
    side: Literal["language", "vision", "both"] = Field(
        default="language",
        description="whose MLPs; the source prunes both, default chosen here: adapters have language layers",
    )
    batch_size: PositiveInt = Field(
        default=32, description="questions of a forward pass; no result depends on it"
    )


TASK_VECTOR = MethodCard(
    name="task_vector",
    title="Task vector negation",
    loss="CE(forget), descended; then W = W_original - scale (W_finetuned - W_original)",
    source=(
        "Ilharco et al. 2023 (arXiv 2212.04089), negation; for language models' unlearning Shi et al. 2024 "
        "(MUSE, arXiv 2407.06460)"
    ),
    fidelity="paper",
    needs=frozenset({"forget"}),
    protects=False,
    passes=Passes(training=1),
    settings=TaskVectorSettings,
    tuned_hyperparameter=TunedHyperparameter("scale", 0.3, 30.0),
)
MANU = MethodCard(
    name="manu",
    title="Modality-aware neuron unlearning (MANU)",
    loss="none: the MLP neurons with the largest importance(forget) / importance(retain) are pruned",
    source="Liu et al. 2025 (arXiv 2502.15910)",
    fidelity="adapted",
    differs=(
        "importance is as the paper has it (its official code, franciscoliu/MANU, has another); a neuron's "
        "activation is a token's, at the input of the MLP's last layer, and sums are means over tokens, for "
        "questions with and without a picture are not equally many; where a benchmark has none without a "
        "picture, its questions are put once more without theirs; the vision tower is left alone by default"
    ),
    needs=frozenset({"forget", "retain", "pictures"}),
    of_text=True,
    protects=True,
    passes=Passes(training=0),
    setup="forward passes over the forget and the retain set, with pictures and in text alone",
    setup_passes=Passes(training=0, forward=2),
    setup_over=("forget", "retain"),
    settings=MANUSettings,
    tuned_hyperparameter=TunedHyperparameter("share", 0.01, 0.6),
)
CARDS = (TASK_VECTOR, MANU)
