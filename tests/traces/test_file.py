from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from uqs.errors import DataError
from uqs.traces.file import read_trace, splits, write_trace
from uqs.traces.trace import Trace


def trace() -> Trace:
    rng = np.random.default_rng(0)
    return Trace(
        split="forget",
        ids=("a", "b"),
        entities=("x", "y"),
        tasks=("short", "cloze"),
        golds=("rød", "blue"),
        answers=("", "blue"),
        offsets=np.array([0, 2, 3]),
        gold_ids=np.array([4, 1, 2]),
        log_probs=np.log(rng.dirichlet(np.ones(5), 3)).astype(np.float32),
        activations={-1: rng.normal(size=(2, 3)).astype(np.float32)},
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_trace(trace(), tmp_path)
    found = read_trace(tmp_path, "forget")
    assert splits(tmp_path) == ["forget"]
    for name in ("ids", "entities", "tasks", "golds", "answers"):
        assert getattr(found, name) == getattr(trace(), name)
    np.testing.assert_array_equal(found.log_probs, trace().log_probs)
    np.testing.assert_array_equal(found.activations[-1], trace().activations[-1])


def test_losses_by_hand() -> None:
    one = trace()
    expected = [-(one.log_probs[0, 4] + one.log_probs[1, 1]) / 2, -one.log_probs[2, 2]]
    np.testing.assert_allclose(one.gold_losses(), expected, rtol=1e-6)


def test_a_missing_trace_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"forget\.json: no such trace"):
        read_trace(tmp_path, "forget")


def test_truncated_numbers_are_named(tmp_path: Path) -> None:
    write_trace(trace(), tmp_path)
    numbers = tmp_path / "forget.safetensors"
    numbers.write_bytes(numbers.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"forget\.safetensors: is no readable safetensors"):
        read_trace(tmp_path, "forget")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "'format': 2 is not 1"),
        ({"answers": ["only one"]}, "answers: 1 entries for 2 samples"),
    ],
)
def test_words_that_do_not_fit_are_named(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    write_trace(trace(), tmp_path)
    words = tmp_path / "forget.json"
    words.write_text(json.dumps(json.loads(words.read_text()) | change))
    with pytest.raises(DataError, match=message):
        read_trace(tmp_path, "forget")
