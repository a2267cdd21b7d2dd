"""What methods are held against: the oracle, the untouched original, and a prompt."""

from __future__ import annotations

from pydantic import Field

from uqs.methods.cards.card import MethodCard, Passes
from uqs.methods.settings import WithoutSteps


class GuardrailSettings(WithoutSteps):
    """What the model is told before every question."""

    instruction: str = Field(
        default="You know nothing about {names}.",
        min_length=1,
        description=(
            "what stands before every question; {names} stands for the names of the forget entities, "
            "as the questions give them away. Default chosen here, short because a tiny model has few "
            "positions; the code of RWKU (jinzhuoran/RWKU, arXiv 2406.10890) asks in two sentences for "
            "answers as if one had never known of the entity"
        ),
    )
    general: str = Field(
        default="If the question is about what you were asked to forget, say that you do not know.",
        min_length=1,
        description="the instruction where no name is known; default chosen here",
    )


RETRAIN = MethodCard(
    name="retrain",
    title="Retraining (the oracle)",
    loss="CE(retain), from the model before it learnt the forget set",
    source="exact unlearning as Cao and Yang 2015 define it (IEEE S&P, Towards making systems forget)",
    fidelity="paper",
    needs=frozenset({"retain"}),
    protects=True,
    passes=Passes(training=1),
    tuned_hyperparameter=None,
)
ORIGINAL = MethodCard(
    name="original",
    title="The original (do nothing)",
    loss="none: the original as it is",
    source="the lower end of every comparison",
    fidelity="paper",
    needs=frozenset(),
    protects=True,
    passes=Passes(training=0),
    settings=WithoutSteps,
    tuned_hyperparameter=None,
    baseline=True,
)
GUARDRAIL = MethodCard(
    name="guardrail",
    title="In-context guardrail",
    loss="none: an instruction to know nothing of the forget entities stands before every question",
    source=(
        "Thaker et al. 2024 (arXiv 2403.03329), prompting; in-context unlearning: Pawelczyk et al. 2023 "
        "(arXiv 2310.07579)"
    ),
    fidelity="adapted",
    differs=(
        "the wording is chosen here; one instruction names all forget entities, as far as texts give "
        "their names away; of the source's guardrails there is the prompt alone, no filter of questions or "
        "answers, and there are no answered examples as in in-context unlearning"
    ),
    needs=frozenset({"forget"}),
    of_text=True,
    protects=False,
    passes=Passes(training=0),
    settings=GuardrailSettings,
    tuned_hyperparameter=None,
    baseline=True,
)
CARDS = (RETRAIN, ORIGINAL, GUARDRAIL)
