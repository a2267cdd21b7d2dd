"""Whether what is given as an oracle can be one."""

from __future__ import annotations

from scipy.stats import norm

from uqs.metrics.accuracy import right_answers
from uqs.metrics.clustered import clustered_mean
from uqs.traces.trace import Trace

CONFIDENCE = 0.99


def trained_on_forget(forget: Trace, holdout: Trace, original: Trace | None = None) -> str | None:
    """Why a model cannot be an oracle, or None: it answers the forget set as one does who was taught it.

    That is so where its accuracy on forget is above that on holdout, beyond a one-sided 99% interval, and,
    with the `original`'s forget trace, nearer to the original's accuracy than to its own on holdout.
    """
    known = clustered_mean(right_answers(forget), forget.entities)
    guessed = clustered_mean(right_answers(holdout), holdout.entities)
    if known.se is None or guessed.se is None:
        return None
    gap = known.value - guessed.value
    if gap <= float(norm.ppf(CONFIDENCE)) * float((known.se**2 + guessed.se**2) ** 0.5):
        return None
    if original is not None:
        taught = float(right_answers(original).mean())
        if taught - known.value >= gap:
            return None
    return (
        f"is no oracle: it answers {known.value:.0%} of the forget questions right and "
        f"{guessed.value:.0%} of the holdout questions, so it was trained on forget data"
    )
