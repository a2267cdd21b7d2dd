"""The known share of every model, by every metric that follows the truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from uqs.audit.ladder import models_of
from uqs.audit.report_cards import ReportCard, numbers
from uqs.audit.runs import Runs, original_seeds, pooled_spread, runs_of
from uqs.records import TRAINED, Role
from uqs.stats.response import KnownShare, Response, fit


@dataclass(frozen=True)
class ModelShare:
    """The known share of one model by one metric; `seed` is None for the mean over a method's `runs`.

    These runs count as made from so many `starts` (`uqs.audit.runs`). `truth` is the share where it is known.
    `offsets` are the distances of the value from the response at `rungs`, in standard errors with `freedom`
    degrees of freedom.
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
    starts: int
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
    originals, pooled = original_seeds(own), pooled_spread(own)
    judges = _Judges(own)
    for (role, method, strength), group in own.groupby(["role", "method", "strength"]):
        names = (str(role), str(method), str(strength))
        values = numbers(group, "value").tolist()
        seeds = [int(seed) for seed in group["seed"]]
        truths = [None if pd.isna(share) else float(share) for share in group["share"]]
        spread = pooled if role == Role.UNLEARNED else 0.0
        for seed, truth, value in zip(seeds, truths, values, strict=True):
            left_out = role in TRAINED or role == Role.BASELINE
            judge = judges.without(seed) if left_out else response
            if judge is not None:
                yield _share(card, names, seed, truth, Runs(value, spread=spread), judge)
        if role == Role.UNLEARNED and len(values) > 1:
            yield _share(
                card, names, None, None, runs_of(values, seeds, originals, spread), response
            )


class _Judges:
    """Responses of the ladder without the models of one seed, each fitted once."""

    def __init__(self, own: pd.DataFrame) -> None:
        trained = own[own["role"].isin(list(TRAINED)) & own["share"].notna()]
        self._shares, self._values = numbers(trained, "share"), numbers(trained, "value")
        self._seeds = trained["seed"].to_numpy(dtype=np.int64)
        self._known: dict[int, Response | None] = {}

    def without(self, seed: int) -> Response | None:
        if seed not in self._known:
            kept = self._seeds != seed
            self._known[seed] = fit(self._shares[kept], self._values[kept])
        return self._known[seed]


def _share(
    card: ReportCard,
    names: tuple[str, str, str],
    seed: int | None,
    truth: float | None,
    runs: Runs,
    response: Response,
) -> ModelShare:
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
        runs=runs.count,
        starts=runs.starts,
        truth=truth,
        value=runs.mean,
        share=runs.share(response),
        rungs=response.shares,
        offsets=runs.offsets(response),
        freedom=response.freedom,
    )
