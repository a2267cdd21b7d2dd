from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from uqs.errors import DataError, UserError
from uqs.methods.base import trainable
from uqs.models.adapter import Factors, attach, base_weight, factors, load, save, set_factors
from uqs.models.layouts import layer_name
from uqs.models.settings import AdapterSettings
from uqs.models.update import effective_update, shapes


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
        expected = plain.answer_logits(batch)[0]
        # adding a product of 0 is another path through the processor, so the last bits may differ
        torch.testing.assert_close(first.answer_logits(batch)[0], expected, atol=1e-5, rtol=0)
        next(p for name, p in trainable(first).items() if "lora_B" in name)[0, 0] += 0.1
        assert (first.answer_logits(batch)[0] - expected).abs().max() > 1e-4


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
    with pytest.raises(
        DataError, match=r"multi_modal_projector.*is not a factor of a weight matrix"
    ):
        effective_update(tmp_path, tmp_path)


def moved(make_vlm, settings: AdapterSettings | None = None, seed: int = 0):  # type: ignore[no-untyped-def]
    """A model with a fresh adapter whose factors were moved at random."""
    vlm = make_vlm()
    attach(vlm, settings or AdapterSettings(r=3), seed=0)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return vlm


def deltas(model) -> dict[str, torch.Tensor]:  # type: ignore[no-untyped-def]
    """What PEFT itself would merge into each layer."""
    return {
        name: module.get_delta_weight("default").detach()
        for name, module in model.named_modules()
        if hasattr(module, "get_delta_weight")
    }


def test_factors_are_a_copy_of_what_peft_merges(make_vlm) -> None:  # type: ignore[no-untyped-def]
    vlm = moved(make_vlm, AdapterSettings(r=3, alpha=5.0, targets="language.all+projector"))
    before, expected = factors(vlm), deltas(vlm.model)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.zero_()
    assert before.keys() == expected.keys()
    for name, one in before.items():
        torch.testing.assert_close(one.up @ one.down, expected[name])


def test_factors_add_up_as_matrices_do(make_vlm) -> None:  # type: ignore[no-untyped-def]
    one = factors(moved(make_vlm, seed=1))
    other = factors(moved(make_vlm, AdapterSettings(r=5), seed=2))
    for name in one:
        made = 1.5 * one[name] + (-0.5) * other[name]
        expected = 1.5 * one[name].up @ one[name].down - 0.5 * other[name].up @ other[name].down
        torch.testing.assert_close(made.up @ made.down, expected)
        assert len(made.down) == 8


@pytest.mark.parametrize("rslora", [False, True])
def test_new_factors_of_any_rank_are_the_update_and_come_back(  # type: ignore[no-untyped-def]
    make_vlm, samples, tmp_path: Path, rslora: bool
) -> None:
    from peft import LoraConfig, get_peft_model

    vlm = make_vlm()
    vlm.model.save_pretrained(tmp_path / "base")
    vlm.processor.save_pretrained(tmp_path / "base")
    config = LoraConfig(
        r=3,
        lora_alpha=5,
        use_rslora=rslora,
        target_modules=vlm.targets["language.all+projector"],
        alpha_pattern={r"layers\.0\..*": 32},
        rank_pattern={r"layers\.\d\.mlp\..*": 2},
    )
    vlm.model = get_peft_model(vlm.model, config)
    before = deltas(vlm.model)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.copy_(0.05 * torch.randn(parameter.shape, generator=generator))
    kept = deltas(vlm.model)
    changed = [name for k, name in enumerate(before) if k % 2]
    wanted = {}
    for k, name in enumerate(changed):
        out, into = before[name].shape
        rank = 1 + 7 * (k % 3)
        wanted[name] = Factors(
            0.1 * torch.randn(out, rank, generator=generator),
            0.1 * torch.randn(rank, into, generator=generator),
        )
    names = set(trainable(vlm))
    set_factors(vlm, wanted)
    assert set(trainable(vlm)) == names
    expected = kept | {name: one.up @ one.down for name, one in wanted.items()}
    for name, delta in deltas(vlm.model).items():
        torch.testing.assert_close(delta, expected[name])

    save(vlm, tmp_path / "checkpoint")
    again = load(type(vlm), tmp_path / "base", tmp_path / "checkpoint", trainable=True)
    batch = vlm.batch(vlm.encode(samples), range(len(samples)))
    with torch.no_grad():
        torch.testing.assert_close(again.answer_logits(batch)[0], vlm.answer_logits(batch)[0])
    update = effective_update(tmp_path / "checkpoint", tmp_path / "base")
    for name, delta in deltas(again.model).items():
        torch.testing.assert_close(delta, expected[name])
        np.testing.assert_allclose(update[layer_name(name)], expected[name], atol=1e-6)
    assert len(update) == len(expected)
    again.answer_logits(batch)[0].sum().backward()
    assert all(p.grad is not None for p in trainable(again).values())


def test_new_factors_are_what_the_model_computes_with(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm, plain = moved(make_vlm), make_vlm()
    wanted = {name: one + one for name, one in factors(vlm).items()}
    set_factors(vlm, wanted)
    with torch.no_grad():
        for name, one in wanted.items():
            layer = plain.model.get_submodule(name.removeprefix("base_model.model."))
            layer.weight += one.up @ one.down
        batch = vlm.batch(vlm.encode(samples), range(len(samples)))
        expected = plain.answer_logits(batch)[0]
        torch.testing.assert_close(vlm.answer_logits(batch)[0], expected, atol=1e-4, rtol=1e-4)
        assert (make_vlm().answer_logits(batch)[0] - expected).abs().max() > 0.1


def test_factors_for_other_layers_are_refused(make_vlm) -> None:  # type: ignore[no-untyped-def]
    vlm = moved(make_vlm)
    before = deltas(vlm.model)
    name = "base_model.model.model.language_model.layers.{}.mlp.down_proj"
    foreign = {name.format(k): Factors(torch.zeros(128, 1), torch.zeros(1, 256)) for k in (0, 1)}
    expected = (
        r"no part in layer 'base_model.*layers\.0\.mlp\.down_proj' and 1 more that .*"
        r"\(language\.all or language\.all\+projector\)"
    )
    with pytest.raises(UserError, match=expected):
        set_factors(vlm, factors(vlm) | foreign)
    own = next(iter(before))
    with pytest.raises(ValueError, match="layer 'base_model"):
        set_factors(vlm, {own: Factors(torch.zeros(128, 2), torch.zeros(1, 128))})
    for layer, delta in deltas(vlm.model).items():
        assert torch.equal(delta, before[layer])


def test_a_layers_own_weight_is_told_from_the_adapters_part(make_vlm) -> None:  # type: ignore[no-untyped-def]
    vlm, plain = moved(make_vlm), make_vlm()
    for name in factors(vlm):
        expected = plain.model.get_submodule(name.removeprefix("base_model.model.")).weight
        assert torch.equal(base_weight(vlm, name), expected)
        assert torch.equal(base_weight(plain, name.removeprefix("base_model.model.")), expected)
