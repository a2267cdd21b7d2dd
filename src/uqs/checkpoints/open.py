"""Models in memory: one base at a time, adapters put on and taken off."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from uqs.checkpoints.find import ADAPTER, Checkpoint, tensors
from uqs.errors import DataError, UserError
from uqs.models import system_prompt as preamble
from uqs.models.families import family_of
from uqs.models.vlm import VLM


class Models:
    """Opens checkpoints. The base of the last one stays loaded, for the next may stand on it too.

    `device` and `dtype`: by default CUDA in bfloat16 where there is one, else the CPU in float32.
    `processor`: a folder that replaces the models' own tokenizer and picture processor.
    """

    def __init__(
        self,
        device: str | None = None,
        dtype: torch.dtype | None = None,
        processor: Path | None = None,
    ) -> None:
        if processor is not None and not processor.is_dir():
            raise UserError(f"no folder {str(processor)!r} with a processor")
        self.device = _device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.dtype = dtype or (torch.bfloat16 if self.device.type == "cuda" else torch.float32)
        self._processor = processor
        self._loaded: tuple[Path, VLM] | None = None

    @property
    def precision(self) -> str:
        """The name of `dtype`."""
        return str(self.dtype).removeprefix("torch.")

    @contextmanager
    def opened(self, checkpoint: Checkpoint) -> Iterator[VLM]:
        """The model of a checkpoint. Raises DataError where a weight is not finite."""
        vlm = self._base(checkpoint.start)
        if checkpoint.kind == "model":
            yield vlm
            return
        adapted = self._adapted(vlm, checkpoint.folder)
        try:
            unlearned = type(vlm)(adapted.eval(), vlm.processor)
            preamble.load(unlearned, checkpoint.folder)
            yield unlearned
        finally:
            adapted.unload()
            if any(".lora_" not in name for _, name, _ in tensors(checkpoint.folder)):
                self._loaded = None  # peft leaves modules that were saved whole in the base

    def _adapted(self, vlm: VLM, folder: Path) -> Any:
        from peft import PeftModel

        _check_file(folder / ADAPTER)
        with warnings.catch_warnings():
            # peft 0.21 asks transformers 5.23 by the old name
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
            warnings.filterwarnings("error", "Found missing adapter keys")
            try:
                return PeftModel.from_pretrained(vlm.model, folder)
            except Exception as error:
                self._loaded = None  # half an adapter may be in it
                reason = " ".join(str(error).split())[:300]
                raise DataError(f"cannot be put on its base ({reason})", file=folder) from error

    def _base(self, folder: Path) -> VLM:
        if self._loaded is not None and self._loaded[0] == folder:
            return self._loaded[1]
        self._loaded = None  # frees the memory before more is taken
        vlm = family_of(folder).load(folder, self._processor, dtype=self.dtype)
        preamble.load(vlm, folder)
        vlm.model.requires_grad_(False)
        vlm.model.to(self.device)
        for name, parameter in vlm.model.named_parameters():
            _check_finite(parameter, folder, name)
        self._loaded = (folder, vlm)
        return vlm


def _device(name: str) -> torch.device:
    """The device of a name; UserError where there is none."""
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"device {name!r} cannot be used ({reason})") from None
    return device


def _check_file(file: Path) -> None:
    with safe_open(file, framework="pt") as opened:
        for name in opened.keys():  # noqa: SIM118  it is no mapping
            _check_finite(opened.get_tensor(name), file, name)


def _check_finite(tensor: torch.Tensor, file: Path, name: str) -> None:
    if not bool(torch.isfinite(tensor).all()):
        raise DataError("holds NaN or infinite weights", file=file, field=name)
