from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import entropy

from uqs.methods.base import Step, trainable
from uqs.methods.cards.ascent import KL_MINIMISATION
from uqs.methods.kl_minimisation import KLMinimisation

ONCE = Step(0, 1)


def method(**settings) -> KLMinimisation:  # type: ignore[no-untyped-def]
    return KLMinimisation(KL_MINIMISATION.settings(**settings))


@pytest.mark.parametrize("weight", [0.0, 1.0, 2.0])
def test_divergence_of_the_original_minus_forget_loss(table, rows, drawn, weight) -> None:  # type: ignore[no-untyped-def]
    vlm = table([[[1 / 2, 1 / 2]], [[1 / 2, 1 / 2]]], [[0], [1]])
    kl = method(batch_size=1, retain_weight=weight)
    streams = kl.streams(vlm, rows([0], [1]), torch.Generator())
    vlm.set(torch.tensor([[[1 / 8, 7 / 8]], [[1 / 4, 3 / 4]]]).log())  # the model trains on
    loss = kl.loss(vlm, drawn(vlm, streams, forget=[0], retain=[0]), ONCE)
    # KL((1/2, 1/2) || (1/4, 3/4)) = 1/2 log 2 + 1/2 log 2/3; the other way round it would be 0.1308
    expected = -math.log(8) + weight * math.log(4 / 3) / 2
    assert float(loss.detach()) == pytest.approx(expected)
    loss.backward()
    assert vlm.logits.grad[0, 0].tolist() == pytest.approx([7 / 8, -7 / 8])
    assert vlm.logits.grad[1, 0].tolist() == pytest.approx([-weight / 4, weight / 4], abs=1e-6)


def test_at_the_start_only_the_forget_loss_pulls(memorised, halves, drawn) -> None:  # type: ignore[no-untyped-def]
    gradients = []
    for weight in (0.0, 5.0):
        vlm = memorised("full")
        kl = method(batch_size=9, retain_weight=weight)
        streams = kl.streams(vlm, halves, torch.Generator())
        kl.loss(vlm, drawn(vlm, streams, forget=range(9), retain=range(9)), ONCE).backward()
        gradients.append({name: p.grad for name, p in trainable(vlm).items()})
    for name, gradient in gradients[0].items():
        if gradient is not None:
            torch.testing.assert_close(gradients[1][name], gradient, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_equals_plain_losses_against_a_copy_of_the_original(  # type: ignore[no-untyped-def]
    memorised, halves, drawn, shake, plain_loss, plain_log_probs, kind
) -> None:
    original, vlm = memorised(kind), memorised(kind)
    kl = method(batch_size=4, retain_weight=0.5)
    streams = kl.streams(vlm, halves, torch.Generator())
    shake(vlm)
    with torch.no_grad():
        loss = kl.loss(vlm, drawn(vlm, streams, forget=[0, 1, 2, 8], retain=[4, 0, 7, 2]), ONCE)
        p, q = (
            torch.cat(plain_log_probs(one, streams["retain"].encoded, [4, 0, 7, 2])).exp().numpy()
            for one in (original, vlm)
        )
    divergence = entropy(p, q, axis=1).mean()
    assert divergence > 0.01
    expected = 0.5 * divergence - plain_loss(vlm, streams["forget"].encoded, [0, 1, 2, 8])
    assert float(loss) == pytest.approx(expected, rel=1e-4)


def test_a_run_forgets_and_the_divergence_protects(memorised, halves, run, plain_loss) -> None:  # type: ignore[no-untyped-def]
    found = {}
    for weight in (0.0, 1.0):
        vlm = memorised()
        encoded = {name: vlm.encode(split.samples) for name, split in halves.items()}
        before = plain_loss(vlm, encoded["forget"], range(9))
        run(vlm, method(steps=20, lr=1.5e-3, batch_size=9, retain_weight=weight), halves)
        assert plain_loss(vlm, encoded["forget"], range(9)) > before + 1
        found[weight] = plain_loss(vlm, encoded["retain"], range(9))
    assert found[1.0] < 0.3 * found[0.0]
