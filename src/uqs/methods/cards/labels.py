"""Other answers to the forget questions, or none."""

from __future__ import annotations

from pydantic import Field

from uqs.methods.cards.card import MethodCard, Passes
from uqs.methods.settings import MethodSettings, NonNegativeFloat, Share


class RandomLabelsSettings(MethodSettings):
    """Random labels with the true retain answers."""

    retain_weight: NonNegativeFloat = Field(
        default=1.0,
        description="weight of the retain loss; 1, as relabelled and retained samples count alike in "
        "Unlearn-Saliency's Classification/unlearn/RL.py",
    )


class SalUnSettings(RandomLabelsSettings):
    """Random labels within a mask."""

    mask_share: Share = Field(
        default=0.5,
        description="share of the trainable weights, the most salient, that may change; 0.5, as the paper's "
        "threshold is the median",
    )


class IDKSettings(MethodSettings):
    """Refusals with the true retain answers."""

    retain_weight: NonNegativeFloat = Field(
        default=1.0,
        description="weight of the retain loss; 1 in TOFU and in Zhang et al. 2024 (table 2: IDK+RT)",
    )


RANDOM = (
    "a wrong answer is another that is given to the same question, or kind of question, as open questions "
    "have no classes"
)
OWN_REFUSALS = (
    "of 12 short refusals of the project's own one is drawn for each question, once; in the sources' code "
    "at every visit of a question one of TOFU's 100"
)
RANDOM_LABELS = MethodCard(
    name="random_labels",
    title="Random labels (RL)",
    loss="CE(forget with random answers) + w CE(retain)",
    source="Golatkar et al. 2020 (arXiv 1911.04933); Graves et al. 2021 (arXiv 2010.10981)",
    fidelity="adapted",
    differs=f"{RANDOM}; every step has both a forget and a retain batch, in the sources all data is mixed",
    needs=frozenset({"forget", "retain"}),
    protects=True,
    passes=Passes(training=2),
    settings=RandomLabelsSettings,
)
SALUN = MethodCard(
    name="salun",
    title="Saliency unlearning (SalUn)",
    loss="as random labels, gradients masked to the weights with the largest |gradient of CE(forget)|",
    source=(
        "Fan et al. 2024 (arXiv 2310.12508), equations 3 to 5; code OPTML-Group/Unlearn-Saliency, "
        "Classification"
    ),
    fidelity="adapted",
    differs=RANDOM,
    needs=frozenset({"forget", "retain"}),
    protects=True,
    passes=Passes(training=2),
    setup="one pass with gradients over the forget set",
    setup_passes=Passes(training=1),
    setup_over=("forget",),
    settings=SalUnSettings,
)
FINETUNE_RETAIN = MethodCard(
    name="finetune_retain",
    title="Fine-tuning on retain",
    loss="CE(retain)",
    source="Warnecke et al. 2023 (arXiv 2108.11577); Golatkar et al. 2020 (arXiv 1911.04933)",
    fidelity="paper",
    needs=frozenset({"retain"}),
    protects=True,
    passes=Passes(training=1),
)
IDK = MethodCard(
    name="idk",
    title="Refusals as answers (IDK)",
    loss="CE(forget with refusals) + w CE(retain)",
    source=(
        "Maini et al. 2024 (TOFU, arXiv 2401.06121; there: preference optimisation); code locuslab/tofu, "
        "dataloader.py and data_module.py"
    ),
    fidelity="adapted",
    differs=OWN_REFUSALS,
    needs=frozenset({"forget", "retain", "refusals"}),
    of_text=True,
    protects=True,
    passes=Passes(training=2),
    settings=IDKSettings,
)
CARDS = (RANDOM_LABELS, SALUN, FINETUNE_RETAIN, IDK)
