"""Tiny models saved as the scripts of MLLMU-Bench and MMUnlearner save theirs: docs/measuring.md.

Both train LoRA on the last names of all linear layers, which PEFT finds in the vision tower too, merge it
into half-precision weights, and save the model without its processor, in the layout of transformers 4.45.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from uqs.checkpoints.find import check_adapter, find
from uqs.checkpoints.open import Models
from uqs.errors import DataError
from uqs.models.update import effective_update

BEFORE_4_52 = {
    "model.language_model.": "language_model.model.",
    "model.vision_tower.": "vision_tower.vision_model.",
    "model.multi_modal_projector.": "multi_modal_projector.",
    "language_model.model.": "language_model.model.",
    "vision_tower.": "vision_tower.vision_model.",
}
LAST_NAMES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def renamed(file: Path) -> None:
    """Give the tensors of a file the names of transformers 4.45."""
    found = {}
    for name, tensor in load_file(file).items():
        wrapped = "base_model.model." if name.startswith("base_model.model.") else ""
        plain = name.removeprefix(wrapped)
        fitting = [now for now in BEFORE_4_52 if plain.startswith(now)]
        then = plain.replace(fitting[0], BEFORE_4_52[fitting[0]], 1) if fitting else plain
        found[wrapped + then] = tensor
    save_file(found, file, metadata={"format": "pt"})


@pytest.fixture
def base(make_vlm, tmp_path: Path) -> Path:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    vlm.model.save_pretrained(tmp_path / "base")
    vlm.processor.save_pretrained(tmp_path / "base")
    renamed(tmp_path / "base" / "model.safetensors")
    return tmp_path / "base"


def trained(make_vlm: Any) -> Any:
    """A PEFT model after some training."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=16,
        lora_alpha=16,
        lora_dropout=0.05,
        target_modules=LAST_NAMES,
        init_lora_weights="gaussian",
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        adapted = get_peft_model(make_vlm().model, config)
        with torch.no_grad():
            for name, parameter in adapted.named_parameters():
                if "lora_B" in name:
                    parameter.normal_(std=0.02)
    return adapted.eval()


def logits(model: Any, vlm: Any, samples: list[Any]) -> Tensor:
    made = type(vlm)(model, vlm.processor)
    with torch.no_grad():
        found: Tensor = made.answer_logits(made.batch(made.encode(samples), range(4)))[0]
    return found


def opened(models: Models, folder: Path, base: Path, samples: list[Any]) -> Tensor:
    checkpoint = find(folder, base)
    if checkpoint.kind == "adapter":
        check_adapter(checkpoint)
    with models.opened(checkpoint) as vlm:
        return logits(vlm.model, vlm, samples).clone()


def test_a_merged_model_without_its_processor(make_vlm, samples, base, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    plain = opened(Models("cpu"), base, base, samples)
    merged = trained(make_vlm).merge_and_unload().half()
    merged.save_pretrained(tmp_path / "npo")
    renamed(tmp_path / "npo" / "model.safetensors")
    same = make_vlm()
    same.model.load_state_dict({name: t.float() for name, t in merged.state_dict().items()})
    wanted = logits(same.model, same, samples)
    with pytest.raises(DataError, match=r"/npo: holds no picture processor: .*--processor"):
        opened(Models("cpu"), tmp_path / "npo", base, samples)
    found = opened(Models("cpu", processor=base), tmp_path / "npo", base, samples)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(found, plain, atol=1e-3)
    update = effective_update(tmp_path / "npo", base)
    assert any("vision_tower" in layer and update[layer].any() for layer in update)


def test_embeddings_that_were_cut_to_the_tokenizer(make_vlm, samples, base, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """As MMUnlearner's script does: rows of LLaVA's embedding that no token has are lost."""
    rows = len(make_vlm().tokenizer)
    longer = make_vlm().model
    longer.resize_token_embeddings(rows + 8)
    longer.save_pretrained(tmp_path / "vanilla")
    longer.resize_token_embeddings(rows)
    longer.save_pretrained(tmp_path / "cut")
    models = Models("cpu", processor=base)
    whole, cut = (opened(models, tmp_path / name, base, samples) for name in ("vanilla", "cut"))
    assert (whole.shape[-1], cut.shape[-1]) == (rows + 8, rows)
    torch.testing.assert_close(cut, whole[..., :rows], atol=1e-5, rtol=1e-4)
    update = effective_update(tmp_path / "cut", tmp_path / "vanilla")
    assert len(update) > 0
    assert not any(update[layer].any() for layer in update)


def test_its_adapter_before_it_is_merged(make_vlm, samples, base, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    adapted = trained(make_vlm)
    wanted = logits(adapted, make_vlm(), samples)
    adapted.save_pretrained(str(tmp_path / "ga"), save_embedding_layers=False)
    renamed(tmp_path / "ga" / "adapter_model.safetensors")
    about = tmp_path / "ga" / "adapter_config.json"
    elsewhere = {"base_model_name_or_path": "/home/somebody/llava_vanilla"}
    about.write_text(json.dumps(json.loads(about.read_text()) | elsewhere))
    with pytest.raises(DataError, match=r"no folder '/home/somebody/llava_vanilla'.*--base"):
        find(tmp_path / "ga")
    found = opened(Models("cpu"), tmp_path / "ga", base, samples)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
    update, merged = effective_update(tmp_path / "ga", base), adapted.merge_and_unload()
    start = make_vlm().model.state_dict()
    changed = [
        name for name, weight in merged.state_dict().items() if not torch.equal(weight, start[name])
    ]
    assert len(update) == len(changed) == 7 * 3 + 3 * 2


def test_a_model_saved_before_it_is_merged_is_refused(make_vlm, samples, base, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """As `accelerator.save_model` or a plain `state_dict` writes a PEFT model."""
    inside = trained(make_vlm).base_model.model
    inside.config.save_pretrained(tmp_path / "odd")
    tensors = {name: t.clone() for name, t in inside.state_dict().items() if "lm_head" not in name}
    save_file(tensors, tmp_path / "odd" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DataError, match=r"33 missing .*unexpected \(.*base_layer"):
        opened(Models("cpu", processor=base), tmp_path / "odd", base, samples)
