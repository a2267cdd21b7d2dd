"""What methods are held against: the oracle, the untouched original, and a prompt."""

from __future__ import annotations

from uqs.methods.cards.card import MethodCard, Passes
from uqs.methods.settings import WithoutSteps

RETRAIN = MethodCard(
    name="retrain",
    title="Retraining (the oracle)",
    loss="CE(retain), from the model before it learnt the forget set",
    source="exact unlearning as Cao and Yang 2015 define it (IEEE S&P, Towards making systems forget)",
    fidelity="paper",
    needs=frozenset({"retain"}),
    protects=True,
    passes=Passes(training=1),
    knob=None,
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
    knob=None,
)
CARDS = (RETRAIN, ORIGINAL)
