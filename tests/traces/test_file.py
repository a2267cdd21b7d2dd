from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from uqs.errors import DataError
from uqs.traces.file import read_index, read_trace, splits, write_traces
from uqs.traces.trace import Trace


def same(one: Trace, other: Trace) -> None:
    for field in fields(Trace):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, dict):
            assert mine.keys() == theirs.keys()
            for layer, values in mine.items():
                np.testing.assert_array_equal(theirs[layer], values)
        elif isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype, field.name
            np.testing.assert_array_equal(theirs, mine)
        else:
            assert theirs == mine


@pytest.mark.parametrize("top_k", [None, 4])
def test_what_is_written_in_parts_is_read_whole(make_trace, tmp_path: Path, top_k) -> None:  # type: ignore[no-untyped-def]
    whole, other = make_trace("forget", top_k=top_k), make_trace("holdout", top_k=top_k)
    parts = [whole.take(range(5)), whole.take(range(5, 6)), whole.take(range(6, len(whole)))]
    write_traces([*parts, other], tmp_path, {"model": "m"})
    assert splits(tmp_path) == ["forget", "holdout"]
    assert read_index(tmp_path)["splits"]["forget"] == {"samples": 24, "parts": 3}
    assert read_index(tmp_path)["about"] == {"model": "m"}
    same(read_trace(tmp_path, "forget"), whole)
    same(read_trace(tmp_path, "holdout"), other)


def test_a_missing_trace_is_named(make_trace, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match=r"trace\.json: no such trace"):
        read_trace(tmp_path, "forget")
    write_traces([make_trace()], tmp_path, {})
    with pytest.raises(DataError, match="row holdout, field 'splits': no such split"):
        read_trace(tmp_path, "holdout")


def test_truncated_numbers_are_named(make_trace, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    write_traces([make_trace()], tmp_path, {})
    numbers = tmp_path / "forget" / "00000.safetensors"
    numbers.write_bytes(numbers.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"00000\.safetensors: is not a readable safetensors"):
        read_trace(tmp_path, "forget")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 1}, "'format': 1 is not 2"),
        ({"answers": ["only one"]}, "answers: 1 rows, not 24"),
        ({"vocabulary": 5}, "vocabulary of 5"),
        ({"candidates": [[]] * 24}, "candidate_losses: 48 rows, not 0"),
    ],
)
def test_words_that_do_not_fit_are_named(
    make_trace, tmp_path: Path, change: dict[str, object], message: str
) -> None:  # type: ignore[no-untyped-def]
    write_traces([make_trace(top_k=3)], tmp_path, {})
    words = tmp_path / "forget" / "00000.json"
    words.write_text(json.dumps(json.loads(words.read_text()) | change))
    with pytest.raises(DataError, match=message):
        read_trace(tmp_path, "forget")


def test_a_missing_part_is_named(make_trace, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    whole = make_trace()
    write_traces([whole.take(range(5)), whole.take(range(5, 24))], tmp_path, {})
    (tmp_path / "forget" / "00001.json").unlink()
    with pytest.raises(DataError, match=r"00001\.json: no such trace"):
        read_trace(tmp_path, "forget")


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"../../etc": {"samples": 1, "parts": 1}}, "is not the name of a split"),
        ({"forget": {"samples": 1}}, "must have whole numbers of samples and parts"),
        ({"forget": 3}, "must have whole numbers of samples and parts"),
        ([], "is not an object"),
    ],
)
def test_an_index_that_is_none_is_named(make_trace, tmp_path: Path, splits, message: str) -> None:  # type: ignore[no-untyped-def]
    write_traces([make_trace()], tmp_path, {})
    index = json.loads((tmp_path / "trace.json").read_text())
    (tmp_path / "trace.json").write_text(json.dumps(index | {"splits": splits}))
    with pytest.raises(DataError, match=message):
        read_index(tmp_path)


def other_numbers(folder: Path, how: Callable[[dict[str, np.ndarray]], object]) -> None:
    numbers = folder / "forget" / "00000.safetensors"
    arrays = load_file(numbers)
    how(arrays)
    save_file(arrays, numbers)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda a: a.pop("means"), "'means': missing"),
        (lambda a: a.update(extra=a["means"]), "'extra': is not an array of a trace"),
        (
            lambda a: a.update({"lens_ranks.1": a["lens_ranks.-1"]}),
            r"'lens_ranks\.1': is not an array",
        ),
        (
            lambda a: a.update({"lens_ranks.x": a["lens_ranks.-1"]}),
            r"'lens_ranks\.x': is not an array",
        ),
        (
            lambda a: a.update(means=a["means"].astype(np.float64)),
            "'means': is float64 with 1 axes, not float32 with 1",
        ),
        (
            lambda a: a.update(gold_ids=a["gold_ids"].astype(np.float32)),
            "'gold_ids': is float32 with 1 axes, not int64 with 1",
        ),
        (
            lambda a: a.update({"answer_activations.-1": a["answer_activations.-1"][:, 0].copy()}),
            "is float32 with 1 axes, not float32 with 2",
        ),
        (lambda a: a.update(tail_masses=a["tail_masses"][1:].copy()), "tail_masses: .* rows, not"),
    ],
)
def test_arrays_that_are_not_those_of_a_trace_are_named(
    make_trace, tmp_path: Path, how, message: str
) -> None:  # type: ignore[no-untyped-def]
    write_traces([make_trace()], tmp_path, {})
    other_numbers(tmp_path, how)
    with pytest.raises(DataError, match=message):
        read_trace(tmp_path, "forget")


def test_a_part_that_the_index_does_not_know_is_named(make_trace, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    write_traces([make_trace()], tmp_path, {})
    part = tmp_path / "forget" / "00000.safetensors"
    part.with_name("00001.safetensors").write_bytes(part.read_bytes())
    with pytest.raises(DataError, match=r"00001\.safetensors: is not among the 1 parts"):
        read_trace(tmp_path, "forget")


def test_a_part_of_another_split_is_named(make_trace, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    write_traces([make_trace("forget"), make_trace("holdout")], tmp_path, {})
    for file in (tmp_path / "holdout").iterdir():
        (tmp_path / "forget" / file.name).write_bytes(file.read_bytes())
    with pytest.raises(DataError, match="its parts are of the split 'holdout'"):
        read_trace(tmp_path, "forget")


def test_options_are_kept_and_traces_without_them_are_read(make_trace, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    trace = replace(make_trace(), options=(("Rome", "Paris"), ()) * 12)
    write_traces([trace.take(range(5)), trace.take(range(5, 24))], tmp_path, {})
    same(read_trace(tmp_path, "forget"), trace)
    words = tmp_path / "forget" / "00000.json"
    tree = json.loads(words.read_text())
    del tree["options"]
    words.write_text(json.dumps(tree))
    assert read_trace(tmp_path, "forget").options == ((),) * 5 + trace.options[5:]
    words.write_text(json.dumps({**tree, "options": [[]]}))
    with pytest.raises(DataError, match="options: 1 rows, not 5"):
        read_trace(tmp_path, "forget")
