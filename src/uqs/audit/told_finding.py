"""What is found of a model that is held against oracles, and the three verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isnan

MARGIN = 0.1
"""The known share of the forget set below which a model is like an oracle."""


class Finding(StrEnum):
    """What a metric says of a model against the oracles."""

    TOLD = "told"
    NOT_TOLD = "not told apart"
    """By these oracles; this is not to be like an oracle."""
    TOO_FEW_ORACLES = "too_few_oracles"
    """Fewer than three oracles (for an oracle: three others) tell nothing from one more."""
    CONSTANT = "constant"
    """The oracles do not differ at all, so that nothing is known of one more."""
    NO_VALUE = "no_value"


class Direction(StrEnum):
    """On which side of the oracles a model that is told apart lies."""

    FARTHER = "farther"
    """From the oracles than they are from each other."""
    KNOWS_MORE = "knows more"
    KNOWS_LESS = "knows less"
    """Of the forget set than an oracle."""
    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True)
class Told:
    """One model against the oracles of its benchmark, by one metric.

    `method` has the strength in it (`noise@0.2`). `oracles`: how many it is held against; an oracle against
    the others. `kind` is `distance` (to the oracles, one-sided) or `value` (its own, two-sided). `scale` is
    `log` for distances that are all above 0. `value` is the model's own or its mean distance, `expected` the
    mean of the oracles'. `statistic` is Student's t with `freedom` degrees of freedom, of which all but
    `oracles` - 1 come from a ladder of references (`pooled`). `p_adjusted` holds for the `family` together:
    all models of the benchmark under this metric but the oracles (Dunnett), or all its oracles (Bonferroni).
    `p_rank` assumes no distribution and is at least 1 / (`oracles` + 1). Numbers are None if the finding says
    that there is no test.
    """

    benchmark: str
    metric: str
    split: str
    role: str
    method: str
    seed: int
    kind: str
    scale: str
    oracles: int
    family: int
    finding: Finding
    direction: Direction | None = None
    value: float | None = None
    expected: float | None = None
    statistic: float | None = None
    freedom: int | None = None
    p: float | None = None
    p_adjusted: float | None = None
    p_rank: float | None = None
    pooled: bool = False


def like_an_oracle(upper_limit: float, margin: float = MARGIN) -> bool:
    """Whether a model is like an oracle: it knows at most `margin` of the forget set.

    `upper_limit` is that of the model's known share, by a ladder of references. ValueError for a limit that
    is not a number and a margin that is not above 0 and under 1.
    """
    if not 0 < margin < 1 or isnan(upper_limit):
        raise ValueError(f"no likeness of a limit of {upper_limit} within a margin of {margin}")
    return upper_limit < margin


def verdict(found: Told, upper_limit: float | None = None, margin: float = MARGIN) -> str | None:
    """In words; None without a value. What is told from an oracle is not called like one, however near."""
    if found.finding == Finding.TOLD:
        return "told from an oracle"
    if found.finding == Finding.NO_VALUE:
        return None
    if upper_limit is not None and like_an_oracle(upper_limit, margin):
        return "like an oracle"
    if found.finding == Finding.CONSTANT:
        return "not told apart from an oracle: the oracles do not differ at all"
    return f"not told apart from an oracle by these {found.oracles}"
