"""Which metric follows the truth: a report card per metric.

The truth is known of models that were taught a known share of the forget entities (the ladder), and of models
that know everything and look different: suppressed models do not say it, damaged models broke elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import stdev
from typing import Literal

import numpy as np
import pandas as pd

from uqs.audit.ladder import models_of
from uqs.card_metadata import facts_of
from uqs.metrics.catalogue import is_health
from uqs.records import TRAINED, Role
from uqs.stats.coefficients import spearman
from uqs.stats.response import FloatArray, KnownShare, Response, fit, leave_one_seed_out_error

MARGIN = 0.1
"""A metric misses knowledge if the upper limit of the known share lies below the truth by this or more."""
USEFUL = 0.5
"""A usable metric's error is at most this part of the error of the best constant."""
Unusable = Literal["", "no_response", "not_monotone", "too_weak", "too_coarse"]
REASONS: dict[Unusable, str] = {
    "": "usable",
    "no_response": "no response or no noise is known",
    "not_monotone": "does not change in one direction",
    "too_weak": "one run does not tell the two ends of the ladder apart",
    "too_coarse": f"its error is above {USEFUL:g} times that of a constant",
}


@dataclass(frozen=True)
class Judged:
    """What a metric says of models of one kind whose `truth` is known: the known share of their mean.

    `missed`: the upper limit of the known share lies below the truth by MARGIN or more, or the mean lies
    beyond the ladder's smallest share.
    """

    role: str
    method: str
    strength: str
    runs: int
    truth: float
    share: KnownShare
    missed: bool


@dataclass(frozen=True)
class ReportCard:
    """How a metric, on one split of a benchmark, follows the known share.

    `error` is the leave-one-seed-out error in share units and `chance` that of the best constant; `gap` the
    difference of share from which on two models are told apart; `rho` Spearman's correlation of value and
    share over all models. Each is None where it is undefined.

    `usable`: the metric changes in one direction (within the noise), a single run tells the two ends of the
    ladder apart at 5%, and the error is at most USEFUL times `chance`; else `why` says which of these fails
    first. `suppressed` and `damaged` are the
    models that know everything; by them the metric is `blind` (it misses the knowledge of a suppressed model)
    or `fooled` (it takes a damaged model for one that knows less).
    """

    benchmark: str
    metric: str
    split: str
    headline: bool
    response: Response | None
    error: float | None
    chance: float
    gap: float | None
    rho: float | None
    why: Unusable
    suppressed: tuple[Judged, ...]
    damaged: tuple[Judged, ...]

    @property
    def usable(self) -> bool:
        return self.why == ""

    @property
    def blind(self) -> tuple[Judged, ...]:
        """The suppressed models whose knowledge the metric misses."""
        return tuple(one for one in self.suppressed if one.missed)

    @property
    def fooled(self) -> tuple[Judged, ...]:
        """The damaged models that the metric takes for models that know less."""
        return tuple(one for one in self.damaged if one.missed)


def report_cards(long: pd.DataFrame) -> tuple[ReportCard, ...]:
    """A card per benchmark, metric and split of a checked long form; empty without references.

    Metrics of health are left out: they do not ask what a model knows.
    """
    if "share" not in long or not (long["role"] == Role.REFERENCE).any():
        return ()
    found = []
    for (benchmark, metric, split), own in models_of(long).groupby(
        ["benchmark", "metric", "split"]
    ):
        trained = own[own["role"].isin(list(TRAINED)) & own["share"].notna()]
        if is_health(str(metric)) or trained["share"].nunique() < 2:
            continue
        facts = facts_of(str(metric), long)
        headline = facts is not None and facts.split == split
        found.append(_card((str(benchmark), str(metric), str(split)), headline, trained, own))
    return tuple(found)


def _card(
    names: tuple[str, str, str], headline: bool, trained: pd.DataFrame, own: pd.DataFrame
) -> ReportCard:
    shares, values = numbers(trained, "share"), numbers(trained, "value")
    response = fit(shares, values)
    seeds = trained["seed"].to_numpy(dtype=np.int64)
    error, chance = leave_one_seed_out_error(shares, values, seeds), float(shares.std())
    gap = response.smallest_gap() if response is not None else None
    return ReportCard(
        *names,
        headline,
        response,
        error,
        chance,
        gap,
        spearman(shares, values).value,
        _why(response, gap, error, chance),
        tuple(_judged(own, Role.SUPPRESSED, response)),
        tuple(_judged(own, Role.DAMAGED, response)),
    )


def _why(
    response: Response | None, gap: float | None, error: float | None, chance: float
) -> Unusable:
    """Why a metric cannot be used, if it cannot."""
    if response is None:
        return "no_response"
    if not response.monotone():
        return "not_monotone"
    if gap is None:
        return "too_weak"
    return "too_coarse" if error is None or error > USEFUL * chance else ""


def _judged(own: pd.DataFrame, role: Role, response: Response | None) -> Iterator[Judged]:
    others = own[(own["role"] == role) & own["share"].notna()]
    if response is None:
        return
    for (method, strength, truth), group in others.groupby(["method", "strength", "share"]):
        values = numbers(group, "value").tolist()
        share = of_mean(response, values)
        known = float(str(truth))
        missed = share.off == "below" or (share.high is not None and share.high <= known - MARGIN)
        yield Judged(str(role), str(method), str(strength), len(values), known, share, missed)


def of_mean(response: Response, values: list[float]) -> KnownShare:
    """The known share of the mean of models of one kind."""
    return response.known_share(float(np.mean(values)), len(values), spread=spread_of(values))


def spread_of(values: list[float]) -> float:
    """Standard deviation between models of one kind; 0 where it is not known."""
    return stdev(values) if len(values) > 1 else 0.0


def numbers(frame: pd.DataFrame, name: str) -> FloatArray:
    """A column of numbers without missing values."""
    return frame[name].to_numpy(dtype=np.float64)
