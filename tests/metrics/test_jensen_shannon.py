from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr

from uqs.metrics.activation_distance import ActivationDistance
from uqs.metrics.base import Evidence, References
from uqs.metrics.jensen_shannon import JensenShannon, at_positions, divergence, per_sample
from uqs.records import Status
from uqs.traces.trace import Trace


def test_equals_scipy_position_by_position(make_trace) -> None:  # type: ignore[no-untyped-def]
    model, oracle = make_trace(seed=0), make_trace(seed=1)
    rows = list(
        JensenShannon().measure(
            Evidence({"forget": model}), References({3: Evidence({"forget": oracle})})
        )
    )
    expected = []
    for i in range(len(model)):
        at = range(model.offsets[i], model.offsets[i + 1])
        one = [
            jensenshannon(np.exp(model.top_log_probs[k]), np.exp(oracle.top_log_probs[k]), base=2)
            ** 2
            for k in at
        ]
        expected.append(np.mean(one))
    assert rows[0].oracle_seed == 3
    assert rows[0].measurement.value == pytest.approx(np.mean(expected), rel=1e-5)


@given(st.integers(0, 10_000))
def test_bounds_symmetry_and_token_identity(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = np.log(rng.dirichlet(np.full(6, 0.3), 2)[:, None, :] + 1e-300)
    value = divergence(first, second)[0]
    assert 0 <= value <= 1
    assert value == pytest.approx(divergence(second, first)[0], abs=1e-12)
    assert divergence(first, first)[0] == pytest.approx(0, abs=1e-12)


def test_the_same_probabilities_on_other_tokens_are_far_apart() -> None:
    first = np.log(np.array([[0.97, 0.01, 0.01, 0.01]]))
    assert divergence(first, first[:, ::-1])[0] > 0.8


def test_disjoint_distributions_are_one_bit_apart() -> None:
    with np.errstate(divide="ignore"):
        first, second = np.log(np.array([[1.0, 0.0]])), np.log(np.array([[0.0, 1.0]]))
    assert divergence(first, second)[0] == 1


def test_without_an_oracle_there_is_a_status(make_trace) -> None:  # type: ignore[no-untyped-def]
    row = next(
        JensenShannon().measure(Evidence({"forget": make_trace()}), References())
    ).measurement
    assert (row.value, row.status) == (None, Status.MISSING_ORACLE)


def test_other_samples_are_an_error(make_trace) -> None:  # type: ignore[no-untyped-def]
    model = make_trace()
    other = dataclasses.replace(model, ids=tuple(reversed(model.ids)))
    with pytest.raises(ValueError, match="different samples"):
        list(JensenShannon().against(Evidence({"forget": model}), Evidence({"forget": other}), 0))


@pytest.mark.parametrize("top_k", [1, 3, 8])
def test_the_exact_value_lies_within_the_bound(make_trace, top_k: int) -> None:  # type: ignore[no-untyped-def]
    pair = [make_trace(seed=seed) for seed in (0, 1)]
    kept = [make_trace(seed=seed, top_k=top_k) for seed in (0, 1)]
    exact, found = per_sample(*pair), per_sample(*kept)
    assert (exact.bounds == 0).all()
    assert (found.bounds > 0).all()
    assert (np.abs(found.values - exact.values) <= found.bounds + 1e-6).all()
    row = next(
        JensenShannon().against(Evidence({"forget": kept[0]}), Evidence({"forget": kept[1]}), 0)
    ).measurement
    assert row.bound == pytest.approx(found.bounds.mean())


def exactly(whole: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return np.array([jensenshannon(p, q, base=2) ** 2 for p, q in zip(*whole, strict=True)])


def merged_bounds(first: Trace, second: Trace) -> np.ndarray:
    """Half the width of the plain interval: all tokens that are not known of both merged, or all apart."""
    found = []
    for i in range(len(first)):
        one = dict(zip(first.top_ids[i], np.exp(first.top_log_probs[i].astype(float)), strict=True))
        other = dict(
            zip(second.top_ids[i], np.exp(second.top_log_probs[i].astype(float)), strict=True)
        )
        shared = sorted(set(one) & set(other))
        p, q = (np.array([side[t] for t in shared]) for side in (one, other))
        rests = max(1 - p.sum(), 0), max(1 - q.sum(), 0)
        p, q = np.append(p, rests[0]), np.append(q, rests[1])
        low = (rel_entr(p, (p + q) / 2) + rel_entr(q, (p + q) / 2)) / 2 / np.log(2)
        high = low[:-1].sum() + sum(rests) / 2
        found.append((min(high, 1) - low.sum()) / 2)
    return np.array(found)


@given(st.integers(0, 10_000), st.integers(1, 12), st.sampled_from([0.1, 1.0, 20.0]))
def test_the_interval_holds_the_exact_value_whatever_was_kept(make_pair, seed, k, spread) -> None:  # type: ignore[no-untyped-def]
    first, second, whole = make_pair(seed, k, spread)
    found = at_positions(first, second)
    assert (np.abs(found.values - exactly(whole)) <= found.bounds + 1e-5).all()
    assert (found.bounds <= merged_bounds(first, second) + 1e-5).all()


@given(st.integers(0, 10_000), st.sampled_from([0.1, 1.0, 20.0]))
def test_the_bound_shrinks_with_what_is_kept(make_pair, seed, spread) -> None:  # type: ignore[no-untyped-def]
    bounds = [at_positions(*make_pair(seed, k, spread)[:2]).bounds for k in (1, 3, 5, 8, 12, 13)]
    for more, less in itertools.pairwise(bounds):
        assert (less <= more + 1e-5).all()
    assert (bounds[-1] == 0).all()


def test_the_bound_is_well_below_that_of_merged_rests(make_pair) -> None:  # type: ignore[no-untyped-def]
    """Related models that keep 20 of 200 tokens: sharp distributions, and flat ones."""
    for spread, share in ((0.02, 0.6), (50.0, 0.2)):
        first, second, _ = make_pair(0, 20, spread, 200)
        assert (
            at_positions(first, second).bounds.mean() < share * merged_bounds(first, second).mean()
        )


@pytest.mark.parametrize("apart", [True, False])
def test_either_end_of_the_interval_is_reached(cut, apart: bool) -> None:  # type: ignore[no-untyped-def]
    """Two models that share one kept token and put the rest on the same tokens, or on different ones."""
    rest = np.zeros(21)
    rest[:10] = 0.04
    probs = [np.append(0.6, rest), np.append(0.6, rest[::-1] if apart else rest)]
    whole = (probs[0][None], probs[1][None])
    found = at_positions(*(cut(side, 1) for side in whole))
    end = found.values + found.bounds if apart else found.values - found.bounds
    assert end == pytest.approx(exactly(whole), abs=1e-6)
    assert exactly(whole) == pytest.approx(0.4 if apart else 0)


def test_a_row_of_the_first_token_alone(make_trace) -> None:  # type: ignore[no-untyped-def]
    model, oracle = make_trace(seed=0), make_trace(seed=1)
    rows = list(
        JensenShannon().against(Evidence({"forget": model}), Evidence({"forget": oracle}), 0)
    )
    assert [row.measurement.split for row in rows] == ["forget", "forget/first_token"]
    expected = [
        jensenshannon(np.exp(model.top_log_probs[at]), np.exp(oracle.top_log_probs[at]), base=2)
        ** 2
        for at in model.offsets[:-1]
    ]
    assert rows[1].measurement.value == pytest.approx(np.mean(expected), rel=1e-5)


def test_a_missing_split_is_a_status(make_trace) -> None:  # type: ignore[no-untyped-def]
    rows = list(JensenShannon().against(Evidence({}), Evidence({"forget": make_trace()}), 7))
    assert [(row.measurement.status, row.oracle_seed) for row in rows] == [
        (Status.MISSING_TRACE, 7)
    ]


def test_a_good_value_does_not_show_that_the_inside_is_the_oracles(make_trace) -> None:  # type: ignore[no-untyped-def]
    oracle = make_trace(seed=1)
    layers = oracle.answer_activations
    model = dataclasses.replace(
        oracle, answer_activations={layer: -10 * kept for layer, kept in layers.items()}
    )
    both = Evidence({"forget": model}), Evidence({"forget": oracle})
    assert next(JensenShannon().against(*both, 0)).measurement.value == pytest.approx(0, abs=1e-9)
    distance = next(ActivationDistance().against(*both, 0)).measurement.value
    assert distance is not None
    assert distance > 5


NOT_SHOWN = {"JS": test_a_good_value_does_not_show_that_the_inside_is_the_oracles}
