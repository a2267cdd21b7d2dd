"""What must not change an audit, and what must."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uqs.audit import audit

METRICS = ("FA", "RA", "AD")
tables = st.tuples(
    st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(1, 3), st.integers(1, 2)
)


def table(seed, methods, benchmarks, seeds):
    rng = np.random.default_rng(seed)
    keys = [
        (f"b{b}", f"m{m}", s)
        for b in range(benchmarks)
        for m in range(methods)
        for s in range(seeds)
    ]
    frame = pd.DataFrame(keys, columns=["benchmark", "method", "seed"])
    for name in (*METRICS, "oracle_distance"):
        frame[name] = rng.integers(0, 6, len(frame)) / 5
    return frame


def exact(frame, **options):
    """The parts of an audit that no draw touches."""
    found = audit(frame, rng=np.random.default_rng(0), resamples=200, **options).to_dict()
    return {
        "agreement": {
            frozenset((i["a"], i["b"])): (i["stratified"], i["pooled"], i["per_benchmark"])
            for i in found["agreement"]
        },
        "reliability": {
            i["metric"]: (i["stratified"], i["pooled"], i["per_benchmark"])
            for i in found["reliability"]
        },
    }


def close(a, b):
    """Equal, numbers to rounding."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(close(a[key], b[key]) for key in a)
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(close, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return a == pytest.approx(b, abs=1e-9)
    return a == b


@settings(max_examples=12)
@given(tables, st.randoms(use_true_random=False))
def test_rows_and_columns_in_any_order(shape, random):
    frame = table(*shape)
    rows, columns = list(range(len(frame))), list(frame.columns)
    random.shuffle(rows)
    random.shuffle(columns)
    moved = frame.iloc[rows][columns]
    whole = [audit(f, rng=np.random.default_rng(1), resamples=200) for f in (frame, moved)]
    assert whole[0].to_dict() == whole[1].to_dict()


@settings(max_examples=12)
@given(tables)
def test_a_flipped_metric_with_a_flipped_direction(shape):
    frame = table(*shape)
    flipped = frame.assign(FA=1 - frame["FA"])
    assert close(exact(frame), exact(flipped, directions={"FA": "higher"}))


@settings(max_examples=12)
@given(tables)
def test_methods_by_other_names(shape):
    frame = table(*shape)
    names = {name: f"x{9 - at}" for at, name in enumerate(sorted(frame["method"].unique()))}
    assert close(exact(frame), exact(frame.assign(method=frame["method"].map(names))))


@settings(max_examples=12)
@given(tables)
def test_monotone_scaling(shape):
    frame = table(*shape)
    before, after = exact(frame), exact(frame.assign(AD=np.exp(3 * frame["AD"]) + 2))
    for found in (before, after):
        # A benchmark's mean is no rank: the sentinel may move. Nor is an error: who is told apart may.
        del found["reliability"]["AD"][1]["sentinel_rho"]
    assert close(resolved(before), resolved(after))


def resolved(found):
    """As if every metric told methods apart, which it does by its values and not by their order."""
    if isinstance(found, dict):
        return {key: resolved(value) for key, value in found.items()}
    if isinstance(found, (tuple, list)):
        return [resolved(value) for value in found]
    return "ok" if found == "unresolved" else found


@settings(max_examples=12)
@given(tables)
def test_a_constant_column_changes_no_other_and_is_undefined_itself(shape):
    frame = table(*shape)
    before = exact(frame)
    after = exact(frame.assign(JS=0.5))
    unadjusted = lambda part: {**part, "p_adjusted": None}  # noqa: E731
    for pair, (stratified, pooled, cells) in before["agreement"].items():
        other = after["agreement"][pair]
        assert close((unadjusted(stratified), pooled, cells), (unadjusted(other[0]), *other[1:]))
    assert close(
        [entry[0]["p_adjusted"] for entry in before["agreement"].values()],
        [after["agreement"][pair][0]["p_adjusted"] for pair in before["agreement"]],
    )
    stratified, pooled, cells = after["reliability"]["JS"]
    assert stratified["rho"] is stratified["p_exact"] is stratified["p_adjusted"] is None
    assert pooled["rho"] is pooled["p_exact"] is None
    assert all(cell["rho"] is None for cell in cells.values())


def test_one_seed_one_answer_whatever_the_order_when_draws_are_made():
    rng = np.random.default_rng(5)
    frame = table(3, 4, 1, 2)
    wide = pd.concat([frame.assign(method=frame["method"] + f"_{i}") for i in range(3)])
    for name in (*METRICS, "oracle_distance"):
        wide[name] = rng.random(len(wide))
    moved = wide.sample(frac=1, random_state=1)
    first, second = (audit(f, rng=np.random.default_rng(7), resamples=300) for f in (wide, moved))
    assert not first.design.exact
    assert first.reliability[0].interval.low is not None
    assert first.to_dict() == second.to_dict()
    assert first.to_dict() != audit(wide, rng=np.random.default_rng(8), resamples=300).to_dict()
