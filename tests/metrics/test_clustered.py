from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from uqs.metrics.clustered import clustered_mean


def test_equals_the_cluster_robust_intercept_of_statsmodels() -> None:
    rng = np.random.default_rng(1)
    clusters = rng.integers(0, 9, 80)
    values = rng.normal(size=80) + clusters
    fit = sm.OLS(values, np.ones(80)).fit(
        cov_type="cluster",
        cov_kwds={"groups": clusters, "use_correction": False},
    )
    found = clustered_mean(values, [f"e{c}" for c in clusters])
    assert found.value == pytest.approx(values.mean())
    assert found.se == pytest.approx(float(fit.bse[0]) * (9 / 8) ** 0.5)
    assert (found.n, found.clusters) == (80, 9)


def test_singleton_clusters_give_the_plain_standard_error() -> None:
    values = np.random.default_rng(2).normal(size=30)
    found = clustered_mean(values, [str(i) for i in range(30)])
    assert found.se == pytest.approx(values.std(ddof=1) / 30**0.5)


def test_one_cluster_has_no_standard_error() -> None:
    assert clustered_mean(np.array([1.0, 0.0]), ["a", "a"]).se is None


def test_no_values_are_an_error() -> None:
    with pytest.raises(ValueError, match="no values"):
        clustered_mean(np.array([]), [])
