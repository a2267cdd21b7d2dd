"""What models said and how likely they found the right answers: from the traces in a run folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uqs.errors import DataError

MEMBERS, OTHERS = "forget", "holdout"


@dataclass(frozen=True)
class Asked:
    """One split: questions by id, entity, task and gold answer; the model's answers and losses (nats).

    A loss is None where the model gave the gold answer no probability.
    """

    ids: tuple[str, ...]
    entities: tuple[str, ...]
    tasks: tuple[str, ...]
    golds: tuple[str, ...]
    options: tuple[tuple[str, ...], ...]
    answers: tuple[str, ...]
    losses: tuple[float | None, ...]


@dataclass(frozen=True)
class Folders:
    """By the key of a model's job: where its traces are, and the key of the original it was made from."""

    traces: Mapping[str, Path]
    originals: Mapping[str, str]


def folders(run: Path) -> Folders:
    """The jobs of a run folder. Raises DataError for a manifest that cannot be read."""
    traces, originals = {}, {}
    for folder, manifest in _manifests(run / "jobs"):
        if manifest["kind"] == "trace":
            traces[manifest["inputs"]["model"]] = folder
        elif "original" in manifest["inputs"]:
            originals[manifest["key"]] = manifest["inputs"]["original"]
    return Folders(traces, originals)


def _manifests(jobs: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for file in sorted(jobs.glob("*/manifest.json")):
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            found["kind"], found["key"], found["inputs"].items()
            if found["kind"] == "trace":
                found["inputs"]["model"]
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"is no manifest of a job ({error})", file=file) from None
        yield file.parent, found


def read(folder: Path, split: str) -> Asked | None:
    """The trace of a split in the folder of a trace job; None where it was not recorded.

    Raises DataError for traces that cannot be read, or that lie outside the folder.
    """
    import numpy as np

    from uqs.traces.file import read_trace

    index = folder / "recorded.json"
    try:
        places = json.loads(index.read_text(encoding="utf-8"))["places"]
        place = (folder / places[split]) if split in places else None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"does not say what was recorded ({error!r})", file=index) from None
    if place is None:
        return None
    if not place.resolve().is_relative_to(folder.resolve()):
        raise DataError("names a folder outside its job", file=index, field=split)
    trace = read_trace(place, split)
    losses = trace.gold_losses()
    return Asked(
        trace.ids,
        trace.entities,
        trace.tasks,
        trace.golds,
        trace.options,
        trace.answers,
        tuple(value if np.isfinite(value) else None for value in losses.tolist()),
    )
