from __future__ import annotations

import numpy as np
import pytest
import scikit_posthocs
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from scipy.stats import friedmanchisquare, kendalltau, rankdata

from uqs.stats.structure import average_linkage, friedman, kendall_w, two_clusters


def distances(seed, size):
    matrix = np.random.default_rng(seed).random((size, size))
    matrix = matrix + matrix.T
    np.fill_diagonal(matrix, 0)
    return matrix


@pytest.mark.parametrize("seed", range(20))
def test_clusters_agree_with_scipy(seed):
    matrix = distances(seed, 6)
    tree = linkage(squareform(matrix), "average")
    assert [merge.distance for merge in average_linkage(matrix)] == pytest.approx(tree[:, 2])
    labels = fcluster(tree, 2, "maxclust")
    assert (two_clusters(matrix[None])[0] == np.equal.outer(labels, labels)).all()


def test_many_clusterings_at_once_are_those_one_by_one():
    many = np.stack([distances(seed, 5) for seed in range(30)])
    single = np.concatenate([two_clusters(matrix[None]) for matrix in many])
    assert (two_clusters(many) == single).all()


def test_kendall_w_is_friedman_rescaled_and_one_for_equal_raters():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 5, (4, 8)).astype(float)
    statistic = friedmanchisquare(*scores.T).statistic
    assert kendall_w(scores) == pytest.approx(statistic / (4 * 7))
    assert kendall_w(np.tile(np.arange(5.0), (3, 1))) == pytest.approx(1)
    assert kendall_w(scores[:1]) is None
    assert kendall_w(np.array([[1.0, 1.0], [1.0, 2.0]])) is None


def test_friedman_and_nemenyi_agree_with_scikit_posthocs():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(7, 5)) + np.arange(5)
    found = friedman(scores)
    expected = friedmanchisquare(*scores.T)
    assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    nemenyi = scikit_posthocs.posthoc_nemenyi_friedman(scores).to_numpy()
    assert found.pairwise_p == pytest.approx(nemenyi, abs=1e-8)
    assert found.mean_ranks == pytest.approx(rankdata(-scores, axis=1).mean(axis=0))
    # Demsar 2006, table 5: q = 2.728 for five treatments.
    assert found.critical_difference == pytest.approx(2.728 * np.sqrt(5 * 6 / (6 * 7)), abs=1e-3)


def test_friedman_needs_blocks_treatments_and_differences():
    assert friedman(np.ones((3, 4))) is None
    assert friedman(np.arange(4.0)[None]) is None
    assert friedman(np.arange(6.0).reshape(3, 2)) is None


def test_tau_between_raters_bounds_w():
    scores = np.array([[1.0, 2, 3], [3.0, 2, 1]])
    assert kendalltau(*scores).statistic == pytest.approx(-1)
    assert kendall_w(scores) == pytest.approx(0)
