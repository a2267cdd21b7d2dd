"""The effective update of adapters of every kind against the weights that peft merges."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from uqs.errors import DataError
from uqs.models.layouts import layer_name
from uqs.models.update import effective_update, shapes


def made(make_vlm, top: Path, **settings: object) -> tuple[Path, Path]:  # type: ignore[no-untyped-def]
    """A base and an adapter on it whose weights were moved at random."""
    from peft import LoraConfig, get_peft_model

    base, folder = top / "base", top / "adapter"
    vlm = make_vlm()
    vlm.model.save_pretrained(base)
    usual = {"r": 3, "lora_alpha": 5, "target_modules": vlm.targets["language.all"]}
    adapted = get_peft_model(vlm.model, LoraConfig(**(usual | settings)))
    adapted.save_pretrained(str(folder), save_embedding_layers=False)
    file, generator = folder / "adapter_model.safetensors", torch.Generator().manual_seed(0)
    tensors = {
        name: tensor + 0.05 * torch.randn(tensor.shape, generator=generator)
        for name, tensor in load_file(file).items()
    }
    save_file(tensors, file)
    return base, folder


@pytest.mark.filterwarnings("ignore:fan_in_fan_out is set to True but")
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"use_rslora": True},
        {"use_dora": True},
        {"init_lora_weights": "pissa"},
        {"init_lora_weights": "olora"},
        {"init_lora_weights": "pissa", "use_dora": True},
        {"init_lora_weights": "olora", "use_rslora": True},
        {"init_lora_weights": "orthogonal", "r": 4},
        {"fan_in_fan_out": True},
        {"alpha_pattern": {r"^model\.language_model\.layers\.0\..*q_proj": 40}},
        {"alpha_pattern": {"q_proj": 40}, "rank_pattern": {r"layers\.1\..*": 2}},
        {"rank_pattern": {"k_proj": 5}, "init_lora_weights": "olora"},
    ],
)
def test_the_update_is_what_the_layer_computes_with_minus_what_it_was(  # type: ignore[no-untyped-def]
    make_vlm, tmp_path: Path, settings: dict[str, object]
) -> None:
    from peft import PeftModel

    base, folder = made(make_vlm, tmp_path, **settings)
    start = make_vlm().model.state_dict()
    merged = PeftModel.from_pretrained(make_vlm().model, folder).merge_and_unload().state_dict()
    update, seen = effective_update(folder, base), 0
    for name, weight in merged.items():
        expected = (weight.double() - start[name].double()).numpy()
        if layer_name(name) in update:
            found = update[layer_name(name)]
            assert shapes(update)[layer_name(name)] == found.shape == expected.shape
            # float32 arithmetic of an SVD against float64; weights are below 1
            np.testing.assert_allclose(found, expected, atol=2e-5)
            assert np.abs(expected).max() > 1e-3
            seen += 1
        else:
            assert not expected.any(), name
    assert seen == len(update) == 21


@pytest.mark.filterwarnings("ignore:`lora_bias=True` was passed but")
@pytest.mark.filterwarnings("ignore:Adapter 'default'.*invalid shape")
@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`")
@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"modules_to_save": ["multi_modal_projector"]}, "multi_modal_projector"),
        ({"lora_bias": True}, "lora_B.bias"),
        ({"bias": "all"}, ".bias"),
        ({"trainable_token_indices": [3]}, "trainable_tokens"),
        ({"target_modules": ["q_proj", "embed_tokens"]}, "lora_embedding"),
    ],
)
def test_what_changes_more_than_matrices_has_no_known_update(  # type: ignore[no-untyped-def]
    make_vlm, tmp_path: Path, settings: dict[str, object], field: str
) -> None:
    base, folder = made(make_vlm, tmp_path, **settings)
    with pytest.raises(DataError, match=rf"{field}.*the effective update is not known"):
        effective_update(folder, base)


@pytest.mark.parametrize(
    "change",
    [
        {"init_lora_weights": "loftq"},
        {"init_lora_weights": "corda"},
        {"init_lora_weights": "something new"},
        {"use_qalora": True},
        {"kasa_config": {"beta": 1}},
        {"alora_invocation_tokens": [1]},
        {"target_parameters": ["experts"]},
    ],
)
def test_what_is_computed_otherwise_has_no_known_update(make_vlm, tmp_path, change) -> None:  # type: ignore[no-untyped-def]
    base, folder = made(make_vlm, tmp_path)
    about = folder / "adapter_config.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | change))
    with pytest.raises(DataError, match=rf"{next(iter(change))}.*effective update is not known"):
        effective_update(folder, base)


def test_files_that_are_not_loaded_are_not_compared(make_vlm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    base, other = tmp_path / "base", tmp_path / "other"
    make_vlm().model.save_pretrained(base)
    make_vlm(1).model.save_pretrained(other)
    expected = dict(effective_update(other, base))
    held = load_file(base / "model.safetensors")
    save_file(held, other / "old-00001-of-00001.safetensors", metadata={"format": "pt"})
    for layer, values in effective_update(other, base).items():
        np.testing.assert_array_equal(values, expected[layer])
    assert any(values.any() for values in expected.values())
