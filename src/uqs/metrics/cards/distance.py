"""Distances to the oracle."""

from __future__ import annotations

from math import inf

from uqs.records import MetricCard

_STUDY = "Khan, Laga, Sohel 2026 (arXiv 2605.02206)"
_ORACLE = frozenset({"oracle"})

AD = MetricCard(
    "activation_distance",
    "AD",
    "lower",
    (0, inf),
    "forget",
    _ORACLE,
    "Golatkar et al. 2020 (arXiv 2003.02960)",
    "that the answers are the oracle's: a small distance in a direction that matters changes them",
)
AD_REL = MetricCard(
    "relative_activation_distance",
    "AD_REL",
    "lower",
    (0, inf),
    "forget",
    _ORACLE,
    "Golatkar et al. 2020 (arXiv 2003.02960), over the distance between oracles",
    "that the oracle's answers are given: other answers fit within the noise floor of the activations",
)
CKA = MetricCard(
    "linear_cka",
    "CKA",
    "higher",
    (0, 1),
    "forget",
    _ORACLE,
    "Kornblith et al. 2019 (arXiv 1905.00414)",
    "that the activations are the oracle's: turning, scaling or shifting all of them leaves it at 1",
)
JS = MetricCard(
    "jensen_shannon",
    "JS",
    "lower",
    (0, 1),
    "forget",
    _ORACLE,
    "Lin 1991; " + _STUDY,
    "that the inside is the oracle's: equal outputs can come from knowledge that is only suppressed",
)
KL_MO = MetricCard(
    "kl_to_oracle",
    "KL_MO",
    "lower",
    (0, inf),
    "forget",
    _ORACLE,
    "Kullback and Leibler 1951 (Ann. Math. Stat. 22)",
    "that what the oracle says now and then is still said: leaving out a tenth costs a tenth of a nat",
)
KL_OM = MetricCard(
    "kl_from_oracle",
    "KL_OM",
    "lower",
    (0, inf),
    "forget",
    _ORACLE,
    "Kullback and Leibler 1951 (Ann. Math. Stat. 22)",
    "that nothing is said beyond the oracle: a secret with a tenth of the probability costs a tenth of a nat",
)
ORACLE_DISTANCE = MetricCard(
    "oracle_distance",
    "oracle_distance",
    "lower",
    (0, inf),
    "weights",
    frozenset({"oracle", "weights"}),
    "relative effective LoRA update; later work of the authors of arXiv 2605.02206",
    "that the model behaves as the oracle: a small change of weights can undo all forgetting",
)
W_DIST = MetricCard(
    "full_weight_distance",
    "W_DIST",
    "lower",
    (0, inf),
    "weights",
    frozenset({"oracle", "weights"}),
    "relative Frobenius distance of all weights; base: what both models start from",
    "that each layer is near the oracle's: a small one may be far off, and count for nothing",
)
FUNCTIONAL_DISTANCE = MetricCard(
    "functional_distance",
    "functional_distance",
    "lower",
    (0, 1),
    "holdout",
    _ORACLE,
    "Jensen-Shannon divergence to the oracle on the holdout split",
    "that the forget set is forgotten: it is asked nothing about it",
)
FADE = MetricCard(
    "fade",
    "FADE",
    "lower",
    (-inf, inf),
    "forget",
    frozenset({"oracle", "crossed"}),
    "adapted from Cho et al. 2025 (arXiv 2510.12981): one greedy answer a question",
    "that other answers are as likely as in the oracle: where both greedy answers are the same it is 0",
)
CARDS = (
    AD,
    AD_REL,
    CKA,
    JS,
    KL_MO,
    KL_OM,
    ORACLE_DISTANCE,
    W_DIST,
    FUNCTIONAL_DISTANCE,
    FADE,
)
