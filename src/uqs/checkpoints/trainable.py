"""Loads the original that a method starts from for training, and saves the unlearned model."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import torch
from transformers.utils import logging as transformers_logging

from uqs.checkpoints.find import CONFIG, Checkpoint
from uqs.errors import DataError, UserError
from uqs.models import adapter, system_prompt
from uqs.models.families import family_of
from uqs.models.low_bit import held_in
from uqs.models.opening import put_adapter
from uqs.models.settings import AdapterSettings
from uqs.models.vlm import VLM
from uqs.models.weight_files import ADAPTER_CONFIG

ABOUT = "unlearning.json"
"""The file beside an unlearned model that says how it was made."""
_PROCESSOR_FILES = (".json", ".txt", ".model", ".jinja")
_IN_4_BITS = AdapterSettings(kind="qlora")


def load_trainable(
    start: Checkpoint,
    settings: AdapterSettings | None,
    seed: int,
    precision: str,
    device: torch.device,
    processor: Path | None = None,
) -> VLM:
    """The model of a checkpoint, with its trained part in float32 and the rest in `precision`.

    `settings` say what is trained of a whole model: by default a LoRA adapter with initial weights drawn from
    `seed`. An adapter is trained further as it is. Raises UserError if `settings` do not fit, and DataError
    if a weight is missing, does not belong or is not finite.
    """
    if start.kind == "adapter" and settings not in (None, _IN_4_BITS):
        raise UserError(
            f"{start.folder} is an adapter and is trained further as it is; what is trained can only be "
            "chosen for an original that is a whole model"
        )
    settings = settings or AdapterSettings()
    dtype = torch.float32 if settings.kind == "full" else getattr(torch, precision)
    transformers_logging.disable_progress_bar()
    vlm = family_of(start.start).load(
        start.start, processor, dtype=dtype, load_in="4bit" if settings.kind == "qlora" else None
    )
    vlm.model.requires_grad_(False)
    if not held_in(vlm.model):
        vlm.model.to(device)
    if start.kind == "adapter":
        vlm.model = put_adapter(vlm.model, start.folder, trainable=True)
        vlm.model.eval()
    else:
        with warnings.catch_warnings():
            # peft 0.21 calls transformers 5.23 by the old name
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
            adapter.attach(vlm, settings, seed)
    system_prompt.load(vlm, start.folder)
    _check_finite(vlm, start.folder)
    return vlm


def save_unlearned(vlm: VLM, start: Checkpoint, processor: Path | None, folder: Path) -> None:
    """Write the trained part so that `uqs measure` can use it: an adapter names its base, a whole model has
    its tokenizer and picture processor in its folder."""
    adapter.save(vlm, folder)
    about = folder / ADAPTER_CONFIG
    if about.is_file():
        config = json.loads(about.read_text(encoding="utf-8"))
        if "/" in start.title:  # a hub id, unlike the name of a folder
            config["base_model_name_or_path"], _, revision = start.title.partition("@")
            config["revision"] = revision or None
        else:
            config["base_model_name_or_path"] = str(start.start.resolve())
        about.write_text(json.dumps(config, indent=2, sort_keys=True), encoding="utf-8")
        return
    for file in sorted((processor or start.start).iterdir()):
        if _is_of_processor(file) and not (folder / file.name).exists():
            shutil.copyfile(file, folder / file.name)


def _check_finite(vlm: VLM, folder: Path) -> None:
    for name, parameter in vlm.model.named_parameters():
        if parameter.is_floating_point() and not bool(torch.isfinite(parameter).all()):
            raise DataError("holds NaN or infinite weights", file=folder, field=name)


def _is_of_processor(file: Path) -> bool:
    """Whether a file of a model's folder belongs to its tokenizer or picture processor."""
    return (
        file.suffix in _PROCESSOR_FILES
        and file.name not in (CONFIG, ADAPTER_CONFIG, system_prompt.FILE, ABOUT)
        and not file.name.endswith(".index.json")
    )
