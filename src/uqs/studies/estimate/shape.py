"""A model's sizes from its configuration: its weights are made on no device, and take no memory."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from uqs import registry
from uqs.errors import DataError
from uqs.models import adapter
from uqs.models.settings import AdapterSettings


@dataclass(frozen=True)
class Shape:
    """Numbers of weights: of the language layers, of the output layer, of everything else that a picture
    passes (`vision`), in all, and trained. `picture`: tokens of a picture; `patches`: what the vision tower
    reads of it."""

    language: int
    head: int
    vision: int
    weights: int
    trained: int
    trains_vision: bool
    layers: int
    width: int
    inner: int
    key_values: int
    vocabulary: int
    picture: int
    patches: int


def shape_of(folder: Path, family: str, settings: AdapterSettings) -> Shape:
    """The sizes of a model with the configuration in a folder. Raises DataError if they cannot be told."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    serving = registry.get("model", family)
    with torch.device("meta"):
        model = getattr(transformers, serving.auto_class).from_config(config)
    vlm = serving(model, None)
    text = config.get_text_config(decoder=True)
    embedded = model.get_input_embeddings().weight
    decoder = {id(p): p for p in vlm.decoder.parameters() if p is not embedded}
    head = model.get_output_embeddings().weight
    vision = {
        id(p): p
        for p in model.parameters()
        if id(p) not in decoder and p is not head and p is not embedded
    }
    weights = sum(p.numel() for p in model.parameters())
    model.requires_grad_(False)
    # in 4 bits as many are trained, and no weights are here to be quantised
    kind = "lora" if settings.kind == "qlora" else settings.kind
    with warnings.catch_warnings():
        # peft 0.21 asks transformers 5.23 by the old name
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        adapter.attach(vlm, settings.model_copy(update={"kind": kind}), seed=0)
    trained = [p for p in vlm.model.parameters() if p.requires_grad]
    inside = {id(p) for p in vlm.decoder.parameters()} | {id(head), id(embedded)}
    heads = text.num_attention_heads
    width = text.hidden_size
    one_head = getattr(text, "head_dim", None) or width // heads
    picture, patches = _picture(config, folder) if serving.sees_pictures else (0, 0)
    return Shape(
        language=sum(p.numel() for p in decoder.values()),
        head=head.numel(),
        vision=sum(p.numel() for p in vision.values()),
        weights=weights,
        trained=sum(p.numel() for p in trained),
        trains_vision=any(id(p) not in inside for p in trained),
        layers=text.num_hidden_layers,
        width=width,
        inner=getattr(text, "intermediate_size", None) or getattr(text, "ffn_dim", 4 * width),
        key_values=(getattr(text, "num_key_value_heads", None) or heads) * one_head,
        vocabulary=text.vocab_size,
        picture=picture,
        patches=patches,
    )


def _picture(config: Any, folder: Path) -> tuple[int, int]:
    """Tokens of a picture, and the patches that the tower reads of it."""
    tower = getattr(config, "vision_config", None)
    side, patch = (getattr(tower, name, None) for name in ("image_size", "patch_size"))
    if not (isinstance(side, int) and isinstance(patch, int)):
        raise DataError(
            "how many tokens a picture has follows from each picture, and cannot be counted; fetch the model",
            file=folder,
        )
    patches = (side // patch) ** 2
    for name in ("num_query_tokens", "image_seq_length", "mm_tokens_per_image"):
        if isinstance(tokens := getattr(config, name, None), int):
            return tokens, patches + 1
    return patches, patches + 1
