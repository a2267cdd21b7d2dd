"""Runs of one method: their mean, and the noise in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from uqs.audit.ladder import Model
from uqs.records import Role
from uqs.stats.response import FloatArray, KnownShare, Response


@dataclass(frozen=True)
class Runs:
    """The mean of so many runs of one method, from `starts` independently trained originals.

    Runs from one original share its noise: their mean is as noisy as one model of the ladder. `spread` is the
    standard deviation between runs, where known. The variance of the mean is sd^2 / starts by the ladder, or
    spread^2 / count if that is larger.
    """

    mean: float
    count: int = 1
    starts: int = 1
    spread: float = 0.0

    def share(self, response: Response) -> KnownShare:
        return response.known_share(self.mean, self.starts, spread=self._spread)

    def offsets(self, response: Response) -> tuple[float, ...]:
        """The mean less the response at each rung, in standard errors."""
        errors: FloatArray = response.errors(self.starts, self._spread)
        return tuple(
            (self.mean - mean) / float(error)
            for mean, error in zip(response.means, errors, strict=True)
        )

    @property
    def _spread(self) -> float:
        """The spread that gives spread^2 / count when it is divided by the starts."""
        return self.spread * sqrt(self.starts / self.count)


def runs_of(models: Sequence[Model], originals: Collection[int], pooled: float = 0.0) -> Runs:
    """The runs of one kind.

    `pooled` is the standard deviation between runs over all methods, used where larger. If every seed has an
    original of its own, the starts are independent; else the runs count as made from one.
    """
    values = [model.value for model in models]
    starts = len(values) if {model.seed for model in models} <= set(originals) else 1
    return Runs(fmean(values), len(values), starts, max(pooled, _deviation(values)))


def pooled_spread(models: Iterable[Model]) -> float:
    """The standard deviation between runs of an unlearned method, pooled over methods; 0 where unknown."""
    unlearned = [model for model in models if model.role == Role.UNLEARNED]
    groups = [[model.value for model in group] for group in kinds(unlearned).values()]
    freedom = sum(len(values) - 1 for values in groups)
    squares = sum((len(values) - 1) * _deviation(values) ** 2 for values in groups)
    return sqrt(squares / freedom) if freedom else 0.0


def kinds(models: Iterable[Model]) -> dict[tuple[str, str, str], list[Model]]:
    """Models that differ only in their seeds, by role, method and strength."""
    found: dict[tuple[str, str, str], list[Model]] = {}
    for model in models:
        found.setdefault((model.role, model.method, model.strength), []).append(model)
    return found


def original_seeds(models: Iterable[Model]) -> frozenset[int]:
    return frozenset(model.seed for model in models if model.role == Role.ORIGINAL)


def _deviation(values: Sequence[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0
