"""The noise in the differences of scores: seeds and oracles, and items where other questions are meant.

All methods of a benchmark are held against the same oracles, by the same seeds, on the same items. So only
what moves them differently is an error of their comparison.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from uqs.errors import UserError
from uqs.score.contributions import Contributions, group_of
from uqs.score.cube import Cube
from uqs.score.levels import Levels, Terms, pooled_means
from uqs.score.run_noise import run_error
from uqs.score.transforms import TRANSFORMS
from uqs.stats.paired import RunNoise

FloatArray = NDArray[np.float64]
Questions = Literal["these", "other"]
STEP = 1e-9


@dataclass(frozen=True)
class ScoreNoise:
    """`runs`: noise of each method's own runs; `entities`: contributions `(M, E)` of groups of entities.

    `single`: benchmarks with one run of each method and one oracle, where run noise is not known; `unpaired`:
    metrics whose item noise is known only as a standard error, or partly; `one_oracle`: benchmarks where
    metrics that need an oracle have one. `questions` is the claim.
    """

    runs: RunNoise
    entities: tuple[FloatArray, ...]
    questions: Questions
    single: tuple[str, ...]
    unpaired: tuple[str, ...]
    one_oracle: tuple[str, ...]

    @property
    def variances(self) -> FloatArray:
        """`(M,)` squared standard errors of the methods' scores."""
        own = self.runs.variances.sum(axis=1)
        for group in self.entities:
            size = group.shape[1]
            own = own + size / (size - 1) * (group**2).sum(axis=1)
        return np.asarray(own)


def noise(
    cube: Cube,
    used: Terms,
    levels: Levels,
    weights: FloatArray,
    questions: Questions = "these",
    items: Contributions | None = None,
) -> ScoreNoise:
    """The noise of `levels.overall(weights)`, by the analysis of variance of the scores of single runs.

    Per benchmark the scores of methods x seeds x oracles have the error of `stats.resolution.mean_squares`;
    a method whose own error is larger keeps it. Other questions add the items: contributions of entities, or
    the table's standard errors as noise of each method alone. Benchmarks are fixed, not drawn.
    """
    if questions not in ("these", "other"):
        raise UserError(f"unknown questions {questions!r}; known: these, other")
    scores = _Scores(cube, used, levels, weights)
    found = [run_error(scores.of_runs(b), cube.seeds[b]) for b in range(len(cube.benchmarks))]
    single = tuple(
        name for name, one in zip(cube.benchmarks, found, strict=True) if one.freedom == 0
    )
    variances = [one.variances for one in found]
    freedom = [max(one.freedom, 1.0) for one in found]
    entities: list[FloatArray] = []
    unpaired: tuple[str, ...] = ()
    if questions == "other":
        # without repeats the claim is about these models, which have no run noise
        variances = [
            np.zeros_like(one) if name in single else one
            for name, one in zip(cube.benchmarks, variances, strict=True)
        ]
        entities, alone, unpaired = _of_items(cube, scores, items)
        variances.append(alone)
        freedom.append(np.inf)
    scale = len(cube.benchmarks)
    return ScoreNoise(
        RunNoise(np.stack(variances, axis=1) / scale**2, np.array(freedom)),
        tuple(one / scale for one in entities),
        questions,
        single,
        unpaired,
        _one_oracle(cube, used),
    )


class _Scores:
    """Scores of each benchmark as functions of the metrics' values, around the methods' means."""

    def __init__(self, cube: Cube, used: Terms, levels: Levels, weights: FloatArray) -> None:
        self.cube, self.used = cube, used
        shares = levels.effective(weights)
        if levels.strata == cube.benchmarks:
            self.centres, self.shares = cube.means, shares
        else:
            count = np.maximum(used.available.sum(axis=0), 1)
            self.centres = np.broadcast_to(pooled_means(cube, used.available), cube.means.shape)
            self.shares = np.where(used.available, shares * len(cube.benchmarks) / count, 0.0)

    def at(self, b: int, moved: FloatArray) -> FloatArray:
        """Scores `(M, ...)` with the values `moved` `(M, ..., K)` away from the means."""
        centre = self.centres[b]
        around = centre.reshape(len(centre), *[1] * (moved.ndim - 2), -1)
        terms = self.used.of_benchmark[b](np.maximum(around + moved, 0))
        part = np.where(self.shares[b] > 0, terms * self.shares[b], 0.0)
        return np.asarray(part.sum(axis=-1))

    def of_runs(self, b: int) -> FloatArray:
        """`(M, R, O)` scores of single runs against single oracles, NaN where a value is missing."""
        means = self.cube.means[b][:, None, None, :]
        return self.at(b, self.cube.by_oracle[b] - means)

    def slopes(self, b: int, k: int, errors: FloatArray) -> FloatArray:
        """`(M,)`: the change of the score with metric k, over one standard error `(M,)` either way."""
        step = np.maximum(errors, STEP)
        moved = np.zeros_like(self.centres[b])
        moved[:, k] = step
        down = np.minimum(step, np.nan_to_num(self.centres[b][:, k]))
        back = np.zeros_like(moved)
        back[:, k] = -down
        return np.asarray((self.at(b, moved) - self.at(b, back)) / (step + down))


def _of_items(
    cube: Cube, scores: _Scores, items: Contributions | None
) -> tuple[list[FloatArray], FloatArray, tuple[str, ...]]:
    """Contributions by group of entities, squared errors `(M,)` of each method alone, and their metrics."""
    groups: dict[tuple[int, str], dict[tuple[str, ...], FloatArray]] = {}
    alone = np.zeros(len(cube.methods))
    unpaired: set[str] = set()
    known = False
    for b, k in np.argwhere(scores.used.available):
        benchmark, metric = cube.benchmarks[b], cube.metrics[k]
        errors = _item_error(cube.errors[b, :, :, k])
        table = items.table(benchmark, metric, cube.methods) if items else None
        known = known or table is not None or bool((errors > 0).any())
        if table is None:
            alone += (scores.slopes(b, k, errors) * errors) ** 2
            unpaired.add(metric)
            continue
        values, names = table
        own = item_errors(values)
        slopes = scores.slopes(b, k, own)
        held = groups.setdefault((int(b), group_of(metric)), {})
        held[names] = held.get(names, np.zeros_like(values)) + slopes[:, None] * values
        if items and metric in items.partly:
            alone += slopes**2 * np.maximum(errors**2 - own**2, 0)
            unpaired.add(metric)
    if not known:
        raise UserError(
            "how the methods compare on other questions needs the items of the run (--items items.parquet) or"
            " standard errors in the table; without them only --questions these can be answered"
        )
    return list(_joined(groups.values())), alone, tuple(sorted(unpaired))


def _joined(groups: Iterable[Mapping[tuple[str, ...], FloatArray]]) -> Iterator[FloatArray]:
    """One array per group; metrics of a group that name other entities are put side by side by name."""
    for held in groups:
        names = sorted({name for some in held for name in some})
        first = next(iter(held.values()))
        total = np.zeros((len(first), len(names)))
        for some, values in held.items():
            total[:, np.searchsorted(names, some)] += values
        yield total


def item_errors(contributions: FloatArray) -> FloatArray:
    """`(M,)` standard errors over the entities of contributions `(M, E)`."""
    size = contributions.shape[1]
    return np.asarray(np.sqrt(size / (size - 1) * (contributions**2).sum(axis=1)))


def _item_error(errors: FloatArray) -> FloatArray:
    """`(M,)` mean standard error of a cell's runs; 0 if the table has none."""
    known = ~np.isnan(errors)
    return np.asarray(np.where(known, errors, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))


def _one_oracle(cube: Cube, used: Terms) -> tuple[str, ...]:
    """Benchmarks where the metrics that need oracles have one value whatever the oracle."""
    found = []
    for b, benchmark in enumerate(cube.benchmarks):
        every = [
            cube.by_oracle[b][..., k]
            for k in np.flatnonzero(used.available[b])
            if TRANSFORMS[cube.metrics[k]].compares
        ]
        if every and not any(_varies(values) for values in every):
            found.append(benchmark)
    return tuple(found)


def _varies(values: FloatArray) -> bool:
    """Whether `(M, R, O)` values differ between oracles."""
    known = values[:, :, ~np.isnan(values).all(axis=(0, 1))]
    return known.shape[2] > 1 and not np.array_equal(
        np.broadcast_to(known[..., :1], known.shape), known, equal_nan=True
    )
