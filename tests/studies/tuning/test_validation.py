from __future__ import annotations

import pytest

from uqs import benchmarks
from uqs.studies.tuning.validation import validation

NAMES = ("mllmu_bench:tiny", "unlok_vqa:tiny", "mmubench:tiny")


@pytest.mark.parametrize("name", NAMES)
def test_the_forget_set_of_a_study_has_no_part(name: str) -> None:
    data = benchmarks.load(name)
    found = validation(data, seed=7, questions=120)
    forget, retain = found.unlearn["forget"], found.unlearn["retain"]
    ours = data.learn["forget"].entities
    for split in (forget, retain, found.forget, found.retain):
        assert split.samples
        assert not split.entities & ours
    assert not forget.entities & retain.entities
    assert forget.entities | retain.entities == data.unlearn["retain"].entities
    assert found.forget.entities <= forget.entities
    assert found.retain.entities <= retain.entities
    assert set(found.forget.samples) <= set(data.learn["retain"].samples)
    assert max(len(found.forget), len(found.retain)) <= 120


def test_as_many_entities_and_pictures_as_in_a_study() -> None:
    data = benchmarks.load("mmubench:tiny")
    found = validation(data, seed=7, questions=120)
    assert len(found.unlearn["forget"].entities) == 5
    for entity in found.unlearn["forget"].entities:
        shown = {s.picture for s in found.unlearn["forget"].samples if s.entity == entity}
        assert len(shown) == 1  # a study's method sees one picture of each concept, too
    # of fewer than twice 20 retained entities the half: of 26 people, and of 30 flags
    for name, half in ((NAMES[0], 13), (NAMES[1], 15)):
        found = validation(benchmarks.load(name), 7, 120)
        assert (
            len(found.unlearn["forget"].entities) == len(found.unlearn["retain"].entities) == half
        )


def test_the_seed_decides() -> None:
    data = benchmarks.load("mmubench:tiny")
    assert validation(data, 7, 50) == validation(data, 7, 50)
    assert validation(data, 7, 50).forget != validation(data, 8, 50).forget
