from __future__ import annotations

import math

import pytest
import torch
from scipy.special import rel_entr
from torch.distributions import Categorical

from uqs.methods.losses import (
    answer_cross_entropy,
    answer_lengths,
    answer_log_likelihoods,
    answer_log_probs,
    kl_divergence,
    reference_log_probs,
)
from uqs.models.reference import Reference
from uqs.models.vlm import IGNORED

HALF, QUARTER, EIGHTH = 1 / 2, 1 / 4, 1 / 8
TOKENS = [  # two answers of two tokens and of one, the shorter one behind a token that is none
    [[HALF, QUARTER, QUARTER], [EIGHTH, EIGHTH, 3 / 4]],
    [[1 / 3, 1 / 3, 1 / 3], [QUARTER, HALF, QUARTER]],
]
LABELS = [[0, 1], [IGNORED, 2]]


@pytest.fixture
def made(table):  # type: ignore[no-untyped-def]
    vlm = table(TOKENS, LABELS)
    return vlm, vlm.batch(vlm.encode([0, 1]), [0, 1])


def test_by_hand(made) -> None:  # type: ignore[no-untyped-def]
    vlm, batch = made
    with torch.no_grad():
        mean = float(answer_cross_entropy(vlm, batch))
        sums = answer_log_likelihoods(vlm, batch)
        log_probs = answer_log_probs(vlm, batch)
    assert mean == pytest.approx((1 + 3 + 2) * math.log(2) / 3)
    assert sums.tolist() == pytest.approx([-(1 + 3) * math.log(2), -2 * math.log(2)])
    assert answer_lengths(batch).tolist() == [2, 1]
    expected = torch.tensor([TOKENS[0][0], TOKENS[0][1], TOKENS[1][1]])
    torch.testing.assert_close(log_probs.exp(), expected)


def test_logits_are_read_up_to_a_constant(made) -> None:  # type: ignore[no-untyped-def]
    vlm, batch = made
    with torch.no_grad():
        before = answer_log_probs(vlm, batch), answer_log_likelihoods(vlm, batch)
        vlm.set(vlm.logits + torch.tensor([[[7.0], [-30.0]], [[2.0], [100.0]]]))
        after = answer_log_probs(vlm, batch), answer_log_likelihoods(vlm, batch)
    for one, other in zip(before, after, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("family", ["make_vlm", "make_qwen", "make_blip2"])
def test_equal_a_token_by_token_loop_of_batch_size_one(  # type: ignore[no-untyped-def]
    request, samples, family, plain_log_probs
) -> None:
    vlm = request.getfixturevalue(family)()
    encoded = vlm.encode(samples)
    batch = vlm.batch(encoded, range(len(samples)))
    with torch.no_grad():
        mean = float(answer_cross_entropy(vlm, batch))
        sums = answer_log_likelihoods(vlm, batch)
        found = answer_log_probs(vlm, batch)
        if family == "make_vlm":
            rows = plain_log_probs(vlm, encoded, range(len(samples)))
        else:  # prompts whose positions the family computes: unpadded batches of one
            alone = [vlm.batch(encoded, [i]) for i in range(len(samples))]
            rows = [
                vlm.run(one.inputs).logits[0, -len(encoded.answers[i]) - 1 : -1].log_softmax(-1)
                for i, one in enumerate(alone)
            ]
    likelihoods = [
        sum(float(row[token]) for token, row in zip(answer, part, strict=True))
        for answer, part in zip(encoded.answers, rows, strict=True)
    ]
    lengths = [len(answer) for answer in encoded.answers]
    assert answer_lengths(batch).tolist() == lengths
    assert len(set(lengths)) > 1
    assert mean == pytest.approx(-sum(likelihoods) / sum(lengths), rel=1e-4)
    assert sums.tolist() == pytest.approx(likelihoods, rel=1e-4)
    torch.testing.assert_close(found, torch.cat(rows).float(), atol=1e-4, rtol=1e-4)


def test_half_precision_is_left_before_logarithms(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    batch = vlm.batch(vlm.encode(samples), range(len(samples)))
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert vlm.answer_logits(batch)[0].dtype == torch.bfloat16
        log_probs = answer_log_probs(vlm, batch)
        losses = answer_cross_entropy(vlm, batch), answer_log_likelihoods(vlm, batch)
    assert all(one.dtype == torch.float32 for one in (log_probs, *losses))
    torch.testing.assert_close(log_probs.exp().sum(1), torch.ones(len(log_probs)))


def test_divergence_by_hand_and_its_direction() -> None:
    p, q = torch.tensor([[HALF, HALF]]).log(), torch.tensor([[QUARTER, 3 / 4]]).log()
    assert float(kl_divergence(p, q)) == pytest.approx(math.log(4 / 3) / 2)
    assert float(kl_divergence(q, p)) == pytest.approx(math.log(HALF) / 4 + math.log(1.5) * 3 / 4)
    assert float(kl_divergence(p, p)) == 0


def test_divergence_equals_scipys_and_torchs_distributions() -> None:
    p, q = torch.randn(2, 9, 6, generator=torch.Generator().manual_seed(0)).mul(4).log_softmax(-1)
    found = float(kl_divergence(p, q))
    by_scipy = rel_entr(p.double().exp().numpy(), q.double().exp().numpy()).sum(1).mean()
    by_torch = torch.distributions.kl_divergence(Categorical(logits=p), Categorical(logits=q))
    assert found == pytest.approx(by_scipy, rel=1e-5)
    assert found == pytest.approx(float(by_torch.mean()), rel=1e-5)


def test_a_token_that_is_all_but_impossible_leaves_the_divergence_finite() -> None:
    p, q = (torch.tensor([one]).log_softmax(-1) for one in ([0.0, -200.0], [-200.0, 0.0]))
    assert float(kl_divergence(p, q)) == pytest.approx(200)
    q.requires_grad_()
    kl_divergence(p, q).backward()
    assert torch.isfinite(q.grad).all()


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_the_reference_is_the_start_and_takes_no_gradient(memorised, halves, shake, kind) -> None:  # type: ignore[no-untyped-def]
    vlm = memorised(kind)
    batch = vlm.batch(vlm.encode(halves["retain"].samples), range(9))
    with torch.no_grad():
        start = answer_log_probs(vlm, batch)
    reference = Reference(vlm)
    shake(vlm)
    found = reference_log_probs(vlm, reference, batch)
    assert torch.equal(found, start)
    assert not found.requires_grad
    current = answer_log_probs(vlm, batch)
    assert not torch.allclose(current, start, atol=1e-2)
    (gradient,) = torch.autograd.grad(kl_divergence(found, current), current)
    # of KL(p || q) by log q: minus p, a row's share of the mean
    torch.testing.assert_close(gradient, -start.exp() / len(start))


def test_a_uniform_model_loses_the_log_of_the_vocabulary(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    with torch.no_grad():
        vlm.model.lm_head.weight.zero_()
        batch = vlm.batch(vlm.encode(samples), [0, 1, 2])
        assert float(answer_cross_entropy(vlm, batch)) == pytest.approx(
            math.log(len(vlm.tokenizer))
        )


def test_prompts_pictures_and_padding_are_never_labels(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    encoded = vlm.encode(samples)
    batch = vlm.batch(encoded, range(len(samples)))
    picture = vlm.tokenizer.convert_tokens_to_ids("<image>")
    for i in range(len(samples)):
        row = batch.labels[i]
        assert row[row != IGNORED].tolist() == list(encoded.answers[i])
        assert (row[: -len(encoded.answers[i])] == IGNORED).all()
    assert picture not in batch.labels
    assert vlm.tokenizer.pad_token_id not in batch.labels
