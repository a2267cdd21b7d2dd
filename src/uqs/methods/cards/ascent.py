"""Away from the forget answers: ascent, divergence and distillation."""

from __future__ import annotations

from uqs.methods.cards.card import MethodCard, Passes

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
CARDS = (GRADIENT_ASCENT,)
