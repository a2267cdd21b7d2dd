"""How far a ranking depends on the weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uqs.score.levels import Levels
from uqs.stats import simplex
from uqs.stats.ranksets import DECIMALS, ranks

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
KAPPAS = (5.0, 20.0, 100.0, 500.0)


@dataclass(frozen=True)
class LocalStability:
    """The ranking under Dirichlet(kappa w) weights against the one under w.

    `weight_sd`: the mean standard deviation of one weight at this kappa. `mean_tau` and `sd_tau`: over the
    draws, None if all methods tie under w. `same_first`: the share of draws with the same best method.
    """

    kappa: float
    weight_sd: float
    mean_tau: float | None
    sd_tau: float | None
    same_first: float


@dataclass(frozen=True)
class Acceptability:
    """SMAA with uniform weights over all weightings (Lahdelma and Salminen 2001, SMAA-2).

    By method number: `first` `(M,)`: the share of weightings under which it is first (ties share equally);
    `by_rank` `(M, M)`: the share under which it has rank 1, 2, ... (tied methods get the best of their
    ranks); `central` `(M, K)`: the mean weights under which it is first, NaN if it never is; `winning`
    `(M, M)`: the share under which the row method scores above the column method.
    """

    first: FloatArray
    by_rank: FloatArray
    central: FloatArray
    winning: FloatArray


@dataclass(frozen=True)
class Stability:
    """`local` over the curve of kappa, `smaa` over all weights, `pareto` `(M,)`: no method dominates it."""

    local: tuple[LocalStability, ...]
    smaa: Acceptability
    pareto: NDArray[np.bool_]


def stability(
    levels: Levels, centre: FloatArray, rng: np.random.Generator, draws: int
) -> Stability:
    """Local stability around `centre` `(K,)`, global stability, and the Pareto front."""
    global_draws = simplex.uniform(len(centre), draws, rng)
    return Stability(
        local=tuple(_local(levels, centre, kappa, rng, draws) for kappa in KAPPAS),
        smaa=_smaa(levels, global_draws),
        pareto=pareto_front(levels),
    )


def _local(
    levels: Levels, centre: FloatArray, kappa: float, rng: np.random.Generator, draws: int
) -> LocalStability:
    base = ranks(levels.overall(centre))
    found = ranks(levels.overall_many(simplex.around(centre, kappa, draws, rng)))
    taus = _tau_b(found, base)
    known = taus[~np.isnan(taus)]
    return LocalStability(
        kappa=kappa,
        weight_sd=float(np.sqrt(centre * (1 - centre) / (kappa + 1)).mean()),
        mean_tau=float(known.mean()) if len(known) else None,
        sd_tau=float(known.std()) if len(known) else None,
        same_first=float(((found == 1) == (base == 1)).all(axis=1).mean()),
    )


def _tau_b(many: IntArray, one: IntArray) -> FloatArray:
    """`(D,)` tau_b of each row of `(D, M)` ranks with `(M,)` ranks, NaN if either is all ties."""
    balance, untied_one = np.zeros(len(many)), 0
    untied = np.zeros(len(many))
    for j in range(1, len(one)):
        signs = np.sign(many[:, :j] - many[:, [j]])
        base = np.sign(one[:j] - one[j])
        balance += signs @ base
        untied += np.abs(signs).sum(axis=1)
        untied_one += int(np.abs(base).sum())
    scale = np.sqrt(untied * untied_one)
    return np.asarray(np.divide(balance, scale, out=np.full(len(many), np.nan), where=scale > 0))


def _smaa(levels: Levels, draws: FloatArray) -> Acceptability:
    scores = np.round(levels.overall_many(draws), DECIMALS)
    found = ranks(scores)
    count = scores.shape[1]
    best = (found == 1).astype(np.float64)
    best /= best.sum(axis=1, keepdims=True)
    total = best.sum(axis=0)
    central = np.full((count, draws.shape[1]), np.nan)
    np.divide(best.T @ draws, total[:, None], out=central, where=total[:, None] > 0)
    return Acceptability(
        first=total / len(draws),
        by_rank=np.stack([(found == rank).mean(axis=0) for rank in range(1, count + 1)], axis=1),
        central=central,
        winning=np.stack(
            [(scores[:, [m]] > scores).mean(axis=0) for m in range(count)],
        ),
    )


def pareto_front(levels: Levels) -> NDArray[np.bool_]:
    """`(M,)`: no other method is at least as good in the mean term of every metric and better in one."""
    held = np.where(levels.available[:, None, :], levels.values, 0.0).sum(axis=0)
    terms = np.round(held / len(levels.strata), DECIMALS)
    dominated = [
        bool(((terms >= one).all(axis=1) & (terms > one).any(axis=1)).any()) for one in terms
    ]
    return ~np.array(dominated)
