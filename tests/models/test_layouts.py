"""Adapters and bases in the layouts of other versions of transformers compute what they compute in today's.

The old names are written out here: they are those of files on the hub (llava-hf/llava-1.5-7b-hf,
Qwen/Qwen2-VL-2B-Instruct) and of adapters that were trained on them.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from uqs.checkpoints.find import check_adapter, find
from uqs.checkpoints.open import Models
from uqs.errors import DataError
from uqs.models.layouts import layer_name
from uqs.models.update import effective_update

WEIGHTS, ADAPTER, ABOUT = "model.safetensors", "adapter_model.safetensors", "adapter_config.json"
WRAPPED = "base_model.model."
Names = Mapping[str, str]
BEFORE_4_52: Names = {
    "model.language_model.": "language_model.model.",
    "model.vision_tower.": "vision_tower.vision_model.",
    "model.multi_modal_projector.": "multi_modal_projector.",
}
BEFORE_5: Names = {"model.vision_tower.": "model.vision_tower.vision_model."}
QWEN_BEFORE_4_52: Names = {"model.language_model.": "model.", "model.visual.": "visual."}


def renamed(name: str, layout: Names) -> str:
    inside = name.removeprefix(WRAPPED)
    for ours, theirs in layout.items():
        if inside.startswith(ours):
            return name.replace(ours, theirs, 1)
    return name


def with_names(source: Path, folder: Path, layout: Names, **settings: Any) -> Path:
    """A copy of a model or an adapter with the names of a layout, and with other settings."""
    shutil.copytree(source, folder)
    file = next(folder.glob("*model.safetensors"))
    tensors = {renamed(name, layout): tensor for name, tensor in load_file(file).items()}
    save_file(tensors, file, metadata={"format": "pt"})
    if settings:
        about = folder / ABOUT
        about.write_text(json.dumps(json.loads(about.read_text()) | settings))
    return folder


def written(vlm: Any, folder: Path) -> Path:
    """A model's folder with today's names of its layers."""
    vlm.model.save_pretrained(folder)
    vlm.processor.tokenizer.save_pretrained(folder)
    vlm.processor.image_processor.save_pretrained(folder)
    if hasattr(vlm.processor, "save_pretrained"):
        vlm.processor.save_pretrained(folder)
    tied = vlm.model.config.tie_word_embeddings
    held = {
        name: tensor.clone()
        for name, tensor in vlm.model.state_dict().items()
        if not (tied and name == "lm_head.weight")
    }
    save_file(held, folder / WEIGHTS, metadata={"format": "pt"})
    return folder


def adapter(vlm: Any, base: Path, folder: Path, **settings: Any) -> Path:
    """An adapter with random weights."""
    from peft import LoraConfig, get_peft_model

    adapted = get_peft_model(vlm.model, LoraConfig(**({"r": 2, "lora_alpha": 4} | settings)))
    adapted.save_pretrained(str(folder), save_embedding_layers=False)
    generator = torch.Generator().manual_seed(1)
    moved = {
        name: tensor + 0.1 * torch.randn(tensor.shape, generator=generator)
        for name, tensor in load_file(folder / ADAPTER).items()
    }
    save_file(moved, folder / ADAPTER, metadata={"format": "pt"})
    about = folder / ABOUT
    about.write_text(
        json.dumps(json.loads(about.read_text()) | {"base_model_name_or_path": str(base)})
    )
    return folder


def logits(models: Models, folder: Path, samples: list[Any]) -> Tensor:
    """A checkpoint's answers, found, checked and opened as `uqs measure` does it."""
    checkpoint = find(folder)
    if checkpoint.kind == "adapter":
        check_adapter(checkpoint)
    with models.opened(checkpoint) as vlm, torch.no_grad():
        found: Tensor = vlm.answer_logits(vlm.batch(vlm.encode(samples), range(4)))[0]
        return found.clone()


def same_updates(one: Path, other: Path, base: Path, other_base: Path) -> bool:
    first, second = effective_update(one, base), effective_update(other, other_base)
    assert len(first) == len(second) > 0
    return all(np.array_equal(first[layer], second[layer]) for layer in first)


def full(*names: str) -> dict[str, list[str]]:
    return {"target_modules": list(names)}


LANGUAGE = r"\.layers\.\d+\.self_attn\.(q|v)_proj"
CASES: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "last names, vision tower too": ({"target_modules": ["q_proj", "v_proj"]}, {}),
    "any language model": ({"target_modules": r".*language_model.*\.(q|v)_proj"}, {}),
    "pattern of its layout": (
        {"target_modules": rf"model\.language_model{LANGUAGE}"},
        {"target_modules": rf"language_model\.model{LANGUAGE}"},
    ),
    "full names": (
        full(
            "model.language_model.layers.0.mlp.up_proj",
            "model.vision_tower.encoder.layers.1.mlp.fc1",
        ),
        full(
            "language_model.model.layers.0.mlp.up_proj",
            "vision_tower.vision_model.encoder.layers.1.mlp.fc1",
        ),
    ),
    "ranks and scales": (
        {
            "target_modules": ["q_proj"],
            "rank_pattern": {"model.language_model.layers.0.self_attn.q_proj": 3},
            "alpha_pattern": {"model.language_model.layers.1.self_attn.q_proj": 40},
        },
        {
            "rank_pattern": {"language_model.model.layers.0.self_attn.q_proj": 3},
            "alpha_pattern": {"language_model.model.layers.1.self_attn.q_proj": 40},
        },
    ),
    "a single layer": ({"target_modules": ["q_proj"], "layers_to_transform": [1]}, {}),
    "all but vision": (
        {"target_modules": ["q_proj"], "exclude_modules": r"model\.vision_tower.*"},
        {"exclude_modules": r"vision_tower.*"},
    ),
    "every linear layer": ({"target_modules": "all-linear"}, {}),
    "DoRA": ({"target_modules": ["q_proj", "fc1"], "use_dora": True}, {}),
}
BESIDE_MATRICES: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a module saved whole": (
        {"target_modules": ["q_proj"], "modules_to_save": ["model.multi_modal_projector"]},
        {"modules_to_save": ["multi_modal_projector"]},
    ),
    "biases": ({"target_modules": ["q_proj"], "bias": "all"}, {}),
    "tokens": (
        {
            "target_modules": ["q_proj"],
            "trainable_token_indices": {"model.language_model.embed_tokens": [3, 4]},
        },
        {"trainable_token_indices": {"language_model.model.embed_tokens": [3, 4]}},
    ),
}


@pytest.fixture(scope="module")
def models() -> Models:
    return Models("cpu")


@pytest.mark.parametrize("case", [*CASES, *BESIDE_MATRICES])
@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`")
def test_an_older_adapter_computes_the_same(  # type: ignore[no-untyped-def]
    models, make_vlm, samples, tmp_path: Path, case: str
) -> None:
    now, then = (CASES | BESIDE_MATRICES)[case]
    base = written(make_vlm(), tmp_path / "base")
    good = adapter(make_vlm(), base, tmp_path / "good", **now)
    old = with_names(good, tmp_path / "old", BEFORE_4_52, **then)
    wanted = logits(models, good, samples)
    assert torch.equal(logits(models, old, samples), wanted)
    assert not torch.equal(logits(models, base, samples), wanted)
    if case in CASES:
        assert same_updates(good, old, base, base)


def test_an_adapter_from_before_5_computes_the_same(
    models, make_vlm, samples, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    base = written(make_vlm(), tmp_path / "base")
    good = adapter(make_vlm(), base, tmp_path / "good", target_modules=["q_proj"])
    old = with_names(good, tmp_path / "old", BEFORE_5)
    assert torch.equal(logits(models, old, samples), logits(models, good, samples))
    assert same_updates(good, old, base, base)


@pytest.mark.parametrize("model_type", ["qwen2_vl", "qwen2_5_vl"])
@pytest.mark.parametrize(
    ("now", "then"),
    [
        (["q_proj", "up_proj"], ["q_proj", "up_proj"]),
        (["q_proj", "qkv"], ["q_proj", "qkv"]),
        (rf"model\.language_model{LANGUAGE}", rf"model{LANGUAGE}"),
        (r"^(?!.*visual).*(?:q_proj|up_proj).*", r"^(?!.*visual).*(?:q_proj|up_proj).*"),
    ],
)
def test_qwen_with_its_layers_under_model(  # type: ignore[no-untyped-def]
    models, make_qwen, samples, tmp_path: Path, model_type: str, now: Any, then: Any
) -> None:
    base = written(make_qwen(model_type=model_type), tmp_path / "base")
    good = adapter(make_qwen(model_type=model_type), base, tmp_path / "good", target_modules=now)
    old = with_names(good, tmp_path / "old", QWEN_BEFORE_4_52, target_modules=then)
    wanted = logits(models, good, samples)
    assert torch.equal(logits(models, old, samples), wanted)
    assert not torch.equal(logits(models, base, samples), wanted)
    assert same_updates(good, old, base, base)


@pytest.mark.parametrize("family", ["llava", "qwen"])
def test_each_layout_of_an_adapter_fits_each_layout_of_its_base(  # type: ignore[no-untyped-def]
    models, make_vlm, make_qwen, samples, tmp_path: Path, family: str
) -> None:
    make: Callable[[], Any] = make_vlm if family == "llava" else make_qwen
    layout = BEFORE_4_52 if family == "llava" else QWEN_BEFORE_4_52
    base = written(make(), tmp_path / "base")
    old_base = with_names(base, tmp_path / "old_base", layout)
    assert torch.equal(logits(models, old_base, samples), logits(models, base, samples))
    good = adapter(make(), base, tmp_path / "good", target_modules=["q_proj"])
    wanted = logits(models, good, samples)
    for name, names in (("new", {}), ("old", layout)):
        other = with_names(good, tmp_path / name, names, base_model_name_or_path=str(old_base))
        assert torch.equal(logits(models, other, samples), wanted)
        assert same_updates(good, other, base, old_base)
    whole = effective_update(old_base, base)
    assert len(whole) > 0
    assert not any(whole[layer].any() for layer in whole)


def test_names_that_two_layouts_read_differently_are_refused(
    make_qwen, models, samples, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    base = written(make_qwen(), tmp_path / "base")
    good = adapter(make_qwen(), base, tmp_path / "good", target_modules=["q_proj", "qkv"])
    half = {"model.language_model.": "model."}  # but the tower stays `model.visual`
    mixed = with_names(good, tmp_path / "mixed", half)
    assert logits(models, good, samples).isfinite().all()
    with pytest.raises(DataError, match=r"mixed/adapter_model.safetensors: .*several versions"):
        logits(models, mixed, samples)


def test_settings_that_choose_nothing_in_their_files_layout_are_refused(
    make_vlm, models, samples, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    base = written(make_vlm(), tmp_path / "base")
    targets = rf"model\.language_model{LANGUAGE}"
    good = adapter(make_vlm(), base, tmp_path / "good", target_modules=targets)
    old = with_names(good, tmp_path / "old", BEFORE_4_52)
    with pytest.raises(DataError, match=r"names its layers language_model\.model….*target_modules"):
        logits(models, old, samples)


def test_an_older_adapter_that_lacks_a_layer_is_refused(
    make_vlm, models, samples, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    base = written(make_vlm(), tmp_path / "base")
    good = adapter(make_vlm(), base, tmp_path / "good", target_modules=["q_proj"])
    old = with_names(good, tmp_path / "old", BEFORE_4_52)
    tensors = load_file(old / ADAPTER)
    kept = {name: t for name, t in tensors.items() if not re.search(r"tower.*layers\.1\.", name)}
    assert len(kept) == len(tensors) - 2
    save_file(kept, old / ADAPTER)
    with pytest.raises(DataError, match=r"2 missing \(.*vision_tower.*layers\.1\..*lora_A"):
        logits(models, old, samples)


def test_names_of_one_layer_are_one_name() -> None:
    names = (
        "base_model.model.language_model.model.layers.0.mlp.up_proj",
        "base_model.model.model.language_model.layers.0.mlp.up_proj",
        "language_model.model.layers.0.mlp.up_proj.weight",
        "model.layers.0.mlp.up_proj.weight",
    )
    assert {layer_name(name) for name in names} == {"layers.0.mlp.up_proj"}
    vision = ("vision_tower.vision_model.encoder.x", "model.vision_tower.encoder.x.weight")
    assert {layer_name(name) for name in vision} == {"vision_tower.encoder.x"}
