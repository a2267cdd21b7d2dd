"""Which ranks the noise allows, where all units answer the same items and share seeds and oracles.

What moves all units alike is no error of a comparison. So each pair has its own standard error: that of the
difference of its two contributions, entity by entity, and of the two units' own run noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uqs.stats.ranksets import DECIMALS, RankSets

FloatArray = NDArray[np.float64]
MANY = 40
"""From so many degrees of freedom on, the variances of pairs are drawn as if they were independent."""
FEWEST_DRAWS = 2000
BLOCK = 2_000_000
"""Differences of pairs held at once."""
MOST = 20_000_000
"""Differences of pairs drawn in all; larger tables get fewer draws, FEWEST_DRAWS at the least."""


@dataclass(frozen=True)
class RunNoise:
    """Squared errors `(M, cells)` of the units' estimates that are no unit's neighbour's, such as those of
    seeds and oracles (methods x benchmarks), each known with `freedom` `(cells,)` degrees (inf: exactly).

    An infinite squared error is one that was not measured: that unit is told from no other.
    """

    variances: FloatArray
    freedom: FloatArray


def no_runs(units: int) -> RunNoise:
    """No run noise."""
    return RunNoise(np.zeros((units, 0)), np.zeros(0))


def item_variances(contributions: FloatArray) -> FloatArray:
    """`(M, M)` squared errors of the differences of two units over the entities they share.

    `contributions` `(M, E)` are the entities' parts of each unit's estimate: in a mean over items, the sum of
    an entity's deviations from the mean over the number of items. E / (E - 1) times the sum of squares is
    the clustered variance (Cochran 1977, section 11.8); infinite with one entity.
    """
    size = contributions.shape[1]
    if size < 2:
        return np.where(np.eye(len(contributions)) > 0, 0.0, np.inf)
    gram = contributions @ contributions.T
    own = np.diag(gram)
    return np.asarray(size / (size - 1) * np.maximum(own[:, None] + own - 2 * gram, 0.0))


def paired_sets(
    estimates: FloatArray,
    entities: Sequence[FloatArray],
    runs: RunNoise,
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    draws: int = 10_000,
) -> RankSets:
    """Simultaneous rank confidence sets of `(M,)` estimates from paired differences.

    `entities`: the contributions `(M, E)` of each independent group of entities, see `item_variances`; none
    where the items are not part of the noise. Unit i is above j where their difference is more than
    `critical` times its own standard error. `critical` is the `level` quantile of the largest studentised
    difference of units that do not differ: their means are drawn by Gaussian multipliers of the entities
    (Chernozhukov, Chetverikov and Kato 2013) and normal run noise, their variances from chi-square
    distributions, with E - 1 degrees for entities. With few entities a sample covariance of many units is
    singular and its multipliers reach too little; so they are mixed with independent units, in proportion
    M : E - 1.

    Two units without any variance between them are told apart by no difference: equal values of two runs do
    not show that there is no noise.
    """
    order = np.lexsort((runs.variances.sum(axis=1), np.round(estimates, DECIMALS)))
    back = np.argsort(order)
    noise = RunNoise(runs.variances[order], runs.freedom)
    groups = [_Group(np.asarray(one[order], dtype=np.float64)) for one in entities]
    measured = np.isfinite(noise.variances).all(axis=1)
    kept = [_Group(one.contributions[measured]) for one in groups]
    critical = _critical(
        kept, RunNoise(noise.variances[measured], noise.freedom), rng, level, draws
    )
    own = noise.variances.sum(axis=1)
    total = own[:, None] + own
    for group in groups:
        total = total + group.pairs
    error = np.sqrt(total)[np.ix_(back, back)]
    difference = np.round(estimates[:, None] - estimates[None, :], DECIMALS)
    with np.errstate(invalid="ignore"):
        above = (difference > 0) & (error > 0) & (difference > critical * error)
    low = 1 + above.sum(axis=0)
    high = len(estimates) - above.sum(axis=1)
    return RankSets(low, high, above, critical, level)


class _Group:
    """Entities that are independent of those of other groups."""

    def __init__(self, contributions: FloatArray) -> None:
        self.contributions = contributions
        units, size = contributions.shape
        self.freedom = float(max(size - 1, 1))
        self.pairs = item_variances(contributions)
        off = self.pairs[~np.eye(units, dtype=np.bool_)]
        self.typical = float(off.mean()) if len(off) else 0.0
        self.mixed = units / (units + size - 1)

    @property
    def model(self) -> FloatArray:
        """`(M, M)`: the variances of the differences that `draw` has."""
        spread = self.typical * (1 - np.eye(len(self.contributions)))
        return np.asarray((1 - self.mixed) * self.pairs + self.mixed * spread)

    def draw(self, count: int, rng: np.random.Generator) -> FloatArray:
        """`(count, M)` means of equal units."""
        units, size = self.contributions.shape
        scale = np.sqrt((1 - self.mixed) * size / max(size - 1, 1))
        centred = self.contributions - self.contributions.mean(axis=1, keepdims=True)
        shared = rng.standard_normal((count, size)) @ centred.T * scale
        alone = np.sqrt(self.mixed * self.typical / 2) * rng.standard_normal((count, units))
        return np.asarray(shared + alone)


def _critical(
    groups: Sequence[_Group],
    runs: RunNoise,
    rng: np.random.Generator,
    level: float,
    draws: int,
) -> float:
    """The `level` quantile of the largest studentised difference when all units are equal."""
    units = len(runs.variances)
    groups = [one for one in groups if 0 < one.typical < np.inf]
    if units < 2 or not (groups or (runs.variances > 0).any()):
        return np.inf
    draws = min(draws, max(FEWEST_DRAWS, MOST // units**2))
    found = list(_largest(groups, runs, rng, draws))
    return float(np.quantile(np.concatenate(found), level))


def _largest(
    groups: Sequence[_Group], runs: RunNoise, rng: np.random.Generator, draws: int
) -> Iterator[FloatArray]:
    units = len(runs.variances)
    rows, columns = np.triu_indices(units, 1)
    items = sum((one.model for one in groups), np.zeros((units, units)))[rows, columns]
    freedom = _joint_freedom(groups)
    spread = np.sqrt(runs.variances.sum(axis=1))
    block = max(1, BLOCK // units**2)
    for start in range(0, draws, block):
        count = min(block, draws - start)
        means = rng.standard_normal((count, units)) * spread
        for group in groups:
            means += group.draw(count, rng)
        own = _chi_squares(runs.freedom, count, rng) @ runs.variances.T
        scale = items * _factors(freedom, count, units, rng) if groups else np.zeros(1)
        scale = scale + own[:, rows] + own[:, columns]
        gap = np.abs(means[:, rows] - means[:, columns])
        ratio = np.divide(gap, np.sqrt(scale), out=np.zeros_like(gap), where=scale > 0)
        yield ratio.max(axis=1)


def _joint_freedom(groups: Sequence[_Group]) -> float:
    """Satterthwaite's degrees of freedom of the mean pair's variance over all groups."""
    parts = np.array([one.typical for one in groups])
    degrees = np.array([one.freedom for one in groups])
    return float(parts.sum() ** 2 / (parts**2 / degrees).sum()) if len(parts) else np.inf


def _chi_squares(freedom: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    """`(count, cells)` chi-square variables over their degrees of freedom."""
    known = np.isinf(freedom)
    finite = np.where(known, 1.0, freedom)
    drawn = rng.chisquare(finite, size=(count, len(finite))) / finite
    return np.asarray(np.where(known, 1.0, drawn))


def _factors(freedom: float, count: int, units: int, rng: np.random.Generator) -> FloatArray:
    """`(count, pairs)`: estimated over true variances of the differences of independent units. For many
    degrees of freedom by Wilson and Hilferty's cube of a normal variable."""
    rows, columns = np.triu_indices(units, 1)
    if freedom >= MANY:
        part = 2 / (9 * freedom)
        normal = rng.standard_normal((count, len(rows)))
        return np.asarray((1 - part + np.sqrt(part) * normal) ** 3)
    degrees = max(1, int(freedom))
    made = rng.standard_normal((count, units, degrees))
    gram = made @ made.transpose(0, 2, 1)
    own = np.diagonal(gram, axis1=1, axis2=2)
    between = own[:, rows] + own[:, columns] - 2 * gram[:, rows, columns]
    return np.asarray(between / (2 * degrees))
