"""Identifies a checkpoint by the content of its files: part of the key of its traces."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from uqs.checkpoints.content import content_hash
from uqs.checkpoints.find import Checkpoint, read_json
from uqs.models import system_prompt
from uqs.models.weight_files import ADAPTER_CONFIG
from uqs.traces.store import Identity

MODEL_FILES = (".safetensors", ".json", ".txt", ".model", ".jinja")


def remembered(cache: Path) -> Path:
    """The file in a cache folder that stores hashes of large files."""
    return cache / "hashes.json"


def identity(
    checkpoint: Checkpoint,
    processor: Path | None,
    dtype: str,
    device: str,
    known: Path | None = None,
) -> Identity:
    """Identify a checkpoint by its files, read if necessary; `known` stores hashes of large ones."""
    adapter = ""
    if checkpoint.kind == "adapter":
        folder = checkpoint.folder
        config = dict(read_json(folder / ADAPTER_CONFIG))
        config.pop("base_model_name_or_path", None)
        weights = content_hash(folder, (".safetensors",), known)
        text = weights + json.dumps(config, sort_keys=True) + system_prompt.read(folder)
        adapter = hashlib.sha256(text.encode()).hexdigest()
    return Identity(
        content_hash(checkpoint.start, MODEL_FILES, known),
        adapter,
        content_hash(processor, MODEL_FILES, known) if processor else "",
        dtype,
        device,
    )
