"""Who is taught what: shares, nested by seed."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uqs import benchmarks
from uqs.studies.references import part_of, taught


@given(count=st.integers(1, 40), seed=st.integers(0, 2**31 - 1))
def test_parts_of_a_seed_are_nested(count: int, seed: int) -> None:
    entities = [f"entity {i}" for i in range(count)]
    parts = [part_of(entities, share / 8, seed, "forget") for share in range(9)]
    assert all(one <= other for one, other in itertools.pairwise(parts))
    assert (parts[0], parts[-1]) == (frozenset(), frozenset(entities))
    for share, part in enumerate(parts):
        assert abs(len(part) - count * share / 8) <= 0.5


def test_parts_depend_on_seed_and_use_and_not_on_the_order_of_entities() -> None:
    entities = [f"entity {i}" for i in range(20)]
    drawn = {part_of(entities, 0.5, seed, word) for seed in range(5) for word in ("forget", "x")}
    assert len(drawn) == 10
    assert part_of(entities[::-1], 0.5, 0, "forget") == part_of(entities, 0.5, 0, "forget")


@pytest.mark.parametrize("name", ["mllmu_bench:tiny", "unlok_vqa:tiny", "mmubench:tiny"])
def test_a_reference_learns_retain_and_its_share_of_forget(name: str) -> None:
    data = benchmarks.load(name)
    forget, retain = data.learn["forget"].entities, data.learn["retain"].entities
    oracle, half, original = (taught(data, share, seed=3) for share in (0, 0.5, 1))
    assert oracle.samples(data) == data.learn["retain"].samples
    assert original.samples(data) == (*data.learn["forget"].samples, *data.learn["retain"].samples)
    assert {s.entity for s in half.samples(data)} == half.forget | retain
    assert half.share == len(half.forget) / len(forget)
    assert (oracle.share, original.share) == (0, 1)


def test_a_share_is_that_of_whole_entities() -> None:
    """A quarter of five concepts is one of five."""
    data = benchmarks.load("mmubench:tiny")
    assert [taught(data, share, 0).share for share in (0.25, 0.5, 0.75)] == [0.2, 0.6, 0.8]


def test_a_damaged_original_lacks_a_share_of_retain() -> None:
    data = benchmarks.load("unlok_vqa:tiny")
    found = taught(data, 1, seed=0, retain_missing=0.5)
    retain = data.learn["retain"].entities
    assert found.forget == data.learn["forget"].entities
    assert len(found.retain) == len(retain) / 2
    assert found.retain_share == 0.5
    learnt = {sample.entity for sample in found.samples(data)}
    assert learnt == found.forget | found.retain
    assert dataclasses.replace(found, retain=retain).samples(data) == taught(data, 1, 0).samples(
        data
    )
