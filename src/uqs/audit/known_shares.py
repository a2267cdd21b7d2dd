"""The known share of every model, by every metric that follows the truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from uqs.audit.ladder import models_of
from uqs.audit.report_cards import ReportCard, numbers, of_mean, spread_of
from uqs.records import TRAINED, Role
from uqs.stats.response import KnownShare, Response, fit


@dataclass(frozen=True)
class ModelShare:
    """The known share of one model by one metric; `seed` is None for the mean over a method's `runs`.

    `truth` is the share where it is known. `offsets` are the distances of the value from the response at
    `rungs`, in standard errors with `freedom` degrees of freedom.
    """

    benchmark: str
    metric: str
    split: str
    headline: bool
    role: str
    method: str
    strength: str
    seed: int | None
    runs: int
    truth: float | None
    value: float
    share: KnownShare
    rungs: tuple[float, ...]
    offsets: tuple[float, ...]
    freedom: int


def known_shares(long: pd.DataFrame, cards: Iterable[ReportCard]) -> tuple[ModelShare, ...]:
    """The known share of every model by every usable card; of an unlearned method also that of its mean.

    Models of the ladder, and baselines (which are such models), are judged by the ladder without their seed.
    """
    groups = dict(list(models_of(long).groupby(["benchmark", "metric", "split"])))
    found: list[ModelShare] = []
    for card in cards:
        if card.usable and card.response is not None:
            own = groups[card.benchmark, card.metric, card.split]
            found += _shares(card, card.response, own)
    return tuple(found)


def _shares(card: ReportCard, response: Response, own: pd.DataFrame) -> Iterator[ModelShare]:
    trained = own[own["role"].isin(list(TRAINED)) & own["share"].notna()]
    without: dict[int, Response | None] = {}
    for (role, method, strength), group in own.groupby(["role", "method", "strength"]):
        names = (str(role), str(method), str(strength))
        values = numbers(group, "value").tolist()
        seeds = [int(seed) for seed in group["seed"]]
        truths = [None if pd.isna(share) else float(share) for share in group["share"]]
        for seed, truth, value in zip(seeds, truths, values, strict=True):
            judge: Response | None = response
            if role in TRAINED or role == Role.BASELINE:
                if seed not in without:
                    others = trained[trained["seed"] != seed]
                    without[seed] = fit(numbers(others, "share"), numbers(others, "value"))
                judge = without[seed]
            if judge is not None:
                yield _share(card, names, seed, truth, [value], judge)
        if role == Role.UNLEARNED and len(values) > 1:
            yield _share(card, names, None, None, values, response)


def _share(
    card: ReportCard,
    names: tuple[str, str, str],
    seed: int | None,
    truth: float | None,
    values: list[float],
    response: Response,
) -> ModelShare:
    mean = float(np.mean(values))
    errors = response.errors(len(values), spread_of(values))
    offsets = (mean - np.array(response.means)) / errors
    role, method, strength = names
    return ModelShare(
        benchmark=card.benchmark,
        metric=card.metric,
        split=card.split,
        headline=card.headline,
        role=role,
        method=method,
        strength=strength,
        seed=seed,
        runs=len(values),
        truth=truth,
        value=mean,
        share=of_mean(response, values),
        rungs=response.shares,
        offsets=tuple(offsets.tolist()),
        freedom=response.freedom,
    )
