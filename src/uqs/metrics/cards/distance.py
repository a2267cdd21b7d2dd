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
CARDS = (AD, JS, ORACLE_DISTANCE, FUNCTIONAL_DISTANCE)
