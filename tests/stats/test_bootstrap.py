from __future__ import annotations

import numpy as np
import pytest

from uqs.stats.bootstrap import concordance, draws, weighted_spearman
from uqs.stats.coefficients import spearman, tau_b


def repeated(x, clusters, weights):
    """The resample written out row by row."""
    return np.concatenate([np.repeat(x[clusters == m], int(w)) for m, w in enumerate(weights)])


def test_resampled_coefficients_are_those_of_the_written_out_rows():
    rng = np.random.default_rng(0)
    clusters = np.repeat(np.arange(5), 3)
    x = rng.integers(0, 5, (3, 15)).astype(float)
    weights = draws(5, 40, rng)
    taus = concordance(x, clusters, 5).tau_b(weights)
    rhos = weighted_spearman(x, x, weights[:, clusters])
    for at, weight in enumerate(weights):
        for i in range(3):
            for j in range(3):
                first, second = (repeated(x[k], clusters, weight) for k in (i, j))
                for value, slow in ((taus, tau_b), (rhos, spearman)):
                    expected = slow(first, second).value
                    if expected is None:
                        assert np.isnan(value[at, i, j])
                    else:
                        assert value[at, i, j] == pytest.approx(expected)


def test_draws_add_up_and_are_reproducible():
    first = draws(6, 100, np.random.default_rng(1))
    assert (first.sum(axis=1) == 6).all()
    assert (first == draws(6, 100, np.random.default_rng(1))).all()


def test_a_resample_of_one_cluster_is_undefined():
    taus = concordance(np.array([[1.0, 2.0, 3.0]]), np.arange(3), 3).tau_b(np.array([[3.0, 0, 0]]))
    assert np.isnan(taus).all()
