"""Models in memory: one base at a time; adapters are attached and removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open

from uqs.checkpoints.find import Checkpoint
from uqs.checkpoints.spread import AUTO, DeviceMap, spread
from uqs.errors import DataError, UserError
from uqs.models import system_prompt
from uqs.models.batch_norm import statistics
from uqs.models.families import family_of
from uqs.models.fingerprint import fingerprint
from uqs.models.low_bit import configuration
from uqs.models.opening import put_adapter, rewrites_base
from uqs.models.settings import LoadIn
from uqs.models.vlm import VLM
from uqs.models.weight_files import ADAPTER, weight_files


class Models:
    """Opens checkpoints. The last base stays loaded, because the next checkpoint may use it too.

    Before a base is used again, its fingerprint is compared with the one after loading; if it changed, the
    base is loaded again. Adapters (PiSSA, OLoRA) and other code may rewrite a base or leave modules in it.

    `device` and `dtype`: by default CUDA in bfloat16 if available, else the CPU in float32. With the device
    `auto`, or a map from modules' names to devices, the base stays in CPU memory and a model is spread while
    it is open (`spread`). `processor`: a folder that replaces the models' own tokenizer and picture
    processor. `load_in`: bases have linear layers in so few bits; this needs bitsandbytes.
    """

    def __init__(
        self,
        device: str | DeviceMap | None = None,
        dtype: torch.dtype | None = None,
        processor: Path | None = None,
        load_in: LoadIn | None = None,
    ) -> None:
        self._spread = device == AUTO or isinstance(device, Mapping)
        self._map = device if isinstance(device, Mapping) else None
        if self._spread and load_in:
            raise UserError("a model in few bits is not spread over devices: name one device")
        if load_in:
            configuration(load_in, torch.float32)  # says what is not installed
        self.load_in = load_in
        if processor is not None and not processor.is_dir():
            raise UserError(f"no folder {str(processor)!r} with a processor")
        named = device if isinstance(device, str) and not self._spread else None
        self.device = _device(named or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.dtype = dtype or (torch.bfloat16 if self.device.type == "cuda" else torch.float32)
        self._processor = processor
        self._loaded: _LoadedBase | None = None

    @property
    def precision(self) -> str:
        """The name of `dtype`, and the bits of linear layers if they are few."""
        name = str(self.dtype).removeprefix("torch.")
        return f"{name}, {self.load_in}" if self.load_in else name

    @contextmanager
    def opened(self, checkpoint: Checkpoint) -> Iterator[VLM]:
        """The model of a checkpoint, bit for bit as if only this one were loaded.

        Raises DataError if a weight is missing, does not belong or is not finite, and if an adapter that
        rewrites its base would stand on one that is spread or in few bits.
        """
        vlm = self._base(checkpoint.start)
        if checkpoint.kind == "model":
            with self._placed(vlm):
                yield vlm
            return
        _check_file(checkpoint.folder / ADAPTER)
        if (self._spread or self.load_in) and rewrites_base(checkpoint.folder):
            raise DataError(
                "rewrites its base, which must then be on one device and in full weights",
                file=checkpoint.folder,
            )
        adapted = put_adapter(vlm.model, checkpoint.folder, trainable=False)
        try:
            unlearned = type(vlm)(adapted.eval(), vlm.processor)
            system_prompt.load(unlearned, checkpoint.folder)
            with self._placed(unlearned):
                yield unlearned
        finally:
            adapted.unload()

    def _placed(self, vlm: VLM) -> AbstractContextManager[None]:
        return spread(vlm.plain_model, self._map) if self._spread else nullcontext()

    def _base(self, folder: Path) -> VLM:
        kept = self._loaded
        if (
            kept is not None
            and kept.folder == folder
            and fingerprint(kept.vlm.model) == kept.fingerprint
        ):
            return kept.vlm
        self._loaded = kept = None  # frees memory before loading more
        options = {"device_map": {"": self.device}} if self.load_in else {}
        vlm = family_of(folder).load(
            folder, self._processor, dtype=self.dtype, load_in=self.load_in, options=options
        )
        system_prompt.load(vlm, folder)
        vlm.model.requires_grad_(False)
        if self.load_in:  # infinite weights are finite in few bits
            for file in weight_files(folder):
                _check_file(file)
        else:
            if not self._spread:
                vlm.model.to(self.device)
            for name, tensor in (*vlm.model.named_parameters(), *statistics(vlm.model)):
                _check_finite(tensor, folder, name)
        self._loaded = _LoadedBase(folder, vlm, fingerprint(vlm.model))
        return vlm


@dataclass(frozen=True)
class _LoadedBase:
    """A base in memory and its fingerprint after loading."""

    folder: Path
    vlm: VLM
    fingerprint: str


def _device(name: str) -> torch.device:
    """The device with this name. Raises UserError if it cannot be used."""
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"device {name!r} cannot be used ({reason})") from None
    return device


def _check_file(file: Path) -> None:
    with safe_open(file, framework="pt") as opened:
        for name in opened.keys():  # noqa: SIM118  it is not a mapping
            _check_finite(opened.get_tensor(name), file, name)


def _check_finite(tensor: torch.Tensor, file: Path, name: str) -> None:
    if not bool(torch.isfinite(tensor).all()):
        raise DataError("holds NaN or infinite weights", file=file, field=name)
