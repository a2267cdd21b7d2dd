"""Inside the model: hidden states, chosen weights, masked divergences."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from uqs.methods.cards.card import MethodCard, Passes
from uqs.methods.settings import MethodSettings, PositiveFloat, PositiveInt

PartOfDepth = Annotated[float, Field(gt=0, lt=1)]


class RMUSettings(MethodSettings):
    """Where states are steered, to what, and how firmly the others are held."""

    side: Literal["language", "vision", "both"] = Field(
        default="language",
        description="states behind a language layer, the picture features that the language model reads, "
        "or both with equal weight; the source's models have a language side alone",
    )
    layer: PositiveInt | PartOfDepth = Field(
        default=0.25,
        description="language layer behind which states are steered: its number, from 1, or a share of the "
        "depth, below 1; by default the source's, the 8th of 32",
    )
    updated_layers: PositiveInt = Field(
        default=3,
        description="language layers that change, the steered one being the last; the source's",
    )
    coefficient: PositiveFloat = Field(
        default=5.0,
        description="length of the vector that states are steered to, in mean lengths of the original's "
        "forget states there; the code of Huu-Tien et al. 2025 (scale)",
    )
    adaptive: bool = Field(
        default=True,
        description="whether the coefficient is in such lengths; if not, it is the length itself, as in "
        "Li et al. 2024 (6.5 for Zephyr-7B, 20 by default in the code)",
    )
    retain_weight: PositiveFloat = Field(
        default=1200.0,
        description="weight of holding the retain states; for Zephyr-7B in both sources, 100 by default in "
        "the code of Li et al. 2024 (alpha); a small model needs less to move at all",
    )


class SIUSettings(MethodSettings):
    """Weights of fitting and of holding on."""

    lr: PositiveFloat = Field(
        default=3e-4,
        description="AdamW's peak learning rate; the source's, for LoRA on LLaVA and 6 steps a concept",
    )
    fit_weight: PositiveFloat = Field(
        default=0.9, description="weight of the cross-entropy; the source's alpha"
    )
    divergence_weight: PositiveFloat = Field(
        default=0.75, description="weight of the dual masked divergence; the source's beta"
    )


class MMUnlearnerSettings(MethodSettings):
    """Which knowledge goes, and which weights may let go of it."""

    side: Literal["picture", "text"] = Field(
        default="picture",
        description="which questions of the forget entities are unlearnt, those with a picture or those "
        "without; the others are kept; the source's is picture",
    )
    threshold: PositiveFloat = Field(
        default=1.0,
        description="how many times as large as its squared gradient of what is kept a weight's squared "
        "forget gradient must be for ascent to change it; the authors' code",
    )
    saliency_batch: PositiveInt = Field(
        default=2,
        description="questions whose mean loss has the gradients that are squared; the authors' code",
    )
    forget_weight: PositiveFloat = Field(
        default=1.0, description="weight of the forget loss; the authors' code (forget_alpha)"
    )
    fits: PositiveInt | None = Field(
        default=None,
        description="steps after each step of ascent that fit what is kept; by default as many as the kept "
        "set is times larger than the forget set, as in the authors' code",
    )


RMU = MethodCard(
    name="rmu",
    title="Representation misdirection (RMU)",
    loss="MSE(forget states, c u) + alpha MSE(retain states, the original's), behind one layer",
    source=(
        "Li et al. 2024 (WMDP, arXiv 2403.03218), code centerforaisafety/wmdp, rmu/unlearn.py; adaptive "
        "coefficient: Huu-Tien et al. 2025 (arXiv 2408.06223), code RebelsNLU-jaist/llm-unlearning"
    ),
    fidelity="adapted",
    differs=(
        "states are those of text tokens of question and answer, in the source of all tokens, padding "
        "included; all trainable weights of the updated layers change, in the source their MLPs' down "
        "projections; the length of states is measured on the whole forget set, in the source on its first "
        "batch; one vector for the whole forget set, in the source one a topic; the vision side is added"
    ),
    needs=frozenset({"forget", "retain"}),
    of_text=True,
    protects=True,
    passes=Passes(training=2, forward=1),
    setup="one forward pass over the forget set; as in every step, no further than the layer",
    setup_passes=Passes(training=0, forward=1),
    setup_over=("forget",),
    settings=RMUSettings,
)
SIU = MethodCard(
    name="siu",
    title="Single image unlearning (SIU)",
    loss="alpha CE(other answers on one picture, facts, retain) + beta dual masked KL(original || current)",
    source="Li et al. 2024 (arXiv 2405.12523)",
    fidelity="adapted",
    differs=(
        "the answers on the picture are those of other entities, in the source a name and a description of "
        "its looks that are made up for each concept; masked are the answer tokens that only the new answer "
        "has and the vocabulary's tokens that only the true answer has, in the source those of the made-up "
        "name and of the concept's own, the latter for all questions; the divergence is a mean over tokens "
        "of the answer; several entities are unlearnt at once"
    ),
    needs=frozenset({"forget", "retain", "pictures"}),
    of_text=True,
    protects=True,
    passes=Passes(training=1, forward=1),
    settings=SIUSettings,
)
MMUNLEARNER = MethodCard(
    name="mmunlearner",
    title="MMUnlearner",
    loss="steps of -CE(forget, one side) within a mask; between them steps of CE(other side and retain)",
    source="Huo et al. 2025 (arXiv 2502.11051); code Z1zs/MMUnlearner, baselines/MLLMU_manifold.py",
    fidelity="adapted",
    differs=(
        "fitted are also the forget entities' other side, which in the source only shapes the mask, and "
        "retain questions without a picture; the mask covers all trainable weights, in the source the "
        "linear layers of the language model, of the vision encoder or of both; gradients are clipped "
        "within the mask, in the source before it; the text side is added"
    ),
    needs=frozenset({"forget", "retain"}),
    of_text=True,
    protects=True,
    passes=Passes(training=1),
    setup="one pass with gradients over the forget set and what is kept, in small batches",
    setup_passes=Passes(training=1),
    setup_over=("forget", "retain"),
    settings=MMUnlearnerSettings,
)
CARDS: tuple[MethodCard, ...] = (RMU, SIU, MMUNLEARNER)
