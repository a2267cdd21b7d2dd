"""A vision-language model of no declared family, by the image-text-to-text convention of transformers."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from uqs.errors import DataError, UserError
from uqs.models import processors
from uqs.models.vlm import VLM, PictureInputs


class Generic(VLM):
    """A model that AutoModelForImageTextToText and its processor open, with a chat template.

    What the convention does not say is assumed and told in `assumptions`. A model that visibly differs is
    refused: without a chat template, with positions of its own, or without plain language layers.
    """

    name = "generic"
    answer_prefix: str = ""

    def __init__(self, model: Any, processor: Any) -> None:
        super().__init__(model, processor)
        kind = self.plain_model.config.model_type
        if self.chat_template is None:
            raise UserError(
                f"{kind!r} is served by no family, and its processor has no chat template to go by"
            )
        if hasattr(self.plain_model.model, "get_rope_index"):
            raise UserError(f"{kind!r} is served by no family, and has positions of its own")
        layers = getattr(self.decoder, "layers", None)
        if not isinstance(layers, nn.ModuleList) or not hasattr(layers[-1], "self_attn"):
            raise UserError(
                f"{kind!r} is served by no family, and its language layers are not found"
            )
        if not hasattr(self.decoder, "norm"):
            raise UserError(f"{kind!r} is served by no family, and its final norm is not found")
        parameters = inspect.signature(self.plain_model.forward).parameters
        self._marks = [n for n in ("token_type_ids", "mm_token_type_ids") if n in parameters]
        self._taken = frozenset(parameters)
        where = self._path(self.decoder)
        self.targets = _targets(where, layers)
        self.assumptions = (
            f"no family declares model_type {kind!r}: it is read by the image-text-to-text convention",
            f"a question is one user turn of its chat template, with the picture as {self.image_token!r} "
            "before the text",
            f"language layers: {where}.layers; everything else belongs to the picture",
            "positions count up from 0, and tokens see earlier ones only"
            + (f", but for picture tokens as {', '.join(self._marks)} say" if self._marks else ""),
        )

    @classmethod
    def load_processor(cls, folder: Path | str, *, local: bool = True) -> Any:
        return processors.processor(_processor_class(folder, local), folder, local=local)

    @property
    def decoder(self) -> Any:
        return self.plain_model.get_decoder()

    def _path(self, module: nn.Module) -> str:
        names = {id(one): name for name, one in self.plain_model.named_modules()}
        found: str = names[id(module)]
        return found

    def _with_picture(self, text: str, ids: Sequence[int], shown: PictureInputs) -> list[int]:
        """From the whole text, because what stands for a picture may join its neighbours."""
        spelled = self.processor.replace_image_token(shown, 0)
        found: list[int] = self.tokenizer(text.replace(self.image_token, spelled))["input_ids"]
        return found

    def extra_inputs(self, ids: Tensor) -> dict[str, Tensor]:
        seen = torch.zeros_like(ids)
        if self.picture_token_id is not None:
            seen[ids == self.picture_token_id] = 1
        return dict.fromkeys(self._marks, seen)

    def run(self, inputs: Mapping[str, Any]) -> Any:
        unread = {"rows", "cols", "num_patches"} - self._taken
        return self.model(**{k: v for k, v in inputs.items() if k not in unread})


def _processor_class(folder: Path | str, local: bool) -> str:
    """The processor's class, as the folder names it, or else as transformers has it for the model's type."""
    from transformers import PreTrainedConfig, ProcessorMixin
    from transformers.models.auto import processing_auto

    try:
        about, _ = ProcessorMixin.get_processor_dict(folder, local_files_only=local)
        if named := about.get("processor_class"):
            return str(named)
        config, _ = PreTrainedConfig.get_config_dict(folder, local_files_only=local)
        known: Mapping[str, str] = vars(processing_auto)["PROCESSOR_MAPPING_NAMES"]
        return known[config["model_type"]]
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise DataError(
            f"nothing says which processor it has ({reason})", file=str(folder)
        ) from error


def _targets(where: str, layers: nn.ModuleList) -> dict[str, str]:
    """Sets of linear layers by what they are part of: attention, or anything in a language layer."""
    names = {
        name
        for layer in layers
        for name, one in layer.named_modules()
        if isinstance(one, nn.Linear)
    }
    attention = sorted(name for name in names if name.startswith("self_attn."))
    return {
        key: rf".*{re.escape(where)}\.layers\.\d+\.({'|'.join(map(re.escape, chosen))})"
        for key, chosen in (
            ("language.attention", attention),
            ("language.all", sorted(names)),
        )
        if chosen
    }
