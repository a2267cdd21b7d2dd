"""Checks whether a given oracle can be one."""

from __future__ import annotations

from collections.abc import Mapping

from scipy.stats import norm

from uqs.metrics import baseline
from uqs.metrics.clustered import clustered_mean
from uqs.metrics.collapse import collapsed
from uqs.metrics.known_holdout import answered_like_retain
from uqs.traces.judged import right_answers, scores
from uqs.traces.trace import Trace

CONFIDENCE = 0.99


def unfit(traces: Mapping[str, Trace]) -> str | None:
    """Why a model cannot be an oracle, or None: it is collapsed, or never learnt the retain set."""
    if collapsed(traces):
        return (
            "is not an oracle: it is collapsed (to the retain questions it says nothing, or the same over "
            "and over, or it gives no probabilities)"
        )
    right = float(scores(traces["retain"]).mean())
    if right < baseline.LIMIT:
        return (
            f"is not an oracle: it answers {right:.0%} of the retain questions right, under "
            f"{baseline.LIMIT:.0%}, so it did not learn what it was to be retrained on"
        )
    return None


def trained_on_everything(traces: Mapping[str, Trace]) -> str | None:
    """Why a model cannot be an oracle, or None: it answers forget, retain and holdout alike.

    Its holdout then cannot show that it knows forget; its retain does (`metrics.known_holdout`).
    """
    splits = ("forget", "holdout")
    if not all(answered_like_retain(traces, split) for split in splits):
        return None
    said = {split: float(right_answers(traces[split]).mean()) for split in (*splits, "retain")}
    return (
        f"is not an oracle: it answers {said['forget']:.0%} of the forget, {said['holdout']:.0%} of the "
        f"holdout and {said['retain']:.0%} of the retain questions right, so it was trained on all of them "
        "or knew them before; give models retrained without forget, and with --holdout people whom no "
        "model was trained on"
    )


def untestable(forget: Trace, holdout: Trace) -> str | None:
    """Why `trained_on_forget` cannot decide, or None: it needs two entities on each side."""
    for trace in (forget, holdout):
        if len(set(trace.entities)) < 2:
            return (
                "cannot be tested for training on forget data: all "
                f"{trace.split} questions are about one entity"
            )
    return None


def trained_on_forget(forget: Trace, holdout: Trace, original: Trace | None = None) -> str | None:
    """Why a model cannot be an oracle, or None: it answers the forget set as if it was taught it.

    This is so if its accuracy on forget is above that on holdout, beyond a one-sided 99% interval, and, given
    the `original`'s forget trace, nearer to the original's accuracy than to its own on holdout. None also if
    it is `untestable`.
    """
    known = clustered_mean(scores(forget), forget.entities)
    guessed = clustered_mean(scores(holdout), holdout.entities)
    if known.se is None or guessed.se is None:
        return None
    gap = known.value - guessed.value
    if gap <= float(norm.ppf(CONFIDENCE)) * float((known.se**2 + guessed.se**2) ** 0.5):
        return None
    if original is not None:
        taught = float(scores(original).mean())
        if taught - known.value >= gap:
            return None
    return (
        f"is not an oracle: it answers {known.value:.0%} of the forget questions right and "
        f"{guessed.value:.0%} of the holdout questions, so it was trained on forget data"
    )
