"""Strict loading of weights: exactly the weights in the files are loaded.

transformers initialises missing weights randomly, and peft leaves them at their initial values; both ignore
unknown weights. Here each of these is an error that names the keys.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from uqs.errors import DataError, UserError
from uqs.models.layouts import in_layout_of, layout_of
from uqs.models.low_bit import configuration
from uqs.models.settings import LoadIn
from uqs.models.weight_files import ADAPTER, ADAPTER_CONFIG, stored, weight_files

SHOWN = 3
"""The number of keys of each kind that an error names."""
_RANDOM = re.compile(r"pissa_niter_\d+", re.IGNORECASE)
_PLAIN = ("gaussian", "eva", "orthogonal", "mica", "lora_ga")
"""Names of weight initialisations that do not change the base when an adapter is loaded."""
_NOT_READ = ("layer_replication",)


def load_model(
    folder: Path | str,
    *,
    dtype: torch.dtype,
    local: bool = True,
    load_in: LoadIn | None = None,
    auto_class: str = "AutoModelForImageTextToText",
    options: Mapping[str, Any] = MappingProxyType({}),
) -> Any:
    """The transformers model of a folder, or of a hub id without `local`; safetensors only, no remote code.

    `load_in`: the bits of linear layers, if few. `auto_class`: the transformers class that chooses the
    model's; `options`: further ones of its `from_pretrained`. Raises DataError if a weight is missing, does
    not belong to the model, or has another shape, and if a file is damaged or missing. A weight may be
    missing if the configuration ties it to an existing one. Harmless tensors may exist or not, as in
    transformers: position ids and the frequencies of rotary embeddings, which follow from the configuration.
    """
    import transformers

    at = Path(folder)
    if at.is_dir():
        if (at / ADAPTER_CONFIG).is_file():
            raise DataError("is an adapter, but a whole model is needed", file=at)
        weight_files(at)
    quantisation = {"quantization_config": configuration(load_in, dtype)} if load_in else {}
    try:
        opened: Any = getattr(transformers, auto_class).from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=local,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are in the report, with their shapes
            **{**options, **quantisation},
        )
    except UserError:
        raise
    except Exception as error:  # errors of three libraries
        raise DataError(f"cannot be loaded ({one_line(error)})", file=at) from error
    model, report = opened
    missing = {*report["missing_keys"], *_ignored_parameters(model, at)}
    check_keys(at, missing, report["unexpected_keys"], report["mismatched_keys"])
    if report["error_msgs"]:
        raise DataError(f"cannot be loaded ({'; '.join(report['error_msgs'])})", file=at)
    return model


def _ignored_parameters(model: Any, folder: Path) -> set[str]:
    """Missing parameters that the model's class declares harmless.

    Such a declaration can be trusted for a buffer that is recomputed, not for a weight that would be random.
    """
    patterns = model._keys_to_ignore_on_load_missing or ()
    declared = {
        name for name, _ in model.named_parameters() if any(re.search(p, name) for p in patterns)
    }
    if not declared or not folder.is_dir():
        return declared
    held = [one.name for one in stored(folder)]
    return {name for name in declared if not any(_same_end(name, other) for other in held)}


def _same_end(name: str, other: str) -> bool:
    """Whether two names belong to the same weight: prefixes differ between file layouts."""
    return name.endswith(f".{other}") or other.endswith(f".{name}") or name == other


def check_keys(
    folder: Path,
    missing: Collection[str],
    unexpected: Collection[str],
    mismatched: Iterable[tuple[str, Iterable[int], Iterable[int]]] = (),
) -> None:
    """Raise DataError if there are any keys; it names the first of each kind and counts them."""
    shapes = [
        f"{name} {tuple(found)} instead of {tuple(wanted)}" for name, found, wanted in mismatched
    ]
    found = [
        f"{len(keys)} {kind} ({listed(keys)})"
        for kind, keys in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", shapes),
        )
        if keys
    ]
    if found:
        raise DataError(f"its weights are not the model's: {'; '.join(found)}", file=folder)


def listed(keys: Collection[str]) -> str:
    """The first keys in words, and how many more there are."""
    first = sorted(keys)[:SHOWN]
    more = len(keys) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


def one_line(error: Exception) -> str:
    """An error of a library, with its type, in one line of limited length."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def adapter_config(folder: Path) -> Mapping[str, Any]:
    """An adapter's configuration. Raises DataError unless it is a LoRA adapter determined by its files."""
    file = folder / ADAPTER_CONFIG
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"is not readable JSON ({error})", file=file) from None
    if not isinstance(found, dict):
        raise DataError("is not a JSON object", file=file)
    if found.get("peft_type") != "LORA":
        raise DataError(
            f"{found.get('peft_type')!r}: only LoRA adapters are read", file=file, field="peft_type"
        )
    for name in _NOT_READ:
        if found.get(name):
            raise DataError("adapters that use it are not read", file=file, field=name)
    start = found.get("init_lora_weights")
    if isinstance(start, str) and _RANDOM.fullmatch(start):
        raise DataError(
            f"{start!r} rewrites the base by a random draw each time that the adapter is loaded, so its "
            "files do not say what it computes; save it with path_initial_model_for_weight_conversion",
            file=file,
            field="init_lora_weights",
        )
    return found


def rewrites_base(folder: Path) -> bool:
    """Whether loading an adapter also changes the base's weights."""
    found = adapter_config(folder)
    start = found.get("init_lora_weights")
    return bool(found.get("kasa_config")) or (
        isinstance(start, str) and start.lower() not in _PLAIN
    )


def put_adapter(model: Any, folder: Path, *, trainable: bool) -> Any:
    """The PeftModel of an adapter's folder on a model in memory; this may change the model.

    The result equals that of `PeftModel.from_pretrained`, bit for bit. An adapter whose layers have the names
    of another version of transformers is put on the layers that these are now (`layouts`). Raises DataError
    if the adapter cannot be attached, or if its file lacks a weight, has an unknown one, or one of another
    shape; the state of `model` is then undefined.
    """
    from peft import PeftConfig, PeftModel

    adapter_config(folder)
    file = folder / ADAPTER
    layout = layout_of(model, [one.name for one in stored(folder)], file)
    with warnings.catch_warnings():
        # peft 0.21 calls transformers 5.23 by the old name
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        # reported below, as an error
        warnings.filterwarnings("ignore", "Found missing adapter keys")
        try:
            config = in_layout_of(model, PeftConfig.from_pretrained(str(folder)), layout, file)
            adapted = PeftModel.from_pretrained(
                model,
                folder,
                is_trainable=trainable,
                config=config,
                key_mapping=layout.key_mapping,
            )
            missing, unexpected = _not_loaded(adapted, folder, layout.key_mapping)
        except UserError:
            raise
        except Exception as error:
            raise DataError(
                f"cannot be put on its base ({one_line(error)})", file=folder
            ) from error
    check_keys(file, missing, unexpected)
    return adapted


def _not_loaded(
    adapted: Any, folder: Path, key_mapping: dict[str, str]
) -> tuple[set[str], list[str]]:
    """Weights of the adapter that its file lacks, and keys in the file that the model does not have.

    The same weights are loaded again, because `PeftModel.from_pretrained` does not return the full report.
    """
    from peft import get_peft_model_state_dict, load_peft_weights, set_peft_model_state_dict

    weights = load_peft_weights(str(folder), device="cpu", key_mapping=key_mapping)
    report: Any = set_peft_model_state_dict(adapted, weights)
    held = adapted.state_dict()
    absent = set(report.missing_keys)
    # shared weights have several names; one is enough
    loaded = {_place(tensor) for name, tensor in held.items() if name not in absent}
    own = {
        _place(one)
        for one in get_peft_model_state_dict(adapted, save_embedding_layers=False).values()
    }
    missing = {
        name.replace(".default", "") for name in absent if _place(held[name]) in own - loaded
    }
    return missing, list(report.unexpected_keys)


def _place(tensor: torch.Tensor) -> tuple[int, tuple[int, ...]]:
    return tensor.data_ptr(), tuple(tensor.shape)
