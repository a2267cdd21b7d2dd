"""A checkpoint's instruction is asked along, and its traces are taken for no other's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from uqs.checkpoints.find import Checkpoint, find
from uqs.checkpoints.identity import identity
from uqs.checkpoints.open import Models
from uqs.evaluation.tracer import Tracer
from uqs.models.system_prompt import FILE
from uqs.records import Sample, Split
from uqs.traces.file import read_trace
from uqs.traces.settings import TraceSettings
from uqs.traces.store import TraceStore

QUESTIONS = Split("forget", (Sample("a", "e", "short", "What is shown here?", "cat"),))


def say(folder: Path, text: str) -> None:
    (folder / FILE).write_text(json.dumps({"preamble": text}))


@pytest.fixture
def twins(make_adapter, tmp_path: Path) -> list[Checkpoint]:  # type: ignore[no-untyped-def]
    """One adapter three times: as it is, and with two instructions."""
    folders = [make_adapter(tmp_path / "plain", 1)]
    for name in ("one", "two"):
        folders.append(Path(shutil.copytree(folders[0], tmp_path / name)))
        say(folders[-1], f"Where is {name}?")
    return [find(folder) for folder in folders]


def test_twins_share_no_traces(twins: list[Checkpoint], tmp_path: Path) -> None:
    models, store = Models("cpu"), TraceStore(tmp_path / "cache")
    found = []
    for checkpoint in twins:
        own = identity(checkpoint, None, "float32", "cpu")
        settings = TraceSettings(max_new_tokens=1)
        with Tracer(checkpoint, own, models, store, settings, lambda *told: None) as tracer:
            place = tracer.ensure(QUESTIONS)
        found.append((own.weights, place, float(read_trace(place, "forget").gold_log_probs[0])))
    for column in zip(*found, strict=True):
        assert len(set(column)) == 3  # other hashes, other folders, other numbers


def test_an_adapter_without_one_is_hashed_as_ever(twins: list[Checkpoint], tmp_path: Path) -> None:
    """Traces that are in somebody's cache stay good."""
    import hashlib

    folder = twins[0].folder
    config = json.loads((folder / "adapter_config.json").read_text())
    del config["base_model_name_or_path"]
    file = hashlib.sha256((folder / "adapter_model.safetensors").read_bytes()).hexdigest()
    weights = hashlib.sha256(f"adapter_model.safetensors {file}\n".encode()).hexdigest()
    expected = hashlib.sha256((weights + json.dumps(config, sort_keys=True)).encode()).hexdigest()
    assert identity(twins[0], None, "float32", "cpu").adapter == expected


def test_it_is_the_checkpoints_own_and_not_its_neighbours(
    twins: list[Checkpoint], base: Path
) -> None:
    models = Models("cpu")
    for checkpoint, said in (
        (twins[1], "Where is one?"),
        (twins[0], ""),
        (twins[2], "Where is two?"),
        (Checkpoint(base, "model", "base"), ""),
    ):
        with models.opened(checkpoint) as vlm:
            assert vlm.system_prompt == said
            asked = f"{said}\nWhat is shown here?" if said else "What is shown here?"
            assert vlm.prompt(QUESTIONS.samples[0]) == f"USER: {asked} ASSISTANT:"


def test_a_whole_model_may_have_one(make_adapter, base: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    whole = Path(shutil.copytree(base, tmp_path / "whole"))
    before = identity(find(whole), None, "float32", "cpu")
    say(whole, "Where is it?")
    assert identity(find(whole), None, "float32", "cpu").start != before.start
    models = Models("cpu")
    with models.opened(find(whole)) as vlm:
        assert vlm.system_prompt == "Where is it?"
    with models.opened(find(make_adapter(tmp_path / "a", 1, of=whole))) as vlm:
        assert vlm.system_prompt == ""  # an adapter on it says itself what is asked
