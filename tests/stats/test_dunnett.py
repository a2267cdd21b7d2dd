"""Many models against the same oracles, compared with SciPy and with draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from uqs.stats.dunnett import dunnett_critical, dunnett_p


@pytest.mark.parametrize(("two_sided", "word"), [(True, "two-sided"), (False, "greater")])
def test_it_is_what_scipy_finds_by_random_numbers(two_sided: bool, word: str) -> None:
    rng = np.random.default_rng(1)
    oracles, models = rng.normal(size=5), rng.normal(size=7) * 3
    expected = stats.dunnett(
        *[np.array([one]) for one in models], control=oracles, alternative=word, random_state=1
    )
    error = oracles.std(ddof=1) * np.sqrt(1 + 1 / 5)
    statistic = (models - oracles.mean()) / error
    assert statistic == pytest.approx(expected.statistic)
    found = dunnett_p(statistic, 7, 5, 4, two_sided=two_sided)
    assert found == pytest.approx(expected.pvalue, abs=5e-4)


def test_critical_values_for_nineteen_models() -> None:
    """As in the published tables of Dunnett's test, computed with a million draws for K = 2."""
    found = [dunnett_critical(0.95, 19, k, k - 1, two_sided=True) for k in (2, 3, 5, 10)]
    assert found == pytest.approx([32.36, 9.392, 5.301, 3.885], rel=1e-3)
    rng = np.random.default_rng(0)
    oracles, models = rng.normal(size=(100_000, 3)), rng.normal(size=(100_000, 19))
    error = oracles.std(axis=1, ddof=1) * np.sqrt(4 / 3)
    largest = np.abs(models - oracles.mean(axis=1)[:, None]).max(axis=1) / error
    assert (largest > found[1]).mean() == pytest.approx(0.05, abs=0.002)


@pytest.mark.parametrize("two_sided", [True, False])
def test_a_family_of_one_is_students_test(two_sided: bool) -> None:
    sides = 2 if two_sided else 1
    found = dunnett_p([0.5, 3.0, 40.0], 1, 4, 3, two_sided=two_sided)
    assert found == pytest.approx(stats.t(3).sf([0.5, 3.0, 40.0]) * sides)
    critical = dunnett_critical(0.95, 1, 4, 3, two_sided=two_sided)
    assert critical == pytest.approx(stats.t(3).ppf(1 - 0.05 / sides))


@given(st.floats(0, 60), st.integers(1, 60), st.integers(2, 30), st.integers(1, 40), st.booleans())
def test_it_lies_between_one_test_and_bonferroni(
    statistic: float, family: int, oracles: int, freedom: int, two_sided: bool
) -> None:
    one, more, most = (
        float(dunnett_p([statistic], size, oracles, freedom, two_sided=two_sided)[0])
        for size in (1, family, family + 1)
    )
    assert one <= more <= most * (1 + 1e-3) + 1e-9
    assert more <= min(1.0, family * one) * (1 + 1e-12)


def test_what_cannot_be_is_refused() -> None:
    for family, oracles, freedom in ((0, 3, 2), (3, 0, 2), (3, 3, 0)):
        with pytest.raises(ValueError, match="no test of"):
            dunnett_p([1.0], family, oracles, freedom, two_sided=True)
    with pytest.raises(ValueError, match="level"):
        dunnett_critical(0.2, 3, 3, 2, two_sided=True)
