from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from uqs.metrics.base import Evidence, References, Shadow
from uqs.metrics.membership.likelihood_ratio import (
    LikelihoodRatio,
    LikelihoodRatioAdvantage,
    LikelihoodRatioTPR,
    log_ratios,
    logits,
)
from uqs.metrics.membership.loss import MembershipAUC
from uqs.records import Status

HALF = 400


def row(metric, simulated):  # type: ignore[no-untyped-def]
    return next(metric().measure(*simulated)).measurement


def signs(seed: int, size: float) -> np.ndarray:
    """A leak that raises the confidence in one half of the samples and lowers it in the other."""
    return np.random.default_rng(seed).choice([-size, size], 2 * HALF)


@pytest.mark.parametrize("shadows", [32, 128])
def test_a_planted_leak_is_found_as_theory_says(simulate, shadows: int) -> None:  # type: ignore[no-untyped-def]
    """Normal(m, 1) against normal(m + d, 1): AUC is Phi(|d| / sqrt 2), whatever the sign of d.

    Means from k models a side have variance 1 / k, which costs the attack a little of it.
    """
    simulated = simulate(0, signs(1, 2.0), shadows)
    found = row(LikelihoodRatio, simulated)
    assert found.n == 2 * HALF
    assert found.value == pytest.approx(norm.cdf(2 / np.sqrt(2)), abs=3 * found.se + 0.02)
    assert found.value > 0.85
    unseen = row(MembershipAUC, (simulated.model, References()))
    assert abs(unseen.value - 0.5) < 3 * unseen.se  # the loss attack sees nothing of it
    advantage = row(LikelihoodRatioAdvantage, simulated).value
    assert advantage == pytest.approx(2 * norm.cdf(1) - 1, abs=0.1)
    rate = row(LikelihoodRatioTPR, simulated).value
    assert rate == pytest.approx(norm.cdf(2 - norm.ppf(0.99)), abs=0.15)


@pytest.mark.parametrize("shadows", [4, 32, 128])
def test_no_leak_is_found_where_there_is_none(simulate, shadows: int) -> None:  # type: ignore[no-untyped-def]
    values = [
        row(LikelihoodRatio, simulate(s, np.zeros(2 * HALF), shadows)).value for s in range(4)
    ]
    assert np.mean(values) == pytest.approx(0.5, abs=0.03)


def expected_ratios(simulated, pooled: bool) -> list[float]:  # type: ignore[no-untyped-def]
    """Sample by sample with SciPy."""
    sides: list[tuple[float, list[float], list[float]]] = []
    for split in ("forget", "holdout"):
        trace = simulated.model.traces[split]
        for i in range(len(trace)):
            values: tuple[list[float], list[float]] = ([], [])
            for shadow in simulated.references.shadows:
                p = np.exp(-shadow.traces[split].gold_losses()[i])
                values[trace.entities[i] not in shadow.members].append(np.log(p / (1 - p)))
            p = np.exp(-trace.gold_losses()[i])
            sides.append((np.log(p / (1 - p)), *values))
    spread = [
        np.sqrt(
            sum(((np.array(one[k]) - np.mean(one[k])) ** 2).sum() for one in sides)
            / sum(len(one[k]) - 1 for one in sides)
        )
        for k in (1, 2)
    ]
    return [
        norm.logpdf(own, np.mean(seen), spread[0] if pooled else np.std(seen, ddof=1))
        - norm.logpdf(own, np.mean(unseen), spread[1] if pooled else np.std(unseen, ddof=1))
        for own, seen, unseen in sides
    ]


@pytest.mark.parametrize(("shadows", "pooled"), [(6, True), (62, True), (64, False)])
def test_ratios_equal_a_plain_loop(simulate, shadows: int, pooled: bool) -> None:  # type: ignore[no-untyped-def]
    simulated = simulate(5, np.random.default_rng(6).normal(size=48), shadows)
    traces = simulated.model.traces
    found = log_ratios(traces["forget"], traces["holdout"], simulated.references.shadows)
    assert found.known.all()
    assert found.values == pytest.approx(expected_ratios(simulated, pooled), rel=1e-6, abs=1e-6)


def test_logits_are_finite_for_a_certain_model(scored) -> None:  # type: ignore[no-untyped-def]
    found = logits(scored("forget", np.array([0.0, np.log(2), np.log(4), 30.0])))
    assert found == pytest.approx([15.94, 0, np.log(1 / 3), -30], abs=0.01)


def test_models_that_were_not_unlearned_are_not_used(simulate) -> None:  # type: ignore[no-untyped-def]
    simulated = simulate(0, signs(1, 1.0), 8)
    shadows = simulated.references.shadows
    trained = [replace(s, unlearned=False, members=frozenset()) for s in shadows]
    mixed = (simulated.model, References(shadows=[*trained, *shadows]))
    assert row(LikelihoodRatio, mixed) == row(LikelihoodRatio, simulated)
    missing = row(LikelihoodRatio, (simulated.model, References(shadows=trained)))
    assert (missing.value, missing.status) == (None, Status.MISSING_SHADOWS)


def test_a_sample_with_one_model_on_a_side_is_left_out(simulate) -> None:  # type: ignore[no-untyped-def]
    simulated = simulate(0, signs(1, 1.0), 4)
    shadows = [
        replace(s, members=s.members | {"forget-e0"} if i else s.members - {"forget-e0"})
        for i, s in enumerate(simulated.references.shadows)
    ]
    found = next(LikelihoodRatio().measure(simulated.model, References(shadows=shadows)))
    assert found.measurement.n == 2 * HALF - 4
    assert "forget-0" not in found.per_sample.ids
    assert len(found.per_sample.ids) == HALF - 4


@pytest.mark.parametrize("bad", [-np.inf, np.nan])
def test_a_model_without_probabilities_is_collapsed_and_such_a_shadow_left_out(  # type: ignore[no-untyped-def]
    simulate, bad: float
) -> None:
    simulated = simulate(0, signs(1, 1.0), 8)
    shadows = simulated.references.shadows
    shadows[3].traces["holdout"].gold_log_probs[2] = bad
    rest = References(shadows=[*shadows[:3], *shadows[4:]])
    assert row(LikelihoodRatio, simulated) == row(LikelihoodRatio, (simulated.model, rest))
    assert row(LikelihoodRatio, simulated).status is Status.OK
    simulated.model.traces["forget"].gold_log_probs[2] = bad
    found = row(LikelihoodRatio, simulated)
    assert (found.value, found.status) == (None, Status.COLLAPSED)


def test_statuses(simulate) -> None:  # type: ignore[no-untyped-def]
    simulated = simulate(0, signs(1, 1.0), 2)
    assert row(LikelihoodRatio, simulated).status == Status.TOO_FEW  # one model on either side
    assert row(LikelihoodRatio, (simulated.model, References())).status == Status.MISSING_SHADOWS
    bare = (Evidence({}), simulated.references)
    assert row(LikelihoodRatio, bare).status == Status.MISSING_TRACE


def test_other_samples_are_an_error(simulate) -> None:  # type: ignore[no-untyped-def]
    simulated = simulate(0, signs(1, 1.0), 4)
    shadow = simulated.references.shadows[0]
    forget = shadow.traces["forget"]
    other = {**shadow.traces, "forget": replace(forget, ids=tuple(reversed(forget.ids)))}
    with pytest.raises(ValueError, match="different samples"):
        row(
            LikelihoodRatio,
            (simulated.model, References(shadows=[Shadow(shadow.members, True, other)])),
        )
