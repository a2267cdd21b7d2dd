"""Which metric follows the truth: a report card per metric.

The truth is known of models that were taught a known share of the forget entities (the ladder), and of models
that know everything and look different: suppressed models do not say it, damaged models broke elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from uqs.audit.ladder import Model, models_by_metric
from uqs.audit.runs import kinds, original_seeds, runs_of
from uqs.card_metadata import facts_of
from uqs.metrics.catalogue import is_health
from uqs.records import TRAINED, Role
from uqs.stats.coefficients import spearman
from uqs.stats.response import KnownShare, Response, fit, leave_one_seed_out_error

MARGIN = 0.1
"""A metric misses knowledge if the upper limit of the known share lies below the truth by this or more."""
USEFUL = 0.5
"""A usable metric's error is at most this part of the error of the best constant."""
Unusable = Literal["", "no_response", "not_monotone", "too_weak", "not_judged", "too_coarse"]
REASONS: dict[Unusable, str] = {
    "": "usable",
    "no_response": "no response is known",
    "not_monotone": "not in one direction",
    "too_weak": "one run does not tell knowing all from knowing nothing",
    "not_judged": "no model can be judged by models of other seeds",
    "too_coarse": f"error above {USEFUL:g} times that of a guess without a metric",
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
    return tuple(
        _card(names, models, long)
        for names, models in models_by_metric(long).items()
        if not is_health(names[1]) and len({model.share for model in on_ladder(models)}) > 1
    )


def on_ladder(models: Iterable[Model]) -> list[Model]:
    """The trained models of known truth."""
    return [model for model in models if model.role in TRAINED and model.share is not None]


def _card(names: tuple[str, str, str], models: Sequence[Model], long: pd.DataFrame) -> ReportCard:
    trained = on_ladder(models)
    shares = np.array([model.share for model in trained], dtype=np.float64)
    values = np.array([model.value for model in trained])
    response = fit(shares, values)
    error = leave_one_seed_out_error(shares, values, [model.seed for model in trained])
    chance = float(shares.std())
    gap = response.smallest_gap() if response is not None else None
    facts = facts_of(names[1], long)
    return ReportCard(
        *names,
        names[2] == "" or (facts is not None and facts.split == names[2]),
        response,
        error,
        chance,
        gap,
        spearman(shares, values).value,
        _why(response, gap, error, chance),
        tuple(_judged(models, Role.SUPPRESSED, response)),
        tuple(_judged(models, Role.DAMAGED, response)),
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
    if error is None:
        return "not_judged"
    return "too_coarse" if error > USEFUL * chance else ""


def _judged(models: Sequence[Model], role: Role, response: Response | None) -> Iterator[Judged]:
    if response is None:
        return
    originals = original_seeds(models)
    known = [model for model in models if model.role == role and model.share is not None]
    for names, group in kinds(known).items():
        runs, truth = runs_of(group, originals), group[0].share or 0.0
        share = runs.share(response)
        missed = share.off == "below" or (share.high is not None and share.high <= truth - MARGIN)
        yield Judged(*names, runs.count, truth, share, missed)
