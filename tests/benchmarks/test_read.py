from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uqs.benchmarks import _read
from uqs.errors import DataError
from uqs.records import Sample

HERE = Path("data")


@given(
    st.sets(st.text(min_size=1), min_size=6),
    st.integers(1, 2),
    st.integers(1, 3),
    st.integers(0, 99),
)
def test_draw_splits_everything_whatever_the_order(
    pool: set[str], first: int, second: int, seed: int
) -> None:
    found = _read.draw(pool, [first, second], seed, HERE)
    assert [len(part) for part in found] == [first, second, len(pool) - first - second]
    assert set.union(*found) == pool
    assert found == _read.draw(sorted(pool, reverse=True), [first, second], seed, HERE)


def test_draw_is_uniform() -> None:
    """Each of 6 entities is drawn first about equally often: within 5 standard errors of 1/6."""
    counts = dict.fromkeys("abcdef", 0)
    for seed in range(1200):
        (name,) = _read.draw("abcdef", [1], seed, HERE)[0]
        counts[name] += 1
    assert all(abs(count - 200) < 5 * (1200 * 5 / 36) ** 0.5 for count in counts.values())


def test_draw_refuses_to_take_all() -> None:
    with pytest.raises(DataError, match="has 3 entities; 2 \\+ 1"):
        _read.draw("abc", [2, 1], 0, HERE)


@given(st.integers(0, 40), st.integers(1, 40), st.integers(0, 9))
def test_capped_keeps_order_and_invents_nothing(count: int, limit: int, seed: int) -> None:
    samples = [Sample(str(i), "e", "short", "q", "a") for i in range(count)]
    found = _read.capped(samples, limit, seed)
    assert len(found) == min(count, limit)
    assert [int(sample.id) for sample in found] == sorted(int(sample.id) for sample in found)
    assert _read.capped(samples, None, seed) == tuple(samples)


def test_the_hash_follows_names_contents_and_options(tmp_path: Path) -> None:
    def value(names: dict[str, str], options: dict[str, object]) -> str:
        for name, content in names.items():
            (tmp_path / name).write_text(content)
        return _read.data_hash(tmp_path, [tmp_path / name for name in names], options)

    base = value({"a": "1", "b": "2"}, {"k": 1})
    assert value({"b": "2", "a": "1"}, {"k": 1}) == base
    changed = [
        value({"a": "1", "b": "3"}, {"k": 1}),
        value({"a": "1", "c": "2"}, {"k": 1}),
        value({"a": "1", "b": "2"}, {"k": 2}),
        value({"a": "12", "b": ""}, {"k": 1}),
    ]
    assert len({base, *changed}) == 5
