"""The known share of every model, by every metric that follows the truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from uqs.audit.ladder import Model, models_by_metric
from uqs.audit.report_cards import ReportCard, on_ladder
from uqs.audit.runs import Runs, kinds, original_seeds, pooled_spread, runs_of
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
    groups = models_by_metric(long)
    return tuple(
        share
        for card in cards
        if card.usable and card.response is not None
        for share in _shares(card, card.response, groups[card.benchmark, card.metric, card.split])
    )


def _shares(card: ReportCard, response: Response, models: Sequence[Model]) -> Iterator[ModelShare]:
    originals, pooled, judges = original_seeds(models), pooled_spread(models), _Judges(models)
    for names, group in kinds(models).items():
        role = names[0]
        spread = pooled if role == Role.UNLEARNED else 0.0
        for model in group:
            left_out = role in TRAINED or role == Role.BASELINE
            judge = judges.without(model.seed) if left_out else response
            if judge is not None:
                yield _share(card, model, Runs(model.value, spread=spread), judge)
        if role == Role.UNLEARNED and len(group) > 1:
            yield _share(card, group[0], runs_of(group, originals, spread), response, mean=True)


class _Judges:
    """Responses of the ladder without the models of one seed, each fitted once."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._trained = on_ladder(models)
        self._known: dict[int, Response | None] = {}

    def without(self, seed: int) -> Response | None:
        if seed not in self._known:
            kept = [model for model in self._trained if model.seed != seed]
            shares = [model.share or 0.0 for model in kept]
            self._known[seed] = fit(shares, [model.value for model in kept])
        return self._known[seed]


def _share(
    card: ReportCard, model: Model, runs: Runs, response: Response, *, mean: bool = False
) -> ModelShare:
    return ModelShare(
        benchmark=card.benchmark,
        metric=card.metric,
        split=card.split,
        headline=card.headline,
        role=model.role,
        method=model.method,
        strength=model.strength,
        seed=None if mean else model.seed,
        runs=runs.count,
        starts=runs.starts,
        truth=model.share,
        value=runs.mean,
        share=runs.share(response),
        rungs=response.shares,
        offsets=runs.offsets(response),
        freedom=response.freedom,
    )
