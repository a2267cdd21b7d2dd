from __future__ import annotations

import pytest

from uqs import benchmarks
from uqs.benchmarks.own_holdout import with_holdout
from uqs.errors import UserError


def test_the_holdout_is_that_of_the_other_and_the_edition_says_so() -> None:
    own = benchmarks.load("unlok_vqa:tiny")
    other = benchmarks.load("mllmu_bench:tiny")
    found = benchmarks.load(with_holdout("unlok_vqa:tiny", "mllmu_bench:tiny"))
    assert found.evaluate["holdout"].samples == other.evaluate["holdout"].samples
    assert found.edition == "tiny&holdout=mllmu_bench:tiny"
    assert found.data_hash not in (own.data_hash, other.data_hash)
    for name in set(own.evaluate) - {"holdout"}:
        assert found.evaluate[name] == own.evaluate[name]
    assert (found.learn, found.unlearn) == (own.learn, own.unlearn)
    assert with_holdout("unlok_vqa:tiny", None) == "unlok_vqa:tiny"


def test_a_part_is_a_part_of_both() -> None:
    found = benchmarks.load("unlok_vqa:tiny&holdout=mllmu_bench:tiny#3")
    assert found.edition == "tiny&holdout=mllmu_bench:tiny#3"
    assert all(len(found.evaluate[name].entities) == 3 for name in ("forget", "holdout"))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("mllmu_bench:tiny", r"mllmu_bench:tiny is no other data: sample '.*' has an entity or a"),
        ("mllmu_bench", "names no edition"),
        ("mllmu", "unknown benchmark 'mllmu'"),
        ("mllmu_bench:/nowhere", "no folder '/nowhere'"),
    ],
)
def test_what_is_no_holdout_is_one_line(other: str, said: str) -> None:
    spec = "mllmu_bench:tiny"
    if other == spec:  # the same data, whose holdout another seed trains on
        data = benchmarks.load(spec, {"holdout_seed": 1})
        assert data.evaluate["holdout"] != benchmarks.load(spec).evaluate["holdout"]
        with pytest.raises(UserError, match=said):
            benchmarks.load(with_holdout(spec, other), {"holdout_seed": 1})
        return
    with pytest.raises(UserError, match=said) as caught:
        benchmarks.load(with_holdout(spec, other))
    assert "\n" not in str(caught.value)
