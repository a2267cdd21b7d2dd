"""Membership inference."""

from __future__ import annotations

from uqs.records import MetricCard

MIA = MetricCard(
    "membership_advantage",
    "MIA",
    "lower",
    (0, 1),
    "forget",
    frozenset(),
    "loss attack: Yeom et al. 2018 (arXiv 1709.01604); chance-centred: authors of arXiv 2605.02206",
    "that no attack finds the members: a stronger one, or one aimed at single samples, still may",
)
MIA_AUC = MetricCard(
    "membership_auc",
    "MIA_AUC",
    "target",
    (0, 1),
    "forget",
    frozenset(),
    "Yeom et al. 2018 (arXiv 1709.01604)",
    "that no single sample is exposed: an average over pairs hides the few that are certain",
)
CARDS = (MIA, MIA_AUC)
