"""The declarations of all metrics by their symbol; no metric's code is needed to read them."""

from __future__ import annotations

from math import inf

from uqs.records import MetricCard

_STUDY = "Khan, Laga, Sohel 2026 (arXiv 2605.02206)"

FA = MetricCard("forget_accuracy", "FA", "lower", (0, 1), "forget", frozenset(), _STUDY)
RA = MetricCard("retain_accuracy", "RA", "higher", (0, 1), "retain", frozenset(), _STUDY)
MIA = MetricCard(
    "membership_advantage",
    "MIA",
    "lower",
    (0, 1),
    "forget",
    frozenset(),
    "loss attack: Yeom et al. 2018 (arXiv 1709.01604); chance-centred: authors of arXiv 2605.02206",
)
MIA_AUC = MetricCard(
    "membership_auc",
    "MIA_AUC",
    "target",
    (0, 1),
    "forget",
    frozenset(),
    "Yeom et al. 2018 (arXiv 1709.01604)",
)
AD = MetricCard(
    "activation_distance",
    "AD",
    "lower",
    (0, inf),
    "forget",
    frozenset({"oracle"}),
    "Golatkar et al. 2020",
)
JS = MetricCard(
    "jensen_shannon", "JS", "lower", (0, 1), "forget", frozenset({"oracle"}), "Lin 1991; " + _STUDY
)
ORACLE_DISTANCE = MetricCard(
    "oracle_distance",
    "oracle_distance",
    "lower",
    (0, inf),
    "weights",
    frozenset({"oracle"}),
    "relative effective LoRA update; later work of the authors of arXiv 2605.02206",
)
FUNCTIONAL_DISTANCE = MetricCard(
    "functional_distance",
    "functional_distance",
    "lower",
    (0, 1),
    "holdout",
    frozenset({"oracle"}),
    "Jensen-Shannon divergence to the oracle on the holdout split",
)

CARDS: dict[str, MetricCard] = {
    card.symbol: card
    for card in (FA, RA, MIA, MIA_AUC, AD, JS, ORACLE_DISTANCE, FUNCTIONAL_DISTANCE)
}
UQS_METRICS = ("FA", "RA", "MIA", "AD", "JS")
