"""How well the forgotten answers are still known by heart."""

from __future__ import annotations

from uqs.records import MetricCard

PROB = MetricCard(
    "answer_probability",
    "PROB",
    "target",
    (0, 1),
    "forget",
    frozenset(),
    "TOFU: Maini et al. 2024 (arXiv 2401.06121)",
    "that the answer cannot be drawn out: a small probability may still be the largest of all",
)
TR = MetricCard(
    "truth_ratio",
    "TR",
    "target",
    (0, 1),
    "forget",
    frozenset({"candidates"}),
    "TOFU: Maini et al. 2024 (arXiv 2401.06121)",
    "that the right answer is not given: the model may still say it, with the wrong ones close behind",
)
ES = MetricCard(
    "extraction_strength",
    "ES",
    "target",
    (0, 1),
    "forget",
    frozenset(),
    "Wang et al. 2025 (arXiv 2406.09179), after Carlini et al. 2021 (arXiv 2012.07805)",
    "that little is known by heart: one other token at the end hides all that was right before it",
)
EM = MetricCard(
    "exact_memorisation",
    "EM",
    "target",
    (0, 1),
    "forget",
    frozenset(),
    "Tirumala et al. 2022 (arXiv 2205.10770)",
    "that the answer is out of reach: gold tokens that are all in second place count as nothing",
)
CARDS = (PROB, TR, ES, EM)
