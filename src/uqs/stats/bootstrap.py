"""Bootstrap over clusters: coefficients under many weightings of the same rows at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
CHUNK = 8_000_000


@dataclass(frozen=True)
class Concordance:
    """Pairs of rows summed by the clusters that they come from.

    `balance` `(K, K, M, M)` is concordant minus discordant pairs of two variables, over ordered pairs of
    rows; `untied` `(K, M, M)` the pairs that one variable does not tie.
    """

    balance: FloatArray
    untied: FloatArray

    def tau_b(self, weights: FloatArray) -> FloatArray:
        """tau-b `(resamples, K, K)` when cluster m is drawn `weights[:, m]` times; NaN where undefined."""
        balance, untied = _quadratic(self.balance, weights), _quadratic(self.untied, weights)
        scale = np.sqrt(untied[:, :, None] * untied[:, None, :])
        return np.divide(balance, scale, out=np.full_like(balance, np.nan), where=scale > 0)


def draws(clusters: int, resamples: int, rng: np.random.Generator) -> FloatArray:
    """How often each cluster is drawn, `(resamples, clusters)`, with replacement."""
    return rng.multinomial(clusters, np.full(clusters, 1 / clusters), resamples).astype(np.float64)


def concordance(x: FloatArray, clusters: IntArray, count: int) -> Concordance:
    """Sum the pairs of x `(K, n)`, which has no missing value, by cluster `(n,)` of `count`."""
    member = np.equal.outer(clusters, np.arange(count)).astype(np.float64)
    signs = np.sign(x[:, :, None] - x[:, None, :])
    untied = member.T @ np.abs(signs) @ member
    balance = np.stack([member.T @ (sign * signs) @ member for sign in signs])
    return Concordance(balance, untied)


def _quadratic(matrices: FloatArray, weights: FloatArray) -> FloatArray:
    """w' A w for every matrix `(..., M, M)` and every row of `weights`."""
    clusters = weights.shape[1]
    flat = matrices.reshape(-1, clusters, clusters)
    result = np.empty((len(weights), len(flat)))
    step = max(1, CHUNK // flat[:, 0].size)
    for start in range(0, len(weights), step):
        some = weights[start : start + step]
        halfway = np.tensordot(some, flat, axes=(1, 1))
        result[start : start + step] = np.einsum("pam,pm->pa", halfway, some)
    return result.reshape(len(weights), *matrices.shape[:-2])


def weighted_spearman(x: FloatArray, y: FloatArray, weights: FloatArray) -> FloatArray:
    """Spearman's rho `(resamples, K, L)` of x `(K, n)` and y `(L, n)`; NaN where a resample is constant.

    `weights` `(resamples, n)` says how often each row is drawn. Nothing may be missing.
    """
    result = np.full((len(weights), len(x), len(y)), np.nan)
    step = max(1, CHUNK // ((len(x) + len(y)) * x.shape[1]))
    for start in range(0, len(weights), step):
        some = weights[start : start + step]
        first, second = (_centred_ranks(variable, some) for variable in (x, y))
        products = np.einsum("kpn,pn,lpn->pkl", first, some, second, optimize=True)
        spread = [
            np.sqrt(np.einsum("kpn,pn,kpn->pk", ranks, some, ranks)) for ranks in (first, second)
        ]
        scale = spread[0][:, :, None] * spread[1][:, None, :]
        # Ranks are multiples of a half: a true spread is never this small.
        defined = scale > 1e-6
        np.divide(products, scale, out=result[start : start + step], where=defined)
    return result


def _centred_ranks(x: FloatArray, weights: FloatArray) -> FloatArray:
    """Mid-ranks of the drawn rows less their mean, `(K, resamples, n)`."""
    above = (1 + np.sign(x[:, :, None] - x[:, None, :])) / 2
    ranks: FloatArray = weights @ np.swapaxes(above, 1, 2)
    total = weights.sum(axis=1, keepdims=True)
    ranks -= (ranks * weights).sum(axis=2, keepdims=True) / total
    return ranks
