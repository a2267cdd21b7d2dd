"""Ladders: what metrics say about models that were taught a known share of the forget entities.

Oracles (share 0), references and originals (share 1) are trained in the same way and differ only in that
share. A metric that follows the truth changes along the ladder in one direction. For comparison there are
models that know everything (share 1) but look different: suppressed models, which do not say it, and damaged
models.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import NamedTuple

import pandas as pd

from uqs.records import TRAINED, VALUED, Role, Status
from uqs.results.tables import with_variants
from uqs.stats.coefficients import spearman


class Model(NamedTuple):
    """A model and its value by one metric on one split; `share` is None where the truth is not known."""

    role: str
    method: str
    strength: str
    seed: int
    share: float | None
    value: float


@dataclass(frozen=True)
class Rung:
    """A metric's values for models made in the same way, one value per model.

    `role`, `method` and `strength` are empty for rungs of the ladder itself.
    """

    share: float
    values: tuple[float, ...]
    role: str = ""
    method: str = ""
    strength: str = ""

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def sd(self) -> float | None:
        """Standard deviation between the models; None for a single model."""
        return stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Ladder:
    """One metric on one split of a benchmark: rungs by share, and the suppressed and damaged models."""

    benchmark: str
    metric: str
    split: str
    rungs: tuple[Rung, ...]
    beside: tuple[Rung, ...] = ()

    @property
    def rho(self) -> float | None:
        """Spearman's rho of the values with the share, over all models; None if the values are all equal."""
        shares = [rung.share for rung in self.rungs for _ in rung.values]
        values = [value for rung in self.rungs for value in rung.values]
        return spearman(shares, values).value


def ladders(long: pd.DataFrame) -> list[Ladder]:
    """The ladder of every metric and split in a checked long form, sorted; empty without references.

    A distance to the oracles is the mean over them; for an oracle, over the other oracles. Lower bounds are
    left out.
    """
    if "share" not in long or not (long["role"] == Role.REFERENCE).any():
        return []
    found = []
    for names, models in models_by_metric(long).items():
        known = [model for model in models if model.share is not None]
        rungs = _rungs([model for model in known if model.role in TRAINED])
        if len(rungs) > 1:
            found.append(Ladder(*names, rungs, _beside(known)))
    return found


def _rungs(trained: Iterable[Model]) -> tuple[Rung, ...]:
    values: dict[float, list[float]] = {}
    for model in trained:
        values.setdefault(model.share or 0.0, []).append(model.value)
    return tuple(Rung(share, tuple(values[share])) for share in sorted(values))


def _beside(known: Iterable[Model]) -> tuple[Rung, ...]:
    alike: dict[tuple[str, str, str], list[Model]] = {}
    for model in known:
        if model.role in (Role.SUPPRESSED, Role.DAMAGED):
            alike.setdefault((model.role, model.method, model.strength), []).append(model)
    return tuple(
        Rung(group[0].share or 0.0, tuple(model.value for model in group), *names)
        for names, group in sorted(alike.items())
    )


def models_of(long: pd.DataFrame) -> pd.DataFrame:
    """One row per model, metric and split of a checked long form; models of unknown truth have no share.

    Benchmarks are named as in a Panel.
    A distance to the oracles is the mean over them; for an oracle, over the other oracles. Lower bounds and
    models after an attack are left out.
    """
    long = with_variants(long)
    itself = (long["role"] == Role.ORACLE) & (long["seed"] == long["oracle_seed"]).fillna(False)
    valued = long["status"].isin(list(VALUED - {Status.LOWER_BOUND}))
    kept = long[valued & ~itself.astype(bool)]
    if "stage" in kept:
        kept = kept[kept["stage"].isin(["", "before"])]
    key = ["benchmark", "metric", "split", "role", "method", "strength", "seed", "share"]
    return kept.groupby(key, dropna=False)[["value"]].mean().reset_index()


def models_by_metric(long: pd.DataFrame) -> dict[tuple[str, str, str], list[Model]]:
    """The models of `models_of` for each benchmark, metric and split, sorted."""
    found: dict[tuple[str, str, str], list[Model]] = {}
    for row in models_of(long).itertuples(index=False, name=None):
        benchmark, metric, split, role, method, strength, seed, share, value = row
        known = None if pd.isna(share) else float(share)
        one = Model(str(role), str(method), str(strength), int(seed), known, float(value))
        found.setdefault((str(benchmark), str(metric), str(split)), []).append(one)
    return found
