"""The fingerprint of a model in memory against changes made in every way that a library makes them."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from uqs.models import fingerprint as module
from uqs.models.fingerprint import fingerprint, sums


def small() -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(7, 5), nn.LayerNorm(5), nn.Linear(5, 3, bias=False))
    model.register_buffer("steps", torch.arange(3))
    return model


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 40), st.integers(0, 39), st.integers(0, 31), st.sampled_from([1, 3, 1 << 16]))
def test_every_bit_counts(numbers: int, place: int, bit: int, run: int) -> None:
    values = torch.arange(numbers, dtype=torch.float32)
    changed = values.clone()
    changed.view(torch.int32)[place % numbers] ^= 1 << bit if bit < 31 else -(1 << 31)
    with patch.object(module, "_FACTORS", module._FACTORS[:run]):
        assert sums(values) != sums(changed)
        assert sums(values) == sums(values.clone())


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 5), st.integers(0, 5))
def test_places_count(one: int, other: int) -> None:
    values = torch.randn(12, generator=torch.Generator().manual_seed(0)).double()
    swapped = values.clone()
    swapped[[one, other + 6]] = values[[other + 6, one]]
    assert sums(values) != sums(swapped)


@pytest.mark.parametrize("numbers", [0, 1, 2, 5, 8, 9, 16, 17])
def test_another_device_sums_the_same(numbers: int, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(module, "_FACTORS", module._FACTORS[:8])
    words = torch.randint(-(2**63), 2**63 - 1, (numbers,))
    wanted = [
        sum(int(w) * int(f) for w, f in zip(part, module._FACTORS, strict=False)) % 2**64
        for part in [*words.split(8), *([[]] if numbers % 8 == 0 and numbers else [])]
    ]
    assert (
        np.frombuffer(module._by_numpy(words.numpy().view(np.uint64)), np.uint64).tolist() == wanted
    )
    assert np.frombuffer(module._by_torch(words), np.uint64).tolist() == wanted


def test_types_without_a_numpy_form_are_read() -> None:
    values = torch.ones(9, dtype=torch.bfloat16)
    changed = values.clone()
    changed[8] = 1.0078125
    assert sums(values) != sums(changed)


def in_place(model: nn.Module) -> None:
    model[0].weight.data[1, 2] += 1e-3


def without_a_version(model: nn.Module) -> None:
    model[0].weight.data = model[0].weight.data * 1.5


def in_numpy(model: nn.Module) -> None:
    model[2].weight.detach().numpy()[0, 0] = 7.0


def a_sign_of_zero(model: nn.Module) -> None:
    model[1].bias.data[0] = -0.0


def a_buffer(model: nn.Module) -> None:
    model.steps += 1


def another_type(model: nn.Module) -> None:
    model[1].double()


def a_further_module(model: nn.Module) -> None:
    model.append(nn.Identity())


def another_module(model: nn.Module) -> None:
    model[1].__class__ = nn.Identity


def a_hook(model: nn.Module) -> None:
    model[0].register_forward_hook(lambda *_: None)


def another_forward(model: nn.Module) -> None:
    model[0].forward = lambda x: x


def training(model: nn.Module) -> None:
    model[1].eval()


def frozen(model: nn.Module) -> None:
    model[1].requires_grad_(False)


def transposed(model: nn.Module) -> None:
    model[0].weight = nn.Parameter(model[0].weight.detach().t().contiguous().t())


@pytest.mark.parametrize(
    "change",
    [
        in_place,
        without_a_version,
        in_numpy,
        a_sign_of_zero,
        a_buffer,
        another_type,
        a_further_module,
        another_module,
        a_hook,
        another_forward,
        training,
        frozen,
        transposed,
    ],
)
def test_a_change_is_seen(change) -> None:  # type: ignore[no-untyped-def]
    model, same = small(), small()
    assert fingerprint(model) == fingerprint(same)
    change(model)
    assert fingerprint(model) != fingerprint(same)


def test_what_is_shared_is_told_from_a_copy(make_vlm) -> None:  # type: ignore[no-untyped-def]
    model = make_vlm().model
    before = fingerprint(model)
    assert model.lm_head.weight is model.get_input_embeddings().weight
    model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())
    assert fingerprint(model) != before


def test_a_pass_that_records_hidden_states_leaves_it_as_it_is(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    """Transformers hangs its recording hooks on a model at the first such pass, for good."""
    vlm = make_vlm()
    before = fingerprint(vlm.model)
    with torch.no_grad():
        batch = vlm.batch(vlm.encode(samples), [0])
        found = vlm.run({**batch.inputs, "output_hidden_states": True}).hidden_states
    assert len(found) == vlm.hidden_states
    assert fingerprint(vlm.model) == before
