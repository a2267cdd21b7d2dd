"""Random weights have the moments of their Dirichlet distribution."""

import numpy as np
import pytest

from uqs.stats import simplex


def test_uniform_weights_have_the_moments_of_dirichlet_one():
    found = simplex.uniform(5, 50_000, np.random.default_rng(0))
    assert found.sum(axis=1) == pytest.approx(1)
    assert found.mean(axis=0) == pytest.approx(0.2, abs=0.003)
    assert found.var(axis=0) == pytest.approx(0.2 * 0.8 / 6, rel=0.03)


def test_weights_around_a_centre_have_its_mean_and_the_stated_variance():
    centre, kappa = np.array([0.5, 0.0, 0.3, 0.2]), 20.0
    found = simplex.around(centre, kappa, 50_000, np.random.default_rng(0))
    assert found.sum(axis=1) == pytest.approx(1)
    assert (found[:, 1] == 0).all()
    assert found.mean(axis=0) == pytest.approx(centre, abs=0.003)
    assert found.var(axis=0) == pytest.approx(centre * (1 - centre) / (kappa + 1), rel=0.03)


@pytest.mark.parametrize(
    ("centre", "kappa"), [([0.5, 0.5], 0), ([0.5, 0.4], 1), ([1.5, -0.5], 1), ([0.5, 0.5], np.nan)]
)
def test_bad_centres_are_refused(centre, kappa):
    with pytest.raises(ValueError, match=r"kappa|weight vector"):
        simplex.around(np.array(centre), kappa, 10, np.random.default_rng(0))
