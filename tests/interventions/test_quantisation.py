"""Quantised weights against other implementations, and the model as it was afterwards."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from uqs.errors import UserError
from uqs.interventions.quantisation import BLOCK, GROUP, NF4, SCHEMES, int4, int8, nf4, quantised
from uqs.methods.base import trainable
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings


def weight(rows: int = 24, columns: int = 256, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    scales = torch.rand(rows, 1, generator=generator) + 0.01
    return torch.randn(rows, columns, generator=generator) * scales


def moved(make_vlm, kind: str):  # type: ignore[no-untyped-def]
    """A model with random weights, plain or with an adapter that does something."""
    vlm = make_vlm()
    if kind == "adapter":
        attach(vlm, AdapterSettings(r=3, targets="language.all+projector"), seed=0)
        generator = torch.Generator().manual_seed(7)
        with torch.no_grad():
            for parameter in trainable(vlm).values():
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return vlm


def logits(vlm, samples) -> torch.Tensor:  # type: ignore[no-untyped-def]
    with torch.no_grad():
        found: torch.Tensor = vlm.answer_logits(
            vlm.batch(vlm.encode(samples), range(len(samples)))
        )[0]
    return found


def test_int8_is_torchs_own_per_channel_quantisation() -> None:
    given = weight()
    scales = given.abs().amax(1) / 127
    expected = torch.fake_quantize_per_channel_affine(
        given, scales, torch.zeros(len(given), dtype=torch.int32), 0, -128, 127
    )
    torch.testing.assert_close(int8(given), expected, rtol=1e-6, atol=0)


def test_int4_is_torchs_own_affine_quantisation_of_each_group() -> None:
    given = weight(columns=2 * GROUP)
    groups = given.reshape(-1, GROUP)
    low, high = groups.amin(1), groups.amax(1)
    scales = (high - low) / 15
    expected = torch.fake_quantize_per_channel_affine(
        groups, scales, (-low / scales).round().int(), 0, 0, 15
    )
    torch.testing.assert_close(int4(given), expected.view_as(given), rtol=1e-5, atol=1e-6)


def test_the_nf4_values_are_the_quantiles_that_define_them() -> None:
    # arXiv 2305.14314: 9 even quantiles above 0 and 8 below, both with a 0, scaled to [-1, 1]
    edge = 1 - (1 / 30 + 1 / 32) / 2
    above = stats.norm.ppf(np.linspace(0.5, edge, 9))
    below = -stats.norm.ppf(np.linspace(0.5, edge, 8))
    expected = np.unique(np.concatenate([above, below])) / above[-1]
    np.testing.assert_allclose(NF4, expected, atol=1e-6)


def test_nf4_is_the_nearest_value_of_each_block() -> None:
    given = weight(rows=3, columns=BLOCK // 2 * 3)  # 4.5 blocks, that go on from row to row
    flat, expected = given.flatten().numpy(), []
    for start in range(0, len(flat), BLOCK):
        block = flat[start : start + BLOCK]
        top = np.abs(block).max()
        expected += [top * min(NF4, key=lambda value: abs(value - w / top)) for w in block]
    np.testing.assert_allclose(nf4(given).flatten().numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(("values", "steps"), [(int8, 255), (int4, 16), (nf4, 16)])
def test_few_values_are_left_and_none_moves_further_than_a_step(values, steps: int) -> None:  # type: ignore[no-untyped-def]
    given = weight(rows=1, columns=BLOCK)  # one row, one group, one block
    found = values(given)
    assert len(found.unique()) <= steps
    reach = (given.max() - given.min()) / (steps - 1) if steps == 16 else given.abs().max() / 127
    widest = max(b - a for a, b in itertools.pairwise(NF4)) * given.abs().max()
    limit = widest if values is nf4 else reach
    assert float((found - given).abs().max()) <= float(limit)
    assert torch.equal(values(torch.zeros(2, BLOCK)), torch.zeros(2, BLOCK))


def test_columns_that_fill_no_group_are_quantised_as_well() -> None:
    given = weight(columns=GROUP + 5)
    torch.testing.assert_close(int4(given)[:, GROUP:], int4(given[:, GROUP:].contiguous()))


@pytest.mark.parametrize("kind", ["plain", "adapter"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_within_the_context_the_merged_weights_are_quantised_and_afterwards_all_is_as_before(  # type: ignore[no-untyped-def]
    make_vlm, samples, kind: str, scheme
) -> None:
    vlm = moved(make_vlm, kind)
    before = {name: p.detach().clone() for name, p in vlm.model.named_parameters()}
    said = logits(vlm, samples)

    # what somebody does who merges first and quantises then
    deployed = moved(make_vlm, kind)
    if kind == "adapter":
        deployed.model = deployed.model.merge_and_unload()
    values = {"int8": int8, "int4": int4, "nf4": nf4}[scheme]
    rounded = 0
    for name, module in deployed.model.named_modules():
        if isinstance(module, nn.Linear) and "language_model" in name:
            module.weight.data = values(module.weight.data)
            rounded += 1
    assert rounded == 3 * 7
    expected = logits(deployed, samples)

    with quantised(vlm, scheme):
        # an adapter of the projector, which is not quantised, stays an adapter
        torch.testing.assert_close(logits(vlm, samples), expected, rtol=1e-4, atol=1e-5)
        assert not torch.equal(logits(vlm, samples), said)
    assert torch.equal(logits(vlm, samples), said)
    for name, parameter in vlm.model.named_parameters():
        assert torch.equal(parameter, before[name]), name


def test_an_error_within_the_context_leaves_the_model_as_it_was(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = moved(make_vlm, "adapter")
    said = logits(vlm, samples)
    flags = {name: p.requires_grad for name, p in vlm.model.named_parameters()}
    with pytest.raises(ZeroDivisionError), quantised(vlm, "int4"):
        raise ZeroDivisionError
    assert torch.equal(logits(vlm, samples), said)
    assert {name: p.requires_grad for name, p in vlm.model.named_parameters()} == flags


def test_half_precision_weights_stay_so(make_vlm) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    vlm.model = vlm.model.to(torch.bfloat16)
    layer = vlm.decoder.layers[0].mlp.up_proj
    expected = int8(layer.weight.data.float()).to(torch.bfloat16)
    with quantised(vlm, "int8"):
        assert torch.equal(layer.weight, expected)


def test_weights_that_are_no_floats_are_an_error(make_vlm) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    layer = vlm.decoder.layers[1].mlp.up_proj
    layer.weight = nn.Parameter(layer.weight.detach().to(torch.int8), requires_grad=False)
    first = vlm.decoder.layers[0].mlp.up_proj.weight.detach().clone()
    with (
        pytest.raises(UserError, match=r"layers\.1\.mlp\.up_proj' is quantised already"),
        quantised(vlm, "nf4"),
    ):
        pass
    assert torch.equal(vlm.decoder.layers[0].mlp.up_proj.weight, first)
