"""The noise in the mean of runs, by hand."""

from __future__ import annotations

from math import sqrt

import pandas as pd
import pytest

from uqs.audit.runs import Runs, original_seeds, pooled_spread, runs_of
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
    found = runs_of([1.0, 2.0, 3.0], [0, 1, 2], {0, 1, 2, 42})
    assert (found.mean, found.count, found.starts, found.spread) == (2.0, 3, 3, 1.0)
    assert runs_of([1.0, 2.0], [0, 7], {0, 1}).starts == 1
    assert runs_of([1.0, 2.0], [0, 1], {0, 1}, pooled=5.0).spread == 5.0
    assert runs_of([1.0], [0], {0}).spread == 0


def test_pooled_over_methods():
    rows = [("unlearned", "a", "", 0, 1.0), ("unlearned", "a", "", 1, 3.0)]
    rows += [("unlearned", "b", "", seed, 5.0 + seed) for seed in (0, 1, 2)]
    rows += [("unlearned", "c", "", 0, 9.0), ("original", "", "", 4, 99.0)]
    own = pd.DataFrame(rows, columns=["role", "method", "strength", "seed", "value"])
    assert pooled_spread(own) == pytest.approx(sqrt((2 + 2) / 3))
    assert pooled_spread(own[own.method == "c"]) == 0
    assert original_seeds(own) == {4}
