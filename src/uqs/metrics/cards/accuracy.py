"""Accuracy."""

from __future__ import annotations

from uqs.records import MetricCard

_STUDY = "Khan, Laga, Sohel 2026 (arXiv 2605.02206)"

FA = MetricCard(
    "forget_accuracy",
    "FA",
    "lower",
    (0, 1),
    "forget",
    frozenset(),
    _STUDY,
    "that the knowledge is gone: it may come back to another question, or after a few steps of training",
)
RA = MetricCard(
    "retain_accuracy",
    "RA",
    "higher",
    (0, 1),
    "retain",
    frozenset(),
    _STUDY,
    "that nothing else was harmed: only the retain questions were asked",
)
ROUGE = MetricCard(
    "rouge_recall",
    "ROUGE",
    "target",
    (0, 1),
    "forget",
    frozenset(),
    "ROUGE-L recall: Lin 2004 (aclanthology W04-1013); on unlearning: TOFU, arXiv 2401.06121",
    "that the fact is no longer told: in other words, or in another language, it has no recall",
)
CARDS = (FA, RA, ROUGE)
