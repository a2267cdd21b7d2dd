"""A model spread over several places while it is used, because it is larger than a card; by accelerate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

AUTO = "auto"
"""The name of a device by which accelerate chooses where each layer goes."""
DeviceMap = Mapping[str, str | int]
_PATCHED = ("to", "cuda", "xpu", "npu", "mlu", "sdaa", "musa", "hpu", "hf_device_map")
"""What accelerate puts into the model itself."""


@contextmanager
def spread(model: Any, device_map: DeviceMap | None = None) -> Iterator[None]:
    """Within the context, the parts of a transformers model in CPU memory are where `device_map` says.

    By default GPUs are filled one after another and the rest stays in CPU memory, from where a layer's
    weights are moved to the GPU whenever it computes. The map is that of transformers: modules' names to a
    GPU's number, `cpu` or `disk`. Afterwards everything is in CPU memory again.
    """
    from accelerate import dispatch_model
    from accelerate.hooks import remove_hook_from_submodules

    own = {module for module in model.modules() if "forward" in vars(module)}
    found = dict(device_map) if device_map is not None else chosen(model)
    with TemporaryDirectory(prefix="uqs-offload-") as folder:
        dispatch_model(
            model,
            found,
            offload_dir=folder,
            skip_keys=getattr(model, "_skip_keys_device_placement", None),
        )
        try:
            yield
        finally:
            remove_hook_from_submodules(model)
            for name in _PATCHED:
                vars(model).pop(name, None)
            for module in model.modules():
                if module not in own:  # accelerate leaves the bound method in the object
                    vars(module).pop("forward", None)
            model.to("cpu")


def chosen(model: Any) -> dict[str, Any]:
    """Where accelerate puts each part, with no layer divided, and GPUs filled evenly."""
    from accelerate import infer_auto_device_map
    from accelerate.utils import get_balanced_memory

    whole = list(model._no_split_modules or ())
    memory = get_balanced_memory(model, no_split_module_classes=whole)
    found: dict[str, Any] = infer_auto_device_map(model, memory, no_split_module_classes=whole)
    return found
