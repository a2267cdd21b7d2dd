"""Gaps to the oracle: how far a model is from what retraining gives, and from how oracles differ."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isclose, sqrt
from statistics import fmean, stdev
from typing import Literal, NamedTuple

from scipy.stats import norm
from scipy.stats import t as student

from uqs.records import Role, Status
from uqs.results import Row
from uqs.stats.noise import pair_distances

LEVEL = 0.05
"""How often a model that is one more oracle is told from the oracles, either way."""
NONE_OF_N = 3.0
"""Where none of n is seen, the true share may still be 3 / n (rule of three, 95%)."""
FEWEST = 2
SAME = 1e-9
"""Oracles that differ by no more than this, or by this share, differ by rounding."""
FEWEST_PAIRS = 3
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


def with_gaps(rows: Iterable[Row]) -> list[Row]:
    """The rows in their order, each with its gap to the oracles and its z.

    Of a value the gap is the value minus the mean of the oracles' own values; of a distance to an oracle it
    is the distance minus the noise floor, the mean distance over pairs of oracles. z = gap / (SD sqrt(1 +
    1/m)), SD the sample standard deviation of the m values (or pairs): for a model that is one more oracle z
    has about Student's t distribution with m - 1 degrees of freedom, which is wide for small m. (Pairs share
    oracles, so that for distances it is rougher.) An oracle's own row is held against the others alone. The
    gap is null without an oracle (or pair), z with fewer than 2 values or 3 pairs, or where all are equal.
    """
    rows = list(rows)
    oracles = _oracles(rows)
    return [_with_gap(row, oracles.get(_key(row))) for row in rows]


def _key(row: Row) -> tuple[str, ...]:
    return tuple(getattr(row, name) for name in _FIELDS)


def _oracles(rows: Iterable[Row]) -> Mapping[tuple[str, ...], Oracles]:
    found: dict[tuple[str, ...], Oracles] = {}
    for row in rows:
        if row.role == Role.ORACLE and row.value is not None and row.status != Status.LOWER_BOUND:
            group = found.setdefault(_key(row), Oracles())
            if row.oracle_seed is None:
                group.own.setdefault(row.seed, []).append(row.value)
            else:
                group.distances.setdefault((row.seed, row.oracle_seed), []).append(row.value)
    return found


def _with_gap(row: Row, oracles: Oracles | None) -> Row:
    if oracles is None or row.value is None or row.status == Status.LOWER_BOUND:
        return replace(row, gap=None, z=None)
    without = row.seed if row.role == Role.ORACLE else None
    if row.oracle_seed is None:
        found = against(row.value, oracles.values(without), FEWEST)
    else:
        found = against(row.value, oracles.pairs(without), FEWEST_PAIRS)
    return replace(row, gap=found.gap, z=found.z)


def against(value: float, references: Sequence[float], fewest: int) -> OracleGap:
    """The gap of a value to references, and its z where there are at least `fewest` that differ."""
    if not references:
        return OracleGap(None, None)
    ordered = sorted(references)
    gap = value - fmean(ordered)
    if len(ordered) < fewest or isclose(ordered[0], ordered[-1], rel_tol=SAME, abs_tol=SAME):
        return OracleGap(gap, None)
    return OracleGap(gap, gap / (stdev(ordered) * sqrt(1 + 1 / len(ordered))))


Verdict = Literal["like an oracle", "knows more than an oracle", "over-forgets"]
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
    freedom (12.7 for two oracles), and the gap beyond the same share of the questions' own noise, which is
    taken to be at least what none of n leaves open. None for other metrics, without a z, with fewer than two
    oracles, and where the questions' noise is unknown.
    """
    known = row.metric in KNOWLEDGE and row.split.startswith("forget")
    if not known or row.z is None or row.gap is None or row.se is None or oracles < FEWEST:
        return None
    beyond_oracles = abs(row.z) > float(student.ppf(1 - LEVEL / 2, oracles - 1))
    noise = float(norm.ppf(1 - LEVEL / 2)) * row.se
    beyond_noise = abs(row.gap) > max(noise, NONE_OF_N / row.n)
    if not (beyond_oracles and beyond_noise):
        return "like an oracle"
    return "over-forgets" if row.z < 0 else "knows more than an oracle"
