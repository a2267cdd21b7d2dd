"""One share for all metrics: by hand, by brute force, and its level."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from uqs.stats.common_share import common_share


def line(slope, estimate, freedom=10, rungs=(0.0, 0.5, 1.0)):
    """A curve whose offset is 0 at the estimate."""
    return rungs, [slope * (estimate - s) for s in rungs], freedom


def test_metrics_that_agree_share_that_share():
    found = common_share([line(20, 0.3), line(5, 0.3), line(-9, 0.3)])
    assert found.share == pytest.approx(0.3, abs=1e-3)
    assert found.p == pytest.approx(1, abs=0.05)


def test_two_metrics_meet_in_the_middle_by_hand():
    found = common_share([line(20, 0.2), line(20, 0.8)])
    assert found.share == pytest.approx(0.5, abs=1e-4)
    assert found.offsets == pytest.approx((-6, 6), abs=1e-2)
    assert found.p == pytest.approx(2 * 2 * student.sf(6, 10), rel=0.01)


def test_off_the_ladder_the_end_fits_best():
    found = common_share([line(10, 1.5), line(10, 1.5)])
    assert found.share == 1
    assert found.offsets == pytest.approx((5, 5))


def test_the_best_of_many_shares():
    rng = np.random.default_rng(0)
    for _ in range(20):
        curves = [
            line(rng.uniform(5, 50), rng.uniform(), int(rng.integers(2, 20))) for _ in range(4)
        ]
        s = np.linspace(0, 1, 100_001)
        worst = np.min(
            [2 * student.sf(np.abs(np.interp(s, one[0], one[1])), one[2]) for one in curves], axis=0
        )
        assert common_share(curves).p == pytest.approx(min(1, 4 * worst.max()), rel=0.02)


def test_nothing_of_one_metric_or_of_ladders_without_a_common_range():
    assert common_share([line(1, 0.5)]) is None
    assert common_share([line(1, 0.2, rungs=(0.0, 0.4)), line(1, 0.8, rungs=(0.4, 1.0))]) is None


def test_the_level_holds_for_correlated_metrics():
    rng = np.random.default_rng(1)
    rungs, rejected = np.linspace(0, 1, 5), 0
    for _ in range(300):
        noise = np.sqrt(0.5) * rng.normal() + np.sqrt(0.5) * rng.normal(size=8)
        truth = rng.uniform()
        curves = [(rungs, (20 * (truth - rungs) + one).tolist(), 1000) for one in noise]
        rejected += common_share(curves).p <= 0.05
    assert rejected / 300 <= 0.05
