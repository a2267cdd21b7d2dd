"""Gaps to the oracle: how far a model is from what retraining gives, and from how oracles differ."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from math import isclose, sqrt
from statistics import fmean, stdev
from typing import Literal, NamedTuple

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from uqs.records import Role, Status
from uqs.results import Row
from uqs.stats import told
from uqs.stats.noise import pair_distances

LEVEL = 0.05
"""How often a model that is one more oracle is told from the oracles, either way."""
NONE_OF_N = 3.0
"""Where none of n is seen, the true share may still be 3 / n (rule of three, 95%)."""
FEWEST = 2
SAME = 1e-9
"""Oracles that differ by no more than this, or by this share, differ by rounding."""
Key = tuple[str, ...]
_FIELDS = ("benchmark", "edition", "model", "metric", "split")


class OracleGap(NamedTuple):
    """`gap` in the metric's units, `z` in units of the spread between oracles; None where not known."""

    gap: float | None
    z: float | None


@dataclass(frozen=True)
class Oracles:
    """What oracles measure under one metric: `own` values by seed, and `distances` by both seeds."""

    own: dict[int, list[float]] = field(default_factory=dict)
    distances: dict[tuple[int, int], list[float]] = field(default_factory=dict)

    def values(self, without: int | None) -> list[float]:
        """Each oracle's own value, one left out."""
        return [fmean(sorted(v)) for seed, v in sorted(self.own.items()) if seed != without]

    def pairs(self, without: int | None) -> list[float]:
        """The distance of each pair of oracles; the pairs of one oracle left out."""
        found = [
            (*ends, value)
            for ends, values in self.distances.items()
            for value in values
            if without not in ends and ends[0] != ends[1]
        ]
        return pair_distances(*zip(*found, strict=True)).tolist() if found else []

    def score(self, to: Mapping[int, float], without: int | None) -> float | None:
        """The z of a model with distances `to` oracles by seed, one oracle left out; None if unknown."""
        seeds = sorted(seed for seed in to if seed != without)
        between = np.full((len(seeds), len(seeds)), np.nan)
        for (i, j), values in self.distances.items():
            if i in seeds and j in seeds:
                between[seeds.index(i), seeds.index(j)] = fmean(sorted(values))
        between, kept = told.complete(between)
        if len(kept) < told.FEWEST:
            return None
        away = np.array([[to[seeds[at]] for at in kept]])
        apart = between[~np.eye(len(kept), dtype=bool)]
        if isclose(apart.min(), apart.max(), rel_tol=SAME, abs_tol=SAME):
            return None
        log = bool(away.min() > 0 and apart.min() > 0)
        found = told.students_t(told.of_distances(away, between, log=log))
        return float(found.statistic[0]) if found is not None else None


def with_gaps(rows: Iterable[Row]) -> list[Row]:
    """The rows in their order, each with its gap to the oracles and its z.

    Of a value the gap is the value minus the mean of the K oracles' own values, and z = gap / (SD sqrt(1 +
    1/K)), SD their sample standard deviation. Of a distance to an oracle the gap is the distance minus the
    noise floor, the mean distance over pairs of oracles; its z is that of the model, one for all its oracles:
    its mean distance to the oracles among the oracles' own mean distances (`uqs.stats.told.of_distances`), of
    logarithms where all distances are above 0. For a model that is one more oracle z has about Student's t
    distribution with K - 1 degrees of freedom, which is wide for small K. An oracle's own row is held against
    the K - 1 others. The gap is null without an oracle (or pair), z with fewer than 2 oracles (of a distance:
    3), or where all are equal.
    """
    rows = list(rows)
    oracles = _oracles(rows)
    scores = _distance_scores(rows, oracles)

    @cache
    def values(key: Key, without: int | None) -> list[float]:
        return oracles[key].values(without)

    @cache
    def floor(key: Key, without: int | None) -> float | None:
        pairs = oracles[key].pairs(without)
        return fmean(pairs) if pairs else None

    def gap(row: Row) -> OracleGap:
        key = _key(row)
        if key not in oracles or row.value is None or not _counts(row):
            return OracleGap(None, None)
        without = row.seed if row.role == Role.ORACLE else None
        if row.oracle_seed is None:
            return against(row.value, values(key, without), FEWEST)
        least = floor(key, without)
        return OracleGap(None if least is None else row.value - least, scores.get(_model(row)))

    return [replace(row, **gap(row)._asdict()) for row in rows]


def _key(row: Row) -> Key:
    return tuple(getattr(row, name) for name in _FIELDS)


def _model(row: Row) -> tuple[Key, str, str, str, int]:
    return _key(row), row.role, row.method, row.strength, row.seed


def _counts(row: Row) -> bool:
    return row.value is not None and row.status != Status.LOWER_BOUND


def _oracles(rows: Iterable[Row]) -> Mapping[Key, Oracles]:
    found: dict[Key, Oracles] = {}
    for row in rows:
        if row.role == Role.ORACLE and row.value is not None and _counts(row):
            group = found.setdefault(_key(row), Oracles())
            if row.oracle_seed is None:
                group.own.setdefault(row.seed, []).append(row.value)
            else:
                group.distances.setdefault((row.seed, row.oracle_seed), []).append(row.value)
    return found


def _distance_scores(
    rows: Iterable[Row], oracles: Mapping[Key, Oracles]
) -> Mapping[tuple[Key, str, str, str, int], float | None]:
    """The z of each model's mean distance to the oracles, for each metric and split."""
    models: dict[tuple[Key, str, str, str, int], dict[int, float]] = {}
    for row in rows:
        if row.value is not None and _counts(row) and row.oracle_seed is not None:
            models.setdefault(_model(row), {})[row.oracle_seed] = row.value
    return {
        model: oracles[model[0]].score(to, model[-1] if model[1] == Role.ORACLE else None)
        for model, to in models.items()
        if model[0] in oracles
    }


def against(value: float, references: Sequence[float], fewest: int) -> OracleGap:
    """The gap of a value to references, and its z where there are at least `fewest` that differ."""
    if not references:
        return OracleGap(None, None)
    ordered = sorted(references)
    gap = value - fmean(ordered)
    if len(ordered) < fewest or isclose(ordered[0], ordered[-1], rel_tol=SAME, abs_tol=SAME):
        return OracleGap(gap, None)
    return OracleGap(gap, gap / (stdev(ordered) * sqrt(1 + 1 / len(ordered))))


Verdict = Literal[
    "too few oracles",
    "not told apart from an oracle",
    "knows more than an oracle",
    "over-forgets",
]
KNOWLEDGE: Collection[str] = ("FA", "ROUGE", "PROB", "ES", "EM")
"""Metrics that are larger the more is still known of the forget set."""


def others(row: Row, rows: Iterable[Row]) -> int:
    """How many oracles' own values a row is held against: of an oracle's row, the others'."""
    own = _oracles(rows).get(_key(row), Oracles()).own
    return len(own) - (row.role == Role.ORACLE and row.seed in own)


def over_forgets(row: Row, oracles: int) -> bool:
    """Whether a model knows less of the forget set than `oracles` oracles, which never saw it."""
    return verdict(row, oracles) == "over-forgets"


def verdict(row: Row, oracles: int) -> Verdict | None:
    """What z, against so many oracles (`others`), says in words of a metric of knowledge of the forget set.

    A model is told from the oracles where z is beyond Student's quantile at LEVEL with oracles - 1 degrees of
    freedom, and the gap beyond the same share of the questions' own noise, which is taken to be at least what
    none of n leaves open. A model that is not told apart need not be like an oracle: few oracles tell little
    apart, and fewer than three nothing (`uqs.audit.told.like_an_oracle` asks for likeness). None for other
    metrics, without a gap or z, without an oracle, and where the questions' noise is unknown.
    """
    known = row.metric in KNOWLEDGE and row.split.startswith("forget")
    if not known or row.gap is None or oracles < 1:
        return None
    if oracles < told.FEWEST:
        return "too few oracles"
    if row.z is None or row.se is None:
        return None
    beyond_oracles = abs(row.z) > float(student.ppf(1 - LEVEL / 2, oracles - 1))
    noise = float(norm.ppf(1 - LEVEL / 2)) * row.se
    beyond_noise = abs(row.gap) > max(noise, NONE_OF_N / row.n)
    if not (beyond_oracles and beyond_noise):
        return "not told apart from an oracle"
    return "over-forgets" if row.z < 0 else "knows more than an oracle"
