"""Writes the traces of one model into a separate folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uqs import io
from uqs.checkpoints.find import check_adapter, collapse_of, find
from uqs.checkpoints.identity import identity, remembered
from uqs.checkpoints.open import Models
from uqs.errors import UserError
from uqs.evaluation.gather import Listener
from uqs.evaluation.given import questions
from uqs.evaluation.plan import load_benchmark
from uqs.evaluation.splits import metric_names, needs_of, splits_of
from uqs.evaluation.tracer import Tracer
from uqs.models.settings import LoadIn
from uqs.traces.file import read_index, write_index
from uqs.traces.settings import TraceSettings
from uqs.traces.store import TraceStore

if TYPE_CHECKING:
    import torch


def write_model_traces(
    model: str | Path,
    benchmark: str,
    out: Path,
    *,
    cache: Path,
    base: str | Path | None = None,
    metrics: str | Sequence[str] = "default",
    processor: Path | None = None,
    device: str | None = None,
    dtype: torch.dtype | None = None,
    load_in: LoadIn | None = None,
    settings: TraceSettings = TraceSettings(),  # noqa: B008  frozen
    listener: Listener | None = None,
) -> Mapping[str, int]:
    """Trace a model on every split that `metrics` read, into the folder `out`; returns samples by split.

    The folder appears when it is complete; traces in the cache are copied. Arguments as for `measure`.
    """
    data = load_benchmark(benchmark)
    splits = splits_of(data, needs_of(metric_names(metrics)))
    checkpoint = find(model, base)
    if checkpoint.kind == "traces":
        raise UserError(f"{checkpoint.folder} has traces, not a model")
    if checkpoint.kind == "adapter":
        check_adapter(checkpoint)
    models, told, store = (
        Models(device, dtype, processor, load_in),
        listener or Listener(),
        TraceStore(cache),
    )
    found = identity(checkpoint, processor, models.precision, models.device.type, remembered(cache))
    told.began(str(model))
    with Tracer(checkpoint, found, models, store, settings, told.traced) as tracer:
        places = {name: tracer.ensure(split) for name, split in splits.items()}
    about = {
        "title": checkpoint.title,
        "benchmark": data.name,
        "edition": data.edition,
        "data_hash": data.data_hash,
        "questions": questions(splits),
        "collapse": collapse_of(checkpoint),
    }
    return _copied(places, out, about)


def _copied(places: Mapping[str, Path], out: Path, about: Mapping[str, Any]) -> Mapping[str, int]:
    """Combine traces of single splits in one folder."""
    with io.new_folder(out) as part:
        counts: dict[str, Mapping[str, int]] = {}
        halved: list[Mapping[str, Any]] = []
        described: Mapping[str, Any] = {}
        for name, place in places.items():
            shutil.copytree(place / name, part / name)
            index = read_index(place)
            counts |= index["splits"]
            halved += index["about"]["halved"]
            described = index["about"]
        write_index(part, counts, {**described, **about, "halved": halved})
    return {name: found["samples"] for name, found in counts.items()}
