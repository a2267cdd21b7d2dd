from __future__ import annotations

import gc

import pytest
import torch

from uqs.methods.base import trainable
from uqs.methods.losses import answer_cross_entropy, answer_log_probs
from uqs.models.adapter import attach
from uqs.models.reference import Reference
from uqs.models.settings import AdapterSettings

LORA = AdapterSettings(r=4, targets="language.all+projector")
FULL = AdapterSettings(kind="full")


def shaken(vlm, by: float) -> None:  # type: ignore[no-untyped-def]
    """Move every trainable weight."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter += by * torch.randn(parameter.shape, generator=generator)


def made(make, settings):  # type: ignore[no-untyped-def]
    vlm = make()
    attach(vlm, settings, seed=0)
    if settings is LORA:
        shaken(vlm, 0.05)
    return vlm


@pytest.mark.parametrize("settings", [LORA, FULL])
def test_it_computes_as_the_model_did_and_the_model_goes_on(make_vlm, samples, settings) -> None:  # type: ignore[no-untyped-def]
    vlm = made(make_vlm, settings)
    batch = vlm.batch(vlm.encode(samples), range(6))
    with torch.no_grad():
        before = answer_log_probs(vlm, batch)
        reference = Reference(vlm)
        shaken(vlm, 0.1)
        after = answer_log_probs(vlm, batch)
        assert not torch.allclose(before, after, atol=1e-2)
        now = {name: p.detach().clone() for name, p in trainable(vlm).items()}
    with reference.in_place():
        inside = answer_log_probs(vlm, batch)
    assert torch.equal(inside, before)
    assert not inside.requires_grad
    assert torch.equal(answer_log_probs(vlm, batch), after)
    assert all(torch.equal(p, now[name]) for name, p in trainable(vlm).items())


@pytest.mark.parametrize("settings", [LORA, FULL])
def test_a_pass_around_it_has_the_gradients_of_a_pass_alone(make_vlm, samples, settings) -> None:  # type: ignore[no-untyped-def]
    """Graphs made before it see the same weights when they are gone through backwards."""
    found = []
    for with_reference in (False, True):
        vlm = made(make_vlm, settings)
        batch = vlm.batch(vlm.encode(samples), range(9))
        reference = Reference(vlm)
        shaken(vlm, 0.1)
        loss = answer_cross_entropy(vlm, batch)
        if with_reference:
            with reference.in_place():
                answer_cross_entropy(vlm, batch)
        loss.backward()
        found.append([p.grad for p in trainable(vlm).values()])
    assert any(g is not None and g.abs().max() > 0 for g in found[0])
    for one, other in zip(*found, strict=True):
        assert (one is None) == (other is None)
        assert one is None or torch.equal(one, other)


@pytest.mark.parametrize("settings", [LORA, FULL])
def test_training_does_not_move_it_by_a_bit(make_vlm, samples, settings) -> None:  # type: ignore[no-untyped-def]
    vlm = made(make_vlm, settings)
    batch = vlm.batch(vlm.encode(samples), range(9))
    start = {name: p.detach().clone() for name, p in vlm.model.named_parameters()}
    with torch.no_grad():
        expected = answer_log_probs(vlm, batch)
    reference = Reference(vlm)
    optimizer = torch.optim.AdamW(trainable(vlm).values(), lr=1e-2, fused=True)
    for _ in range(5):
        optimizer.zero_grad()
        with reference.in_place():
            assert torch.equal(answer_log_probs(vlm, batch), expected)
            assert all(torch.equal(p, start[n]) for n, p in vlm.model.named_parameters())
        answer_cross_entropy(vlm, batch).backward()
        optimizer.step()
    with torch.no_grad():
        assert not torch.allclose(answer_log_probs(vlm, batch), expected, atol=1e-2)
    reference.restore()
    assert all(torch.equal(p, start[n]) for n, p in vlm.model.named_parameters())


@pytest.mark.parametrize("settings", [LORA, FULL])
def test_it_holds_as_many_numbers_as_are_trained(make_vlm, settings) -> None:  # type: ignore[no-untyped-def]
    vlm = made(make_vlm, settings)
    before = {id(one) for one in living_tensors()}
    reference = Reference(vlm)
    held = sum(one.untyped_storage().nbytes() for one in living_tensors() if id(one) not in before)
    numbers = sum(p.numel() for p in trainable(vlm).values())
    assert held == 4 * numbers  # float32
    if settings is LORA:
        assert numbers < 0.2 * sum(p.numel() for p in vlm.model.parameters())
    reference.restore()  # it is still in use


def living_tensors() -> list[torch.Tensor]:
    gc.collect()
    return [one for one in gc.get_objects() if type(one) is torch.Tensor]


def test_it_shares_the_base_and_keeps_only_what_is_trained(make_vlm) -> None:  # type: ignore[no-untyped-def]
    vlm = made(make_vlm, LORA)
    base = {n: p.data_ptr() for n, p in vlm.model.named_parameters() if not p.requires_grad}
    reference = Reference(vlm)
    with reference.in_place():
        inside = {n: p.data_ptr() for n, p in vlm.model.named_parameters() if n in base}
        assert len(trainable(vlm)) > 0
    assert inside == base


def test_an_error_within_leaves_the_model_as_it_was(make_vlm) -> None:  # type: ignore[no-untyped-def]
    vlm = made(make_vlm, LORA)
    reference = Reference(vlm)
    shaken(vlm, 0.1)
    vlm.model.train()
    now = {name: p.detach().clone() for name, p in trainable(vlm).items()}
    with pytest.raises(ZeroDivisionError), reference.in_place():
        raise ZeroDivisionError
    assert all(torch.equal(p, now[name]) for name, p in trainable(vlm).items())
    assert all(module.training for module in vlm.model.modules())
    assert torch.is_grad_enabled()


def test_it_has_no_dropout_where_the_model_has(make_blip2, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_blip2()
    attach(vlm, AdapterSettings(r=4), seed=0)
    batch = vlm.batch(vlm.encode(samples), range(3))
    with torch.no_grad():
        expected = answer_log_probs(vlm, batch)
        reference = Reference(vlm)
        vlm.model.train()
        assert not torch.equal(answer_log_probs(vlm, batch), expected)
    for _ in range(2):
        with reference.in_place():
            assert torch.equal(answer_log_probs(vlm, batch), expected)
    assert all(module.training for module in vlm.model.modules())


def test_update_and_restore(make_vlm) -> None:  # type: ignore[no-untyped-def]
    vlm = made(make_vlm, LORA)
    reference = Reference(vlm)
    shaken(vlm, 0.1)
    later = {name: p.detach().clone() for name, p in trainable(vlm).items()}
    reference.update()
    shaken(vlm, 0.1)
    assert not all(torch.equal(p, later[name]) for name, p in trainable(vlm).items())
    reference.restore()
    assert all(torch.equal(p, later[name]) for name, p in trainable(vlm).items())
    shaken(vlm, 0.1)  # what is kept does not move with the model
    reference.restore()
    assert all(torch.equal(p, later[name]) for name, p in trainable(vlm).items())
