"""Names of an adapter's layers: other versions of transformers nested the parts of a model differently.

LLaVA's language layers were `language_model.model.layers` before 4.52 and are `model.language_model.layers`
since; Qwen2-VL's were `model.layers`; before 5 a CLIP tower had its parts under `vision_model`. transformers
reads whole models of every layout. PEFT follows it for some names alone, and never in an adapter's settings.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from uqs.errors import DataError

_NESTING = ("model", "language_model", "vision_model")
_WRAPPED = "base_model.model."
_OF_A_LAYER = re.compile(r"\.(lora_|token_adapter\.|base_layer\.)")


def layer_name(name: str) -> str:
    """A weight's or a layer's name without the parts that differ between layouts, and without `.weight`."""
    plain = name.removeprefix("base_model.").removesuffix(".weight")
    return ".".join(part for part in plain.split(".") if part not in _NESTING)


def by_layer(names: Iterable[str], file: Path) -> dict[str, str]:
    """Names by `layer_name`. Raises DataError about `file` if two layers have the same."""
    found: dict[str, str] = {}
    for name in sorted(names):
        if found.setdefault(layer_name(name), name) != name:
            raise DataError(
                f"{found[layer_name(name)]} and {name} would be the same layer in some layout",
                file=file,
            )
    return found


@dataclass(frozen=True)
class Layout:
    """The layout of an adapter as beginnings of names, (the adapter's, the model's); none if they are equal.

    `key_mapping`: the same in the form in which PEFT renames the keys of an adapter's file.
    """

    beginnings: tuple[tuple[str, str], ...]

    @property
    def key_mapping(self) -> dict[str, str]:
        return {rf"^{re.escape(theirs)}(?=\.)": ours for theirs, ours in self.beginnings}

    def ours(self, name: str) -> str:
        """The model's name of a layer that an adapter names."""
        return _begun(name, self.beginnings)

    def theirs(self, name: str) -> set[str]:
        """The adapter's name of a layer of the model; two possible ones if its file has no layer nearby.

        Older versions had a model's parts at the top, not under `model`.
        """
        found = _begun(name, [(ours, theirs) for theirs, ours in self.beginnings])
        return {found} if found != name else {name, name.removeprefix("model.")}


def layout_of(model: nn.Module, keys: Collection[str], file: Path) -> Layout:
    """The layout of an adapter with these keys in its `file`, to be put on `model`.

    A layer that the model does not have is left to PEFT. Raises DataError if layers of the adapter are named
    in more than one layout.
    """
    held = {name.rpartition(".")[0] for name, _ in model.named_parameters(remove_duplicate=False)}
    named = {_layer(key) for key in keys}
    if named <= held:
        return Layout(())
    known = by_layer((name for name in held if layer_name(name)), file)
    renamed = {name: known.get(layer_name(name), name) for name in named - held}
    beginnings = {_beginnings(name, ours) for name, ours in renamed.items() if ours != name}
    # `language_model.model` before `language_model`
    found = Layout(tuple(sorted(beginnings, key=lambda pair: -len(pair[0]))))
    for name in sorted(named):
        if found.ours(name) != renamed.get(name, name):
            raise DataError(
                f"its layers are named in the layouts of several versions of transformers: {name} beside "
                f"{' and '.join(f'{theirs}. for {ours}.' for theirs, ours in found.beginnings)}",
                file=file,
            )
    return found


def in_layout_of(model: nn.Module, config: Any, layout: Layout, file: Path) -> Any:
    """A PEFT configuration for `model` that chooses the layers which `config` chooses in its own layout.

    Layers, ranks and scales are then written out by full names, because patterns cannot be translated. Raises
    DataError about the adapter's `file` of weights if the configuration chooses none.
    """
    if not layout.beginnings:
        return config
    from peft.tuners.tuners_utils import check_target_module_exists

    found = copy(config)
    if config.target_modules != "all-linear":
        theirs = {name: layout.theirs(name) for name, _ in model.named_modules() if name}
        chosen = {
            ours: names
            for ours, names in theirs.items()
            if all(check_target_module_exists(config, name) for name in names)
        }
        if not chosen:
            raise DataError(
                f"names its layers {layout.beginnings[0][0]}…, as other versions of transformers do, and its "
                "target_modules choose none by these names",
                file=file,
            )
        found.target_modules = set(chosen)
        found.exclude_modules = found.layers_to_transform = found.layers_pattern = None
        found.rank_pattern = _written_out(config.rank_pattern, chosen)
        found.alpha_pattern = _written_out(config.alpha_pattern, chosen)
    if config.modules_to_save:
        found.modules_to_save = [layout.ours(name) for name in config.modules_to_save]
    if isinstance(config.trainable_token_indices, dict):
        found.trainable_token_indices = {
            layout.ours(name): tokens for name, tokens in config.trainable_token_indices.items()
        }
    return found


def _layer(key: str) -> str:
    """The layer that a key in an adapter's file belongs to."""
    name = key.removeprefix(_WRAPPED)
    inner = _OF_A_LAYER.search(name)
    return name[: inner.start()] if inner else name.rpartition(".")[0]


def _beginnings(theirs: str, ours: str) -> tuple[str, str]:
    """Two names of a layer without what they end with alike; both keep at least one part."""
    one, other = theirs.split("."), ours.split(".")
    while len(one) > 1 and len(other) > 1 and one[-1] == other[-1]:
        one.pop(), other.pop()
    return ".".join(one), ".".join(other)


def _begun(name: str, beginnings: Iterable[tuple[str, str]]) -> str:
    """The name with the longest of the beginnings that it has replaced by its counterpart."""
    fitting = [pair for pair in beginnings if f"{name}.".startswith(f"{pair[0]}.")]
    if not fitting:
        return name
    before, after = max(fitting, key=lambda pair: len(pair[0]))
    return after + name[len(before) :]


def _written_out(
    patterns: Mapping[str, Any] | None, chosen: Mapping[str, Collection[str]]
) -> dict[str, Any]:
    """Values of the layers that match a pattern, by the layer's full name in the model.

    PEFT's rule: the first pattern that the name ends with.
    """
    found = {}
    for ours, theirs in chosen.items():
        for pattern, value in (patterns or {}).items():
            if any(re.match(rf"(.*\.)?({pattern})$", name) for name in theirs):
                found[re.escape(ours)] = value
                break
    return found
