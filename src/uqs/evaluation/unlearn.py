"""Makes an unlearned model from the checkpoint of an original: the work of `uqs unlearn`."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from uqs import io, registry
from uqs.checkpoints.content import content_hash
from uqs.checkpoints.find import Checkpoint, check_adapter, find
from uqs.checkpoints.identity import MODEL_FILES, remembered
from uqs.checkpoints.open import Models
from uqs.checkpoints.spread import AUTO
from uqs.checkpoints.trainable import ABOUT, load_trainable, save_unlearned
from uqs.errors import UserError
from uqs.evaluation.plan import load_benchmark
from uqs.io import cache_folder
from uqs.methods.base import Method
from uqs.methods.cards.hyperparameters import chosen
from uqs.methods.cards.look_up import method_class
from uqs.methods.settings import DEFAULT_TRAINER, TrainerSettings
from uqs.methods.state_files import StateFolder
from uqs.methods.trainer import Progress, Training
from uqs.methods.unlearn import Seeds, check_data, unlearn
from uqs.models.settings import AdapterSettings
from uqs.records import Benchmark

PACKAGES = ("uqs", "torch", "transformers", "peft", "accelerate")


@dataclass(frozen=True)
class UnlearningResult:
    """The folder of an unlearned model, the outcome of the run, and the content of the folder's ABOUT."""

    folder: Path
    training: Training
    about: Mapping[str, Any]


def seeds_of(seed: int, order: int | None = None, init: int | None = None) -> Seeds:
    """The seeds of order and initialisation: as given, else each one derived from `seed`."""
    return Seeds(
        zlib.crc32(f"order {seed}".encode()) if order is None else order,
        zlib.crc32(f"init {seed}".encode()) if init is None else init,
    )


def unlearn_checkpoint(
    original: str | Path,
    method: str,
    benchmark: str,
    out: Path,
    *,
    base: str | Path | None = None,
    processor: Path | None = None,
    hyperparameters: Mapping[str, Any] | None = None,
    seeds: Seeds | None = None,
    adapter: AdapterSettings | None = None,
    trainer: TrainerSettings = DEFAULT_TRAINER,
    device: str | None = None,
    progress: Progress | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> UnlearningResult:
    """Unlearn the forget set of a benchmark with a method (name or FILE.py:CLASS), into the folder `out`.

    `original`, `base`, `benchmark` and `processor` are as for `uqs.measure`. `adapter` says what is trained
    of an original that is a whole model, by default a LoRA adapter. An original that is an adapter is trained
    further as it is; with an `adapter` of the kind qlora its base is in 4 bits. The folder appears when it is
    complete; after a collapse it has the last good weights. A run that was killed goes on from its state
    beside the folder (`state_folder`) if the same is asked again; `tell` gets a line about it. Raises
    UserError for an invalid request, before a model is loaded if possible.
    """
    begin = time.perf_counter()
    _check_free(out)
    made = _method(method, hyperparameters or {})
    described = _described(method, made)
    data = load_benchmark(benchmark)
    check_data(made, data.unlearn)
    start = _found(original, base)
    seeds = seeds or seeds_of(0)
    asked = {
        **described,
        **_source(original, start),
        "benchmark": _asked(data),
        "adapter": _trained(start, adapter),
        "seeds": {"order": seeds.order, "init": seeds.init},
    }
    further = {"trainer": trainer.content(), "processor": _hash(processor)}
    states = StateFolder(
        state_folder(out), _key({**asked, **further}), trainer.save_every_minutes, tell
    )
    vlm = load_trainable(start, adapter, seeds.init, trainer.precision, _device(device), processor)
    training = unlearn(vlm, made, data.unlearn, seeds, trainer, progress, states)
    about = {
        "status": _status(training),
        **asked,
        "trainer": trainer.model_dump(exclude={"save_every_minutes"}),
        "device": str(vlm.model.device),
        "versions": _versions(),
        **_training(training),
        "seconds": round(time.perf_counter() - begin, 3),
    }
    if is_first():
        with io.new_folder(out) as part:
            save_unlearned(vlm, start, processor, part)
            (part / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")
        states.remove()
    return UnlearningResult(out, training, about)


def state_folder(out: Path) -> Path:
    """Where a run that writes `out` keeps the state that it goes on from after a kill."""
    return out.with_name(f"{out.name}.state")


def _key(asked: Mapping[str, Any]) -> str:
    """Names a run by everything that its result depends on, names of files aside."""
    without_names = {
        name: {k: v for k, v in value.items() if k != "name"} if isinstance(value, dict) else value
        for name, value in asked.items()
    }
    return hashlib.sha256(json.dumps(without_names, sort_keys=True).encode()).hexdigest()


def _hash(processor: Path | None) -> str:
    return "" if processor is None else content_hash(processor, MODEL_FILES)


def _check_free(out: Path) -> None:
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(f"{out} already exists; name a new folder, or an empty one")


def _method(name: str, values: Mapping[str, Any]) -> Method:
    found = method_class(name)
    if found.card.name == "retrain":
        raise UserError(
            "'retrain' does not start from an original: it makes oracles, from a base and in a study "
            "(docs/study_files.md)"
        )
    return found(chosen(found.card, values))


def _found(original: str | Path, base: str | Path | None) -> Checkpoint:
    start = find(original, base)
    if start.kind == "traces":
        raise UserError(f"{start.folder} has traces, not a model")
    if start.kind == "adapter":
        check_adapter(start)
    return start


def _device(name: str | None) -> torch.device:
    """The device with this name; by default a GPU, with one GPU per process."""
    if name == AUTO:
        raise UserError(
            "a model is trained on one device: --device auto is for uqs measure and uqs trace"
        )
    own = os.environ.get("LOCAL_RANK")
    if name is None and own is not None and torch.cuda.is_available():
        name = f"cuda:{own}"
    return Models(name).device


def is_first() -> bool:
    """Whether this process writes, if `accelerate launch` started several."""
    return os.environ.get("RANK", "0") == "0"


def _status(training: Training) -> str:
    if training.collapse is not None:
        return "collapsed"
    return "ok" if training.stop is None else "stopped"


def _described(name: str, method: Method) -> dict[str, Any]:
    file = {"name": name, "sha256": registry.file_hash(name)} if registry.is_file(name) else None
    return {
        "method": method.card.name,
        "file": file,
        "hyperparameters": method.settings.model_dump(mode="json"),
    }


def _source(name: str | Path, start: Checkpoint) -> dict[str, Any]:
    """The original, by name and by the content of its weights."""
    known = remembered(cache_folder())
    found: dict[str, Any] = {
        "original": {
            "name": str(name),
            "kind": start.kind,
            "sha256": content_hash(start.folder, (".safetensors",), known),
        }
    }
    if start.base is not None:
        base = content_hash(start.base, (".safetensors",), known)
        found["base"] = {"name": start.title, "sha256": base}
    return found


def _trained(start: Checkpoint, settings: AdapterSettings | None) -> dict[str, Any]:
    """What was trained; for an original that is an adapter, its own factors."""
    settings = settings or AdapterSettings()
    return {"kind": settings.kind} if start.kind == "adapter" else settings.model_dump()


def _asked(data: Benchmark) -> dict[str, Any]:
    return {
        "name": data.name,
        "edition": data.edition,
        "data_hash": data.data_hash,
        "forget": len(data.unlearn["forget"]),
        "retain": len(data.unlearn["retain"]),
    }


def _training(training: Training) -> dict[str, Any]:
    """The outcome of a run; a loss that is not finite is null."""
    return {
        "steps": training.steps,
        "losses": [loss if math.isfinite(loss) else None for loss in training.losses],
        "collapse": training.collapse,
        "stop": training.stop,
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
