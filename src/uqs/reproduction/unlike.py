"""Why a run of this project does not give a published run's value, by benchmark and metric.

From what the authors of arXiv 2605.02206 published of their runs: figures, result files, and how they were
computed.
"""

from __future__ import annotations

from collections.abc import Mapping

ALWAYS = (
    "A run of another model on other data, such as a tiny edition, has no reason to give the values of"
    " LLaVA-1.5-7B. What is said below holds besides, at any size."
)
_RIGHT = (
    "published: an answer is right where the right answer's text occurs in it; here: by exact match in"
    " the tiny editions, by the benchmark's own rule on real data (docs/judges.md)"
)
MEASURED: Mapping[str, str] = {
    "FA": _RIGHT,
    "RA": _RIGHT,
    "MIA": (
        "published: tells forget from retain, which are both training data; here: forget from holdout, which"
        " no model was trained on"
    ),
    "AD": (
        "published: against the only oracle; here: mean over the oracles. A distance of activations grows"
        " with the model's width"
    ),
    "JS": (
        "published: compares the sorted largest probabilities of two models at the last prompt token; here:"
        " probabilities of the same tokens, at all places of the answer"
    ),
    "oracle_distance": (
        "published: compares adapter factors, which can change while their product stays; here: effective"
        " updates"
    ),
}
_EMPTY = (
    "published 1 in all 12 runs: right answers were read from a field that does not exist, and an empty text"
    " occurs in every answer"
)
_SAME = "where every value is the same, it says nothing of a method"
ON: Mapping[tuple[str, str], str] = {
    ("unlok_vqa", "FA"): _EMPTY,
    ("unlok_vqa", "RA"): _EMPTY,
    ("unlok_vqa", "MIA"): "published 0 in all 12 runs, as empty right answers make it",
    ("mllmu_bench", "FA"): f"published 0 in all 12 runs: {_SAME}",
    ("mllmu_bench", "RA"): f"published 0.02 in all 12 runs: {_SAME}",
}
DATA: Mapping[str, str] = {
    "mmubench": (
        "published on another set of that name, general multiple-choice questions split at random"
    ),
}


def reasons(benchmark: str, metric: str) -> str:
    """Everything that sets the two values apart, in one sentence."""
    parts = (ON.get((benchmark, metric)), DATA.get(benchmark), MEASURED[metric])
    return "; ".join(part for part in parts if part)
