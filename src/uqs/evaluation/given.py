"""Checks how a given folder of traces was made (docs/traces.md) against what is needed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from uqs.checkpoints.content import content_hash
from uqs.errors import DataError
from uqs.records import Split
from uqs.traces.file import INDEX, read_index, read_trace
from uqs.traces.store import samples_hash, weights_hash

NEEDED = ("forget", "retain", "holdout")
SAID = ("data_hash", "settings")
"""The fields of `about` that other tracing programs should write."""


def questions(splits: Mapping[str, Split]) -> dict[str, str]:
    """A hash of each split's questions with their pictures.

    The plausible wrong answers are not included, because the metrics decide whether they are needed.
    """
    return {
        name: samples_hash(Split(name, tuple(replace(s, wrong=()) for s in split.samples)))
        for name, split in splits.items()
    }


def check_questions(folder: Path, data_hash: str, asked: Mapping[str, Split]) -> list[str]:
    """The required splits. Raises DataError if the traces have other questions."""
    index = read_index(folder)
    held, about = sorted(index["splits"]), index["about"]
    for name in NEEDED:
        if name not in held:
            raise DataError("has no traces of it", file=folder / INDEX, field="splits", row=name)
    known = [name for name in held if name in asked]
    if "uqs" in about and not {"questions", *SAID} <= set(about):
        problem = "does not name its questions, as UQS now does; trace the model again"
        raise DataError(problem, file=folder / INDEX, field="about")
    if about.get("data_hash", data_hash) != data_hash:
        problem = "is of other data than the benchmark's"
        raise DataError(problem, file=folder / INDEX, field="data_hash")
    hashes = _object(folder, about, "questions")
    wanted = questions({name: asked[name] for name in known if name in hashes})
    for name in known:
        if name in hashes and hashes[name] != wanted[name]:
            problem = "is of other questions or pictures than the benchmark's"
            raise DataError(problem, file=folder / INDEX, field="questions", row=name)
        _check_words(folder, asked[name], name)
    return known


def _check_words(folder: Path, split: Split, name: str) -> None:
    trace = read_trace(folder, name)
    ids, golds = ([getattr(s, field) for s in split.samples] for field in ("id", "answer"))
    if list(trace.ids) != ids or list(trace.golds) != golds:
        problem = "its ids or gold answers are not those of the benchmark's split"
        raise DataError(problem, file=folder / name)


def settings_of(folder: Path) -> Mapping[str, Any]:
    """The settings of the traces, as far as they are recorded."""
    return _object(folder, read_index(folder)["about"], "settings")


def check_settings(folder: Path, expected: Mapping[str, Any]) -> None:
    """Raise DataError if traces were made with other settings than those of the other models."""
    for name, value in settings_of(folder).items():
        if name in expected and value != expected[name]:
            problem = f"was traced with {name} {value}, the other models with {expected[name]}"
            raise DataError(problem, file=folder / INDEX, field="settings")


def unsaid(folder: Path) -> str | None:
    """What could not be checked, because the traces do not record it."""
    about = read_index(folder)["about"]
    missing = [name for name in SAID if not about.get(name)]
    if not missing:
        return None
    return (
        f"its traces do not say {', '.join(missing)}: only ids and gold answers were certainly compared "
        "with the benchmark's, see docs/traces.md"
    )


def recorded_weights(folder: Path) -> str:
    """A hash of the traced model's weights; if not recorded, of the traced numbers."""
    model = _object(folder, read_index(folder)["about"], "model")
    if "start" in model and "adapter" in model:
        return weights_hash(str(model["start"]), str(model["adapter"]))
    return content_hash(folder / "forget", (".safetensors",))


def _object(folder: Path, about: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    found = about.get(field, {})
    if not isinstance(found, dict):
        raise DataError("is not an object", file=folder / INDEX, field=field)
    return found
