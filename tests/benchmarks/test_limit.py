"""A part of a benchmark: some entities per split, and it says so."""

from __future__ import annotations

import pytest

from uqs import benchmarks
from uqs.benchmarks.limit import asked, with_limit
from uqs.errors import UserError


@pytest.mark.parametrize("name", ["mllmu_bench", "unlok_vqa", "mmubench"])
def test_every_split_has_so_many_entities(name: str) -> None:
    whole, part = benchmarks.load(f"{name}:tiny"), benchmarks.load(with_limit(f"{name}:tiny", 3))
    assert part.edition == "tiny#3"
    assert part.data_hash != whole.data_hash
    for own, every in (
        (part.learn, whole.learn),
        (part.unlearn, whole.unlearn),
        (part.evaluate, whole.evaluate),
    ):
        assert set(own) == set(every)
        for split in every:
            samples = own[split].samples
            assert len(own[split].entities) == min(3, len(every[split].entities)), split
            expected = [s for s in every[split].samples if s.entity in own[split].entities]
            assert list(samples) == expected
    assert part.learn["forget"].entities == part.evaluate["forget"].entities
    assert part.evaluate["forget_reworded"].entities <= part.evaluate["forget"].entities


def test_a_folder_may_have_the_mark_in_its_name() -> None:
    assert asked("/data/set#one") == ("/data/set#one", None)
    assert asked("tiny#12") == ("tiny", 12)


def test_one_entity_is_too_few() -> None:
    with pytest.raises(UserError, match="at least 2"):
        benchmarks.load("mmubench:tiny#1")
