from __future__ import annotations

import itertools
import json
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from uqs.methods.streams import WINDOW, Stream
from uqs.models.vlm import Encoding


def encoded(n: int) -> Encoding:
    return Encoding(((1,),) * n, ((2,),) * n, ((),) * n, (-1,) * n, ())


@given(
    st.integers(1, 20), st.integers(1, 20), st.integers(1, 5), st.integers(1, 5), st.integers(0, 30)
)
def test_parts_are_covered_evenly(first: int, second: int, k: int, m: int, windows: int) -> None:
    stream = Stream(encoded(first + second), (first, second), (k, m))
    generator = torch.Generator().manual_seed(0)
    taken = windows * stream.window
    seen = Counter(i for b in itertools.islice(stream.batches(generator), taken) for i in b)
    for part, count in ((range(first), k), (range(first, first + second), m)):
        counts = [seen[i] for i in part]
        assert max(counts) - min(counts) <= 1
        assert sum(counts) == count * taken


@given(st.integers(1, 60), st.integers(1, 40))
def test_a_window_holds_no_sample_more_often_than_twice(n: int, batch_size: int) -> None:
    """Once, but where one round of the samples ends and the next begins."""
    stream = Stream.of(encoded(n), batch_size)
    batches = stream.batches(torch.Generator().manual_seed(0))
    assert stream.window == max(1, min(WINDOW, n // batch_size))
    for _ in range(4):
        seen = Counter(i for b in itertools.islice(batches, stream.window) for i in b)
        assert max(seen.values()) <= 2


def test_fewer_samples_than_a_batch_are_all_of_it() -> None:
    stream = Stream.of(encoded(7), 32)
    assert stream.counts == (7,)
    for batch in itertools.islice(stream.batches(torch.Generator().manual_seed(0)), 20):
        assert sorted(batch) == list(range(7))


def test_a_batch_of_no_samples_is_an_error() -> None:
    with pytest.raises(ValueError, match="part"):
        Stream.of(encoded(0), 4)


def test_batches_hold_samples_of_like_length() -> None:
    lengths = [1, 9] * 40
    mixed = Encoding(tuple((1,) * n for n in lengths), ((2,),) * 80, ((),) * 80, (-1,) * 80, ())
    batches = Stream.of(mixed, 10).batches(torch.Generator().manual_seed(0))
    for batch in itertools.islice(batches, WINDOW):
        assert len(batch) == 10
        assert len({lengths[i] for i in batch}) == 1


def test_the_order_is_the_generators() -> None:
    stream = Stream.of(encoded(10), 3)

    def take(seed: int) -> list[object]:
        return list(itertools.islice(stream.batches(torch.Generator().manual_seed(seed)), 8))

    assert take(1) == take(1)
    assert take(1) != take(2)


@pytest.mark.parametrize(
    ("sizes", "counts"), [((3,), (1,)), ((0, 4), (1, 1)), ((4,), (0,)), ((4,), (1, 1))]
)
def test_parts_that_do_not_fit_are_an_error(
    sizes: tuple[int, ...], counts: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="part"):
        Stream(encoded(4), sizes, counts)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 40), st.integers(0, 10_000))
def test_batches_go_on_from_any_position(first: int, second: int, taken: int, seed: int) -> None:
    stream = Stream(encoded(first + second), (first, second), (3, 1))
    generator, other = torch.Generator().manual_seed(seed), torch.Generator()
    left_alone = stream.batches(generator)
    for _ in range(taken):
        next(left_alone)
    position = json.loads(json.dumps(left_alone.position))
    other.set_state(generator.get_state())
    resumed = stream.batches(other)
    resumed.go_to(position)
    for _ in range(30):
        assert next(resumed) == next(left_alone)
