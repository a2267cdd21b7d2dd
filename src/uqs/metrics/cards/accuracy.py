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
CARDS = (FA, RA)
