from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from uqs.checkpoints.find import Checkpoint
from uqs.checkpoints.open import Models
from uqs.errors import DataError, UserError
from uqs.interventions.quantisation import int8, quantised
from uqs.methods.base import trainable
from uqs.methods.losses import answer_cross_entropy
from uqs.models.adapter import attach, base_weight, load, save
from uqs.models.low_bit import held_in, reads_any_width
from uqs.models.neurons import LANGUAGE, output_layers, remove
from uqs.models.settings import AdapterSettings
from uqs.models.update import effective_update

QLORA = AdapterSettings(kind="qlora", r=2, targets="language.all+projector")
EIGHT = QLORA.model_copy(update={"kind": "lora"})


def written(make_vlm, folder: Path):  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    vlm.model.save_pretrained(folder)
    vlm.processor.save_pretrained(folder)
    return vlm


@pytest.fixture
def four_bit(make_vlm, tmp_path: Path):  # type: ignore[no-untyped-def]
    """A model in full, and its base in 4 bits."""
    pytest.importorskip("bitsandbytes")
    if not reads_any_width():
        pytest.skip("bitsandbytes misreads the tiny model's vision tower on this CPU")
    plain = written(make_vlm, tmp_path / "base")
    return plain, type(plain).load(tmp_path / "base", load_in="4bit")


def test_a_model_that_would_be_misread_is_refused(make_vlm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """What is tried holds for the model: its own weights come back, or it is refused."""
    functional = pytest.importorskip("bitsandbytes.functional")
    vlm = written(make_vlm, tmp_path)
    weight = vlm.model.model.vision_tower.encoder.layers[0].mlp.fc1.weight.detach()
    packed, state = functional.quantize_4bit(weight, blocksize=64, quant_type="nf4")
    apart = (functional.dequantize_4bit(packed, state) - weight).abs().max()
    assert weight.shape[1] == 96
    if apart < 0.2 * weight.abs().max():
        type(vlm).load(tmp_path, load_in="4bit")
    else:
        with pytest.raises(UserError, match=r"misreads 4-bit weights on this CPU .*vision_tower"):
            type(vlm).load(tmp_path, load_in="4bit")


def linear(model):  # type: ignore[no-untyped-def]
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not model.lm_head
    }


def test_linear_layers_are_nf4_with_double_quantisation(four_bit) -> None:  # type: ignore[no-untyped-def]
    plain, held = four_bit
    for name, layer in linear(plain.model).items():
        state = held.model.get_submodule(name).weight.quant_state
        assert (state.quant_type, state.nested, state.blocksize) == ("nf4", True, 64)
        blocks = base_weight(held, name).reshape(-1, 64)
        # a block is one of 16 levels times its largest value, which double quantisation changes a little
        assert max(len(block.unique()) for block in blocks) <= 16
        largest = layer.weight.reshape(-1, 64).abs().amax(1, keepdim=True)
        widest = 0.5 * (
            1 - 0.6962
        )  # half of the widest gap between NF4's levels (arXiv 2305.14314, E)
        allowed = (widest + 0.05) * largest
        assert bool(((blocks - layer.weight.reshape(-1, 64)).abs() <= allowed).all())
    assert held.model.get_memory_footprint() < 0.3 * plain.model.get_memory_footprint()


def test_gradients_are_those_of_the_same_weights_in_full(four_bit, samples) -> None:  # type: ignore[no-untyped-def]
    plain, held = four_bit
    with torch.no_grad():
        for name, layer in linear(plain.model).items():
            layer.weight.copy_(base_weight(held, name))
    attach(held, QLORA, seed=0)
    attach(plain, QLORA.model_copy(update={"kind": "lora"}), seed=0)
    for vlm in (plain, held):
        with torch.no_grad():
            for name, parameter in trainable(vlm).items():
                if "lora_B" in name:
                    parameter.fill_(0.01)
        batch = vlm.batch(vlm.encode(samples), range(len(samples)))
        with torch.no_grad():
            vlm.answer_logits(batch)  # as a check does before the first step
        answer_cross_entropy(vlm, batch).backward()
    expected = trainable(plain)
    assert trainable(held).keys() == expected.keys()
    for name, parameter in trainable(held).items():
        assert parameter.dtype == torch.float32
        torch.testing.assert_close(parameter.grad, expected[name].grad, atol=1e-5, rtol=1e-3)


def test_it_learns_and_comes_back(four_bit, samples, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    _, vlm = four_bit
    attach(vlm, QLORA, seed=0)
    batch = vlm.batch(vlm.encode(samples), range(len(samples)))
    optimizer = torch.optim.AdamW(trainable(vlm).values(), lr=1e-2)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = answer_cross_entropy(vlm, batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.5
    save(vlm, tmp_path / "checkpoint")
    with torch.no_grad():
        expected = vlm.answer_logits(batch)[0]
    again = load(
        type(vlm), tmp_path / "base", tmp_path / "checkpoint", trainable=True, load_in="4bit"
    )
    with torch.no_grad():
        torch.testing.assert_close(again.answer_logits(batch)[0], expected, atol=1e-4, rtol=1e-3)
    assert trainable(again).keys() == trainable(vlm).keys()
    answer_cross_entropy(again, batch).backward()
    assert all(bool(p.grad.any()) for p in trainable(again).values())
    update = effective_update(tmp_path / "checkpoint", tmp_path / "base")
    assert len(update) == len(trainable(vlm)) // 2
    in_full = load(type(vlm), tmp_path / "base", tmp_path / "checkpoint", trainable=False)
    with torch.no_grad():
        assert not torch.allclose(in_full.answer_logits(batch)[0], expected, atol=1e-3)


def test_what_is_not_trained_is_unpacked_and_computes_the_same(  # type: ignore[no-untyped-def]
    four_bit, samples, tmp_path: Path
) -> None:
    plain, vlm = four_bit
    attach(vlm, QLORA, seed=0)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_(0.02)
    save(vlm, tmp_path / "checkpoint")
    again = load(
        type(vlm), tmp_path / "base", tmp_path / "checkpoint", trainable=False, load_in="4bit"
    )
    batch = vlm.batch(vlm.encode(samples), range(len(samples)))
    with torch.no_grad():
        expected = vlm.answer_logits(batch)[0]
        torch.testing.assert_close(again.answer_logits(batch)[0], expected, atol=1e-4, rtol=1e-3)
        with quantised(again, "int4"):
            rounded = again.answer_logits(batch)[0]
        assert not torch.allclose(rounded, expected, atol=1e-3)
        torch.testing.assert_close(again.answer_logits(batch)[0], expected, atol=1e-4, rtol=1e-3)
    assert not trainable(again) and not held_in(again.model)
    for name in linear(plain.model):
        layer = again.plain_model.get_submodule(name)
        assert torch.equal(
            base_weight(again, f"base_model.model.{name}"),
            base_weight(vlm, f"base_model.model.{name}"),
        )
        assert type(getattr(layer, "base_layer", layer)) is torch.nn.Linear


def test_base_and_adapter_kind_must_fit(four_bit, make_vlm) -> None:  # type: ignore[no-untyped-def]
    _, vlm = four_bit
    for kind in ("lora", "full"):
        with pytest.raises(UserError, match=f"'{kind}' does not fit a base that is held in 4 bits"):
            attach(vlm, AdapterSettings(kind=kind), seed=0)
    with pytest.raises(UserError, match="'qlora' does not fit a base that is not held in 4 bits"):
        attach(make_vlm(), QLORA, seed=0)


def test_full_weights_do_not_stand_on_four_bits(make_vlm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    vlm = written(make_vlm, tmp_path)
    with pytest.raises(DataError, match="full weights cannot be used with a base in 4 bits"):
        load(type(vlm), tmp_path, tmp_path, trainable=True, load_in="4bit")


def test_what_to_install_is_said(make_vlm, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    vlm = written(make_vlm, tmp_path)
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    monkeypatch.setattr("uqs.models.low_bit.find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"bitsandbytes is not installed.*'uqs\[qlora\]'"):
        type(vlm).load(tmp_path, load_in="4bit")


def test_units_are_removed_from_a_base_in_four_bits_too(four_bit, samples) -> None:  # type: ignore[no-untyped-def]
    _, vlm = four_bit
    attach(vlm, QLORA, seed=0)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_(0.02)
    layer = output_layers(vlm, [LANGUAGE])[1]
    units = torch.arange(0, 256, 2)
    batch = vlm.batch(vlm.encode(samples), range(len(samples)))
    with torch.no_grad():
        hook = vlm.model.get_submodule(layer).register_forward_pre_hook(
            lambda _, inputs: (inputs[0].index_fill(-1, units, 0),)
        )
        expected = vlm.answer_logits(batch)[0]
        hook.remove()
        before = vlm.answer_logits(batch)[0]
        remove(vlm, {layer: units})
        torch.testing.assert_close(vlm.answer_logits(batch)[0], expected, atol=1e-4, rtol=1e-3)
    assert (before - expected).abs().max() > 1e-2


@pytest.fixture
def eight_bit(make_vlm, tmp_path: Path):  # type: ignore[no-untyped-def]
    """A model in full, and its base in 8 bits."""
    pytest.importorskip("bitsandbytes")
    plain = written(make_vlm, tmp_path / "base")
    return plain, type(plain).load(tmp_path / "base", load_in="8bit")


def test_linear_layers_are_llm_int8(eight_bit, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Weights row by row, and inputs token by token, in 255 even steps up to the largest."""
    plain, held = eight_bit
    assert held_in(held.model) == "8bit"
    assert held.model.get_memory_footprint() < 0.5 * plain.model.get_memory_footprint()
    generator = torch.Generator().manual_seed(0)
    for name, layer in linear(plain.model).items():
        weight, full = base_weight(held, name), layer.weight.detach()
        step = full.abs().amax(1, keepdim=True) / 127
        levels = weight / step
        assert bool(((levels - levels.round()).abs() < 0.07).all())  # it computes in half precision
        assert bool(((weight - full).abs() <= 0.57 * step).all())
        states = torch.randn(5, layer.in_features, generator=generator)
        expected = int8(states) @ weight.T
        if layer.bias is not None:
            expected = expected + layer.bias
        found = held.model.get_submodule(name)(states)
        rounded, plainly = (found - expected).norm(), (found - layer(states)).norm()
        assert rounded < 0.5 * plainly
        assert plainly < 0.05 * found.norm()


def test_an_adapter_learns_on_eight_bits_and_comes_back(  # type: ignore[no-untyped-def]
    eight_bit, samples, tmp_path: Path
) -> None:
    _, vlm = eight_bit
    attach(vlm, EIGHT, seed=0)
    batch = vlm.batch(vlm.encode(samples), range(len(samples)))
    optimizer = torch.optim.AdamW(trainable(vlm).values(), lr=1e-2)
    losses = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = answer_cross_entropy(vlm, batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.3
    vlm.model.eval()
    save(vlm, tmp_path / "checkpoint")
    found = load(
        type(vlm), tmp_path / "base", tmp_path / "checkpoint", trainable=False, load_in="8bit"
    )
    models = Models("cpu", load_in="8bit")
    checkpoint = Checkpoint(tmp_path / "checkpoint", "adapter", "a", tmp_path / "base")
    with torch.no_grad(), models.opened(checkpoint) as measured:
        expected = vlm.answer_logits(batch)[0]
        torch.testing.assert_close(found.answer_logits(batch)[0], expected, atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(measured.answer_logits(batch)[0], expected, atol=1e-4, rtol=1e-3)
    assert models.precision == "float32, 8bit"
    with pytest.raises(UserError, match="is quantised already"), quantised(found, "int4"):
        pass


def test_all_weights_are_not_trained_in_eight_bits(eight_bit) -> None:  # type: ignore[no-untyped-def]
    for kind in ("full", "qlora"):
        with pytest.raises(UserError, match=f"'{kind}' does not fit a base that is held in 8 bits"):
            attach(eight_bit[1], AdapterSettings(kind=kind), seed=0)


def test_weights_that_are_not_finite_are_found_in_few_bits_too(make_vlm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("bitsandbytes")
    vlm = make_vlm()
    with torch.no_grad():
        vlm.model.get_parameter("model.language_model.layers.0.mlp.up_proj.weight")[0, 0] = float(
            "inf"
        )
    vlm.model.save_pretrained(tmp_path)
    vlm.processor.save_pretrained(tmp_path)
    opened = Models("cpu", load_in="8bit").opened(Checkpoint(tmp_path, "model", "m"))
    with pytest.raises(DataError, match="holds NaN or infinite weights"), opened:
        pass
