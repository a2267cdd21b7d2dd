"""Preferences: the forget answers are made less likely than they were, or than a refusal."""

from __future__ import annotations

from pydantic import Field

from uqs.methods.cards.card import MethodCard, Passes
from uqs.methods.cards.labels import OWN_REFUSALS
from uqs.methods.settings import MethodSettings, NonNegativeFloat, PositiveFloat


class NPOSettings(MethodSettings):
    """The forget answers as rejected ones, with retain."""

    beta: PositiveFloat = Field(
        default=0.1,
        description="inverse temperature, per nat of a whole answer; 0.1 in the authors' config/forget.yaml",
    )
    retain_weight: NonNegativeFloat = Field(
        default=1.0,
        description="weight of the retain cross-entropy; 1 is the paper's NPO+RT and the default of the "
        "authors' code (npo_grad_diff), 0 the paper's NPO",
    )


class DPOSettings(MethodSettings):
    """Refusals preferred to forget answers, with retain."""

    beta: PositiveFloat = Field(
        default=0.1,
        description="inverse temperature, per nat of a whole answer; 0.1 in Rafailov et al. 2023 "
        "(appendix B), in TOFU's code and in Zhang et al. 2024 (appendix E.1.3)",
    )
    retain_weight: NonNegativeFloat = Field(
        default=1.0,
        description="weight of the retain cross-entropy; 1 is DPO+RT of Zhang et al. 2024 (dpo_grad_diff in "
        "their code), 0 plain DPO",
    )


class SimNPOSettings(MethodSettings):
    """The forget answers as rejected ones, without a reference, with retain.

    Defaults are of the authors' TOFU/config/forget.yaml, as first published, for TOFU's forget05.
    """

    beta: PositiveFloat = Field(
        default=2.5,
        description="inverse temperature, per nat of a token; 2.5 in the authors' code (4.5 for forget10)",
    )
    gamma: NonNegativeFloat = Field(
        default=0.0,
        description="margin, nats per token, that an answer's loss is pushed beyond; 0 in the authors' code",
    )
    retain_weight: NonNegativeFloat = Field(
        default=0.1375,
        description="weight of the retain cross-entropy; 0.1375 is in the authors' code for TOFU the weight "
        "of the forget loss, for MUSE the retain loss has 0.1",
    )


NPO = MethodCard(
    name="npo",
    title="Negative preference optimisation (NPO)",
    loss="(2 / beta) mean log(1 + (pi / pi_original)^beta of forget answers) + w CE(retain)",
    source=(
        "Zhang et al. 2024 (arXiv 2404.05868), equation 3; code licong-lin/negative-preference-optimization"
    ),
    fidelity="official code",
    needs=frozenset({"forget", "retain"}),
    protects=True,
    passes=Passes(training=2, forward=1),
    settings=NPOSettings,
)
DPO = MethodCard(
    name="dpo",
    title="Direct preference optimisation of refusals (DPO)",
    loss=(
        "-(2 / beta) mean log sigmoid(beta log(pi / pi_original)(refusal) - beta log(pi / pi_original)"
        "(forget answer)) + w CE(retain)"
    ),
    source=(
        "Rafailov et al. 2023 (arXiv 2305.18290), as Zhang et al. 2024 (arXiv 2404.05868) unlearn with it; "
        "code licong-lin/negative-preference-optimization"
    ),
    fidelity="adapted",
    differs=OWN_REFUSALS,
    needs=frozenset({"forget", "retain", "refusals"}),
    of_text=True,
    protects=True,
    passes=Passes(training=3, forward=2),
    settings=DPOSettings,
)
SIMNPO = MethodCard(
    name="simnpo",
    title="Simple negative preference optimisation (SimNPO)",
    loss="-(2 / beta) mean log sigmoid(beta (CE per token of forget answers - gamma)) + w CE(retain)",
    source="Fan et al. 2024 (arXiv 2410.07163); code OPTML-Group/Unlearn-Simple, TOFU/dataloader.py",
    fidelity="adapted",
    differs=(
        "the weights of forget and retain loss are 1 and 0.1375, in the code's command for TOFU the other "
        "way round, which hardly forgets, in that for MUSE 1 and 0.1"
    ),
    needs=frozenset({"forget", "retain"}),
    protects=True,
    passes=Passes(training=2),
    settings=SimNPOSettings,
)
CARDS = (NPO, DPO, SIMNPO)
