from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import rel_entr

from uqs.metrics.distributions import ROUNDING, blocks, common_tokens

WHOLE = slice(None)


def top(log_probs: np.ndarray, ids: np.ndarray) -> dict[int, float]:
    return dict(zip(ids.tolist(), np.exp(log_probs.astype(np.float64)).tolist(), strict=True))


@given(st.integers(0, 10_000), st.integers(1, 12))
def test_a_whole_distribution_is_cut_to_what_the_other_keeps(make_pair, seed: int, k: int) -> None:  # type: ignore[no-untyped-def]
    cut, whole = make_pair(seed, k, 1.0), make_pair(seed, 13, 1.0)
    expected, found = (next(blocks(*pair)) for pair in (cut[:2], (whole[0], cut[1])))
    turned = next(blocks(cut[0], whole[1]))
    for other in (found, turned):
        assert not other.complete
        for one, two in zip(expected.closest(), other.closest(), strict=True):
            np.testing.assert_allclose(np.exp(one), np.exp(two), atol=1e-5)
        np.testing.assert_array_equal(expected.others, other.others)


@pytest.mark.parametrize("top_k", [1, 4, 9])
def test_equals_a_plain_loop_over_tokens(make_trace, top_k: int) -> None:  # type: ignore[no-untyped-def]
    first, second = (make_trace(seed=seed, top_k=top_k, vocabulary=17) for seed in (0, 1))
    found = common_tokens(first, second, WHOLE)
    for i in range(len(first.gold_ids)):
        one = top(first.top_log_probs[i], first.top_ids[i])
        other = top(second.top_log_probs[i], second.top_ids[i])
        shared = [token for token in one if token in other]
        for side, mine, theirs in ((found.first, one, other), (found.second, other, one)):
            kept = np.exp(side.shared[i])
            assert sorted(kept[kept > 0]) == pytest.approx(sorted(mine[t] for t in shared))
            alone = sorted(p for t, p in mine.items() if t not in theirs)
            assert sorted(side.alone[i][side.alone[i] > 0]) == pytest.approx(alone)
            assert side.tail[i] == pytest.approx(1 - sum(mine.values()), abs=1e-6)
            assert side.cap[i] <= min(mine.values())
        assert found.others[i] == 17 - len(set(one) | set(other))
        pairs = zip(np.exp(found.first.shared[i]), np.exp(found.second.shared[i]), strict=True)
        assert sorted((p, q) for p, q in pairs if p > 0) == [
            pytest.approx(pair) for pair in sorted((one[t], other[t]) for t in shared)
        ]


def test_blocks_cover_all_positions_in_order(make_trace, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    first, second = (make_trace(seed=seed, top_k=3) for seed in (0, 1))
    whole = common_tokens(first, second, WHOLE)
    monkeypatch.setattr("uqs.metrics.distributions.BLOCK", 7)
    parts = list(blocks(first, second))
    assert len(parts) > 1
    for found, expected in (
        (np.concatenate([p.first.shared for p in parts]), whole.first.shared),
        (np.concatenate([p.second.alone for p in parts]), whole.second.alone),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_other_vocabularies_are_an_error(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace(top_k=3)
    for other in (dataclasses.replace(trace, vocabulary=12), make_trace(vocabulary=12)):
        with pytest.raises(ValueError, match="different tokens"):
            list(blocks(trace, dataclasses.replace(other, gold_ids=trace.gold_ids)))


def test_a_tail_recorded_as_nothing_is_what_rounds_to_nothing(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace(top_k=3)
    trace.tail_masses[:] = 0
    assert (common_tokens(trace, trace, WHOLE).first.tail <= ROUNDING).all()
    assert (common_tokens(trace, trace, WHOLE).first.tail > 0).all()


def divergences(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Jensen-Shannon (nats) and both Kullback-Leibler divergences, by SciPy."""
    middle = (p + q) / 2
    js = (rel_entr(p, middle).sum() + rel_entr(q, middle).sum()) / 2
    return np.array([js, rel_entr(p, q).sum(), rel_entr(q, p).sum()])


@given(st.integers(0, 10_000), st.integers(1, 6), st.sampled_from([0.2, 1.0, 5.0]))
def test_no_pair_that_agrees_with_what_is_known_is_closer(make_pair, seed, k, spread) -> None:  # type: ignore[no-untyped-def]
    """Against the very pair that was cut, and against others that agree with what was kept of it."""
    first, second, whole = make_pair(seed, k, spread)
    one, other = (np.exp(side) for side in common_tokens(first, second, WHOLE).closest())
    assert one.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert other.sum(axis=1) == pytest.approx(1, abs=1e-5)
    for i in range(len(one)):
        least = divergences(one[i], other[i])
        assert (least <= divergences(whole[0][i], whole[1][i]) + 1e-5).all()


def test_the_closest_pair_is_what_a_general_optimiser_finds(make_pair) -> None:  # type: ignore[no-untyped-def]
    for seed in range(6):
        first, second, _ = make_pair(seed, 3, 1.0)
        tokens = common_tokens(first, second, WHOLE)
        one, other = (np.exp(side) for side in tokens.closest())
        for i in range(2):
            p = tokens.first.alone[i][tokens.first.alone[i] > 0]
            q = tokens.second.alone[i][tokens.second.alone[i] > 0]
            tails = tokens.first.tail[i], tokens.second.tail[i]
            caps = tokens.first.cap[i], tokens.second.cap[i]
            shared = [np.exp(side.shared[i]) for side in (tokens.first, tokens.second)]

            def completed(x: np.ndarray, p=p, q=q, tails=tails, shared=shared):  # type: ignore[no-untyped-def]
                for_q, for_p = x[: len(p)], x[len(p) :]
                left = tails[0] - for_p.sum(), tails[1] - for_q.sum()
                return (
                    np.concatenate([shared[0], p, for_p, [max(left[0], 0)]]),
                    np.concatenate([shared[1], for_q, q, [max(left[1], 0)]]),
                )

            if len(p) == 0:
                continue
            start = np.concatenate([np.full(len(p), tails[1]), np.full(len(q), tails[0])]) / (
                2 * len(p) + 2
            )
            best = minimize(
                lambda x, f=completed: divergences(*f(x))[0],
                np.minimum(start, np.repeat(caps[::-1], len(p))),
                bounds=[(0, caps[1])] * len(p) + [(0, caps[0])] * len(q),
                constraints=[
                    {"type": "ineq", "fun": lambda x, p=p, t=tails: t[1] - x[: len(p)].sum()},
                    {"type": "ineq", "fun": lambda x, p=p, t=tails: t[0] - x[len(p) :].sum()},
                ],
                method="SLSQP",
                options={"maxiter": 300, "ftol": 1e-12},
            )
            assert divergences(one[i], other[i])[0] == pytest.approx(best.fun, abs=2e-5)
