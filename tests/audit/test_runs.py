"""The noise in the mean of runs, by hand."""

from __future__ import annotations

from math import sqrt

import pytest

from uqs.audit.ladder import Model
from uqs.audit.runs import Runs, kinds, original_seeds, pooled_spread, runs_of
from uqs.stats.response import fit

RESPONSE = fit([0, 0, 1, 1], [0.0, 2.0, 20.0, 22.0])


def variance(runs):
    """The variance that stands behind the offset from the rung at share 0, less that of the rung."""
    error = (runs.mean - RESPONSE.means[0]) / runs.offsets(RESPONSE)[0]
    return error**2 - RESPONSE.sd**2 / 2


def test_the_larger_of_ladder_and_runs():
    sd = RESPONSE.sd
    assert variance(Runs(10.0)) == pytest.approx(sd**2)
    assert variance(Runs(10.0, 4, 4)) == pytest.approx(sd**2 / 4)
    assert variance(Runs(10.0, 4, 1)) == pytest.approx(sd**2)
    assert variance(Runs(10.0, 4, 4, spread=3.0)) == pytest.approx(9 / 4)
    assert variance(Runs(10.0, 4, 1, spread=3.0)) == pytest.approx(9 / 4)
    assert variance(Runs(10.0, 4, 1, spread=2.0)) == pytest.approx(sd**2)


def test_the_share_uses_the_same_noise():
    found = Runs(10.0, 4, 1, spread=3.0).share(RESPONSE)
    assert found == RESPONSE.known_share(10.0, runs=1, spread=1.5)


def test_starts_are_originals_of_the_runs_own_seeds():
    def runs(values, seeds):
        return [Model("unlearned", "npo", "", *one) for one in zip(seeds, [None] * 3, values)]  # noqa: B905

    found = runs_of(runs([1.0, 2.0, 3.0], [0, 1, 2]), {0, 1, 2, 42})
    assert (found.mean, found.count, found.starts, found.spread) == (2.0, 3, 3, 1.0)
    assert runs_of(runs([1.0, 2.0], [0, 7]), {0, 1}).starts == 1
    assert runs_of(runs([1.0, 2.0], [0, 1]), {0, 1}, pooled=5.0).spread == 5.0
    assert runs_of(runs([1.0], [0]), {0}).spread == 0


def test_pooled_over_methods():
    models = [Model("unlearned", "a", "", seed, None, 1.0 + 2 * seed) for seed in (0, 1)]
    models += [Model("unlearned", "b", "", seed, None, 5.0 + seed) for seed in (0, 1, 2)]
    single = Model("unlearned", "c", "", 0, None, 9.0)
    models += [single, Model("original", "", "", 4, 1.0, 99.0)]
    assert pooled_spread(models) == pytest.approx(sqrt((2 + 2) / 3))
    assert pooled_spread([single]) == 0
    assert original_seeds(models) == {4}
    assert [len(group) for group in kinds(models).values()] == [2, 3, 1, 1]
