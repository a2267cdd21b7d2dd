"""Models in memory: one base at a time, adapters put on and taken off."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from uqs.errors import DataError
from uqs.measuring.checkpoint import Checkpoint
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
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
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
        from peft import PeftModel

        with warnings.catch_warnings():
            # peft 0.21 asks transformers 5.23 by the old name
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
            adapted = PeftModel.from_pretrained(vlm.model, checkpoint.folder)
        try:
            factors = {name: p for name, p in adapted.named_parameters() if "lora_" in name}
            _check_finite(factors, checkpoint.folder)
            yield type(vlm)(adapted.eval(), vlm.processor)
        finally:
            adapted.unload()

    def _base(self, folder: Path) -> VLM:
        if self._loaded is not None and self._loaded[0] == folder:
            return self._loaded[1]
        self._loaded = None  # frees the memory before more is taken
        vlm = family_of(folder).load(folder, self._processor, dtype=self.dtype)
        vlm.model.requires_grad_(False)
        vlm.model.to(self.device)
        _check_finite(dict(vlm.model.named_parameters()), folder)
        self._loaded = (folder, vlm)
        return vlm


def _check_finite(parameters: dict[str, Any], folder: Path) -> None:
    for name, parameter in parameters.items():
        if not bool(torch.isfinite(parameter).all()):
            raise DataError("holds NaN or infinite weights", file=folder, field=name)
