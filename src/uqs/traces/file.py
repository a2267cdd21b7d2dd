"""The trace folder (docs/traces.md): per split numbered parts, numbers in safetensors and words in JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from uqs.errors import DataError
from uqs.traces.trace import (
    BY_CANDIDATE,
    BY_LAYER,
    BY_POSITION,
    BY_SAMPLE,
    WORDS,
    Trace,
    join,
)

FORMAT = 2
INDEX = "trace.json"
_SPLIT = re.compile(r"[A-Za-z0-9_][\w.-]*")
ARRAYS = ("offsets", *BY_POSITION, "top_ids", "top_log_probs", *BY_SAMPLE, *BY_CANDIDATE)
_LAYER = re.compile(r"-[1-9]\d*")
_AXES = {"top_ids": 2, "top_log_probs": 2, "answer_activations": 2, "prompt_activations": 2}
"""Number of axes of arrays with more than one."""
_TYPES = {"offsets": "int64", "gold_ids": "int64", "gold_ranks": "int64", "lens_ranks": "int64"} | {
    "top_ids": "int32"
}
"""Types of arrays that are not float32."""


def write_traces(parts: Iterable[Trace], folder: Path, about: Mapping[str, Any]) -> None:
    """Write consecutive parts of traces into an empty folder as they arrive; the index is written last.

    The index contains `about`: what was traced, how, and what happened.
    """
    counts: dict[str, dict[str, int]] = {}
    for part in parts:
        split = counts.setdefault(part.split, {"samples": 0, "parts": 0})
        _write_part(part, folder / part.split, split["parts"])
        split["samples"] += len(part)
        split["parts"] += 1
    write_index(folder, counts, about)


def write_index(
    folder: Path, counts: Mapping[str, Mapping[str, int]], about: Mapping[str, Any]
) -> None:
    """Write the index of a trace folder: `samples` and `parts` of each split, and `about`."""
    index = {"format": FORMAT, "splits": dict(counts), "about": dict(about)}
    (folder / INDEX).write_text(json.dumps(index, ensure_ascii=False, indent=1), encoding="utf-8")


def _write_part(trace: Trace, folder: Path, number: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {name: getattr(trace, name) for name in ARRAYS}
    for name in BY_LAYER:
        arrays |= {f"{name}.{layer}": kept for layer, kept in getattr(trace, name).items()}
    contiguous = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
    save_file(contiguous, folder / f"{number:05}.safetensors")
    words = {
        "format": FORMAT,
        "split": trace.split,
        "vocabulary": trace.vocabulary,
        **{name: getattr(trace, name) for name in WORDS},
    }
    text = json.dumps(words, ensure_ascii=False, indent=0)
    (folder / f"{number:05}.json").write_text(text, encoding="utf-8")


def read_index(folder: Path) -> dict[str, Any]:
    """The index of a trace folder: `splits` with their `samples` and `parts`, and `about`."""
    file = folder / INDEX
    index = _read_json(file)
    for field in ("splits", "about"):
        if not isinstance(index.get(field), dict):
            raise DataError("is not an object", file=file, field=field)
    for split, counts in index["splits"].items():
        if not _SPLIT.fullmatch(split):
            raise DataError("is not the name of a split", file=file, field="splits", row=split)
        if not isinstance(counts, dict) or not all(
            isinstance(counts.get(name), int) and counts[name] > 0 for name in ("samples", "parts")
        ):
            problem = "must have whole numbers of samples and parts"
            raise DataError(problem, file=file, field="splits", row=split)
    return index


def check_parts(folder: Path) -> None:
    """Raise DataError unless every part in the index exists and can be opened."""
    for split, counts in read_index(folder)["splits"].items():
        for number in range(counts["parts"]):
            stem = folder / split / f"{number:05}"
            _read_json(stem.with_suffix(".json"))
            try:
                with safe_open(stem.with_suffix(".safetensors"), framework="np"):
                    pass
            except (OSError, SafetensorError) as error:
                problem = f"is not a readable safetensors file ({error})"
                raise DataError(problem, file=stem.with_suffix(".safetensors")) from None


def splits(folder: Path) -> list[str]:
    """The splits with traces in a folder, sorted."""
    return sorted(read_index(folder)["splits"])


def read_trace(folder: Path, split: str) -> Trace:
    """Read a split's trace. Raises DataError if a file is missing, damaged or of another format."""
    found = read_index(folder)["splits"].get(split)
    if found is None:
        raise DataError("no such split", file=folder / INDEX, row=split, field="splits")
    parts = [_read_part(folder / split / f"{number:05}") for number in range(found["parts"])]
    _check_no_others(folder / split, found["parts"])
    if others := {part.split for part in parts} - {split}:
        raise DataError(f"its parts are of the split {min(others)!r}", file=folder / split)
    try:
        trace = join(parts)
    except ValueError as error:
        raise DataError(str(error), file=folder / split) from None
    if len(trace) != found["samples"]:
        problem = f"{len(trace)} samples, not {found['samples']}"
        raise DataError(problem, file=folder / INDEX, row=split, field="samples")
    return trace


def read_traces(folder: Path) -> dict[str, Trace]:
    """All traces of a folder by split."""
    return {split: read_trace(folder, split) for split in splits(folder)}


def _read_part(stem: Path) -> Trace:
    words_file, numbers_file = stem.with_suffix(".json"), stem.with_suffix(".safetensors")
    words = _read_json(words_file)
    try:
        arrays = load_file(numbers_file)
    except FileNotFoundError:
        raise DataError("no such trace", file=numbers_file) from None
    except (SafetensorError, TypeError, KeyError) as error:  # or of a type that NumPy has not
        raise DataError(
            f"is not a readable safetensors file ({error})", file=numbers_file
        ) from None
    layers: dict[str, dict[int, Any]] = {name: {} for name in BY_LAYER}
    for name, values in arrays.items():
        kind, _, layer = name.partition(".")
        if kind in layers and _LAYER.fullmatch(layer):
            layers[kind][int(layer)] = values
        elif name not in ARRAYS:
            raise DataError("is not an array of a trace", file=numbers_file, field=name)
        _check_array(values, kind, numbers_file, name)
    try:
        words.setdefault("options", ())  # programs that trace need not write them
        held: dict[str, Any] = {name: tuple(words[name]) for name in WORDS}
        held |= {name: words[name] for name in ("split", "vocabulary")}
        held |= {name: arrays[name] for name in ARRAYS}
        for name in ("candidates", "options"):
            held[name] = tuple(tuple(some) for some in held[name])
        return Trace(**held | layers)
    except KeyError as error:
        raise DataError("missing", file=stem, field=str(error.args[0])) from None
    except (ValueError, TypeError) as error:
        raise DataError(str(error), file=stem) from None


def _check_no_others(folder: Path, parts: int) -> None:
    """Raise DataError if a split has number files that are not in the index."""
    known = {f"{number:05}.safetensors" for number in range(parts)}
    if others := sorted({file.name for file in folder.glob("*.safetensors")} - known):
        problem = f"is not among the {parts} parts in the index"
        raise DataError(problem, file=folder / others[0])


def _check_array(values: NDArray[Any], kind: str, file: Path, name: str) -> None:
    wanted, axes = _TYPES.get(kind, "float32"), _AXES.get(kind, 1)
    if values.dtype != wanted or values.ndim != axes:
        problem = f"is {values.dtype} with {values.ndim} axes, not {wanted} with {axes}"
        raise DataError(problem, file=file, field=name)


def _read_json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError("no such trace", file=file) from None
    except ValueError as error:
        raise DataError(f"is not JSON ({error})", file=file) from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        given = found.get("format") if isinstance(found, dict) else found
        raise DataError(f"{given!r} is not {FORMAT}", file=file, field="format")
    return found
