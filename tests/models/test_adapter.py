from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from uqs.errors import DataError, UserError
from uqs.methods.base import trainable
from uqs.models.adapter import attach, load, save
from uqs.models.settings import AdapterSettings
from uqs.models.update import effective_update, layer_name, shapes


def trained(make_vlm, tmp_path: Path, settings: AdapterSettings, seed: int = 0):  # type: ignore[no-untyped-def]
    """A checkpoint whose trained weights were moved at random, beside its base."""
    base, checkpoint = tmp_path / "base", tmp_path / f"checkpoint{seed}"
    vlm = make_vlm()
    vlm.model.save_pretrained(base)
    vlm.processor.save_pretrained(base)
    attach(vlm, settings, seed=0)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    save(vlm, checkpoint)
    return vlm, base, checkpoint


@pytest.mark.parametrize(
    "settings",
    [AdapterSettings(r=3, alpha=5.0, targets="language.all"), AdapterSettings(kind="full")],
)
def test_a_checkpoint_comes_back_and_its_update_is_what_it_adds(
    make_vlm, samples, tmp_path: Path, settings: AdapterSettings
) -> None:  # type: ignore[no-untyped-def]
    vlm, base, checkpoint = trained(make_vlm, tmp_path, settings)
    again = load(type(vlm), base, checkpoint, trainable=False)
    batch = vlm.batch(vlm.encode(samples), range(len(samples)))
    with torch.no_grad():
        torch.testing.assert_close(again.answer_logits(batch)[0], vlm.answer_logits(batch)[0])
    update = effective_update(checkpoint, base)
    merged = again.model.merge_and_unload() if settings.kind == "lora" else again.model
    start = make_vlm().model.state_dict()
    differing = 0
    for name, weight in merged.state_dict().items():
        layer = layer_name(name)
        if layer in update:
            np.testing.assert_allclose(update[layer], (weight - start[name]).numpy(), atol=1e-5)
            assert shapes(update)[layer] == weight.shape
            differing += 1
    assert differing == len(update) > 0


def test_rescaled_factors_leave_the_update_alone(make_vlm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    settings = AdapterSettings(r=3)
    vlm, base, checkpoint = trained(make_vlm, tmp_path, settings)
    before = effective_update(checkpoint, base)
    with torch.no_grad():
        for name, parameter in trainable(vlm).items():
            parameter.mul_(4.0 if "lora_A" in name else 0.25)
    save(vlm, tmp_path / "rescaled")
    after = effective_update(tmp_path / "rescaled", base)
    for layer, update in before.items():
        np.testing.assert_allclose(after[layer], update, rtol=1e-6)


def test_fresh_adapters_share_their_start_and_change_nothing(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    plain, first, second = make_vlm(), make_vlm(), make_vlm()
    torch.manual_seed(1)
    attach(first, AdapterSettings(r=2), seed=5)
    torch.manual_seed(2)
    attach(second, AdapterSettings(r=2), seed=5)
    for name, parameter in trainable(first).items():
        assert torch.equal(parameter, trainable(second)[name])
    batch = plain.batch(plain.encode(samples), [0, 1, 2])
    with torch.no_grad():
        assert torch.equal(first.answer_logits(batch)[0], plain.answer_logits(batch)[0])


def test_an_unknown_target_gets_the_nearest_name(make_vlm) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(
        UserError, match=r"'language\.atention'; did you mean 'language\.attention'\?"
    ):
        attach(make_vlm(), AdapterSettings(targets="language.atention"), seed=0)


def test_a_folder_without_weights_is_an_error(make_vlm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(
        DataError, match=r"neither adapter_model\.safetensors nor model\.safetensors"
    ):
        load(type(make_vlm()), tmp_path, tmp_path, trainable=False)


def test_scales_by_pattern_are_pefts(make_vlm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from peft import LoraConfig, get_peft_model

    vlm = make_vlm()
    config = LoraConfig(
        r=2,
        lora_alpha=4,
        target_modules=vlm.targets["language.attention"],
        alpha_pattern={r"layers\.0\..*q_proj": 32},
    )
    adapted = get_peft_model(vlm.model, config)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.fill_(0.5)
    adapted.save_pretrained(str(tmp_path), save_embedding_layers=False)
    update = effective_update(tmp_path, tmp_path)
    seen = 0
    for name, module in adapted.named_modules():
        if hasattr(module, "get_delta_weight"):
            expected = module.get_delta_weight("default").detach().numpy()
            np.testing.assert_allclose(update[layer_name(name)], expected, rtol=1e-5)
            seen += 1
    assert seen == len(update) > 0


def test_what_is_no_factor_has_no_known_update(make_vlm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from peft import LoraConfig, get_peft_model

    vlm = make_vlm()
    config = LoraConfig(r=2, target_modules=["q_proj"], modules_to_save=["multi_modal_projector"])
    get_peft_model(vlm.model, config).save_pretrained(str(tmp_path), save_embedding_layers=False)
    with pytest.raises(DataError, match=r"multi_modal_projector.*is no factor of a weight matrix"):
        effective_update(tmp_path, tmp_path)
