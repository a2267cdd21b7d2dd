"""The noise of seeds and oracles in the differences of scores on one benchmark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uqs.stats.noise import smallest_step
from uqs.stats.resolution import complete_part, mean_squares

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class RunError:
    """Squared errors `(M,)` on one benchmark, infinite with freedom 0 if not known."""

    variances: FloatArray
    freedom: float


def run_error(scores: FloatArray, seeds: NDArray[np.int64]) -> RunError:
    """The error of the methods' mean scores, from `(M, R, O)` scores of single runs against single oracles,
    NaN where there is none; `seeds` `(M, R)` names the runs, -1 beyond.

    The error is that of the interactions (`stats.resolution.mean_squares`), or a method's own if that is
    larger. A method that is not in the complete part of the table has the pooled error, by its runs.
    """
    unknown = RunError(np.full(len(scores), np.inf), 0.0)
    runs = (~np.isnan(scores)).any(axis=2).sum(axis=1)
    table, methods = _crossed(scores, seeds)
    count, held, oracles = table.shape
    if count < 2 or held * oracles < 2:
        return unknown
    found = mean_squares(table)
    # rounded values that agree hide an error of up to half a step
    error = max(found.error, (smallest_step(table) or 0.0) ** 2 / 4)
    variances = error / (held * oracles) * np.maximum(held / np.maximum(runs, 1), 1)
    variances[methods] = np.maximum(found.own, error) / (held * oracles)
    return RunError(np.where(runs > 0, variances, np.inf), found.freedom)


def _crossed(scores: FloatArray, seeds: NDArray[np.int64]) -> tuple[FloatArray, NDArray[np.intp]]:
    """The complete part of methods x seeds x oracles, by the seeds' numbers if methods share two of them,
    else by their order, and the methods in it."""
    scores = scores[:, :, ~np.isnan(scores).all(axis=(0, 1))]
    numbers = np.unique(seeds[seeds >= 0])
    by_number = np.full((len(scores), len(numbers), scores.shape[2]), np.nan)
    for m, run in np.argwhere(seeds >= 0):
        by_number[m, np.searchsorted(numbers, seeds[m, run])] = scores[m, run]
    for table in (by_number, scores):
        kept = complete_part(~np.isnan(table))
        if len(kept[0]) > 1 and (len(kept[1]) > 1 or table is scores):
            break
    return table[np.ix_(*kept)], kept[0]
