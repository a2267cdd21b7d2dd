from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from scipy.special import rel_entr

from uqs.errors import UserError
from uqs.methods.base import Step, trainable
from uqs.methods.cards.inside import SIU as CARD
from uqs.methods.losses import answer_cross_entropy, answer_log_probs
from uqs.methods.random_labels import relabel
from uqs.methods.settings import TrainerSettings
from uqs.methods.siu import SIU, dual_masked_divergence, on_one_picture
from uqs.methods.unlearn import Seeds, unlearn
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.models.vlm import IGNORED
from uqs.records import Split

ONCE = Step(0, 1)
BOTH = AdapterSettings(r=4, targets="language.all+projector")


def method(**settings) -> SIU:  # type: ignore[no-untyped-def]
    return SIU(CARD.settings(**settings))


def test_the_divergence_hand_computed() -> None:
    original = torch.tensor([[1 / 2, 1 / 4, 1 / 4], [1 / 3, 1 / 3, 1 / 3], [1 / 8, 1 / 8, 3 / 4]])
    current = torch.tensor([[1 / 4, 1 / 2, 1 / 4], [1 / 6, 1 / 6, 2 / 3], [1 / 2, 1 / 4, 1 / 4]])
    tokens = torch.tensor([True, True, False])
    vocabulary = torch.tensor([[True, False, True], [True, True, True], [True, True, True]])
    first = math.log(2) / 2  # the second token of the vocabulary has no part in it
    second = 2 * math.log(2) / 3 + math.log(1 / 2) / 3
    found = dual_masked_divergence(original.log(), current.log(), tokens, vocabulary)
    assert float(found) == pytest.approx((first + second) / 2)
    nothing = dual_masked_divergence(original.log(), current.log(), ~tokens & tokens, vocabulary)
    assert float(nothing) == 0
    everything = torch.ones_like(vocabulary)
    whole = dual_masked_divergence(original.log(), current.log(), everything[:, 0], everything)
    assert float(whole) == pytest.approx(rel_entr(original.numpy(), current.numpy()).sum() / 3)


def test_no_gradient_where_it_is_masked() -> None:
    original = torch.randn(3, 4).log_softmax(-1)
    current = torch.randn(3, 4).log_softmax(-1).requires_grad_()
    tokens = torch.tensor([True, False, True])
    vocabulary = torch.ones(3, 4, dtype=torch.bool)
    vocabulary[0, 2] = False
    dual_masked_divergence(original, current, tokens, vocabulary).backward()
    expected = -original.exp() / 2
    expected[1], expected[0, 2] = 0, 0
    assert torch.allclose(current.grad, expected)


def test_one_picture_of_each_entity(samples) -> None:  # type: ignore[no-untyped-def]
    first, other = samples[0].picture, samples[3].picture
    second = replace(samples[0], id="0-other", picture=other)
    found = on_one_picture([samples[0], second, *samples[1:6]])
    assert [s.id for s in found] == ["0-a", "0-b", "1-a", "1-b"]
    assert [s.picture for s in found] == [first, first, other, other]


def test_the_labels_token_by_token(make_vlm, halves, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, AdapterSettings(r=2), seed=0)
    streams = method(batch_size=9).streams(vlm, halves, torch.Generator().manual_seed(2))
    mixed = streams["mixed"]
    assert (mixed.sizes, mixed.counts) == ((6, 3, 9), (3, 3, 3))
    shown = [s for s in halves["forget"].samples if s.picture is not None]
    facts = [s for s in halves["forget"].samples if s.picture is None]
    wrong = relabel(shown, samples, torch.Generator().manual_seed(2))
    labels = vlm.batch(mixed.encoded, range(18)).labels
    asked = [*wrong, *facts, *halves["retain"].samples]
    for row, sample in zip(labels, asked, strict=True):
        spelled = vlm.tokenizer(sample.answer, add_special_tokens=False)["input_ids"]
        assert row[row != IGNORED].tolist() == [*spelled, vlm.tokenizer.eos_token_id]
    for old, new in zip(shown, wrong, strict=True):
        assert old.answer != new.answer
    assert mixed.encoded.prompts == vlm.encode([*shown, *facts, *halves["retain"].samples]).prompts


def test_equals_a_plain_computation(  # type: ignore[no-untyped-def]
    make_vlm, halves, drawn, shake, plain_log_probs
) -> None:
    vlm = make_vlm()
    attach(vlm, BOTH, seed=0)
    siu = method(batch_size=9, fit_weight=0.9, divergence_weight=0.75)
    streams = siu.streams(vlm, halves, torch.Generator().manual_seed(2))
    places = [7, 0, 12, 1, 6]  # a fact, two changed answers, a retain question, a fact
    encoded = streams["mixed"].encoded
    true = vlm.encode(
        [
            *(s for s in halves["forget"].samples if s.picture is not None),
            *(s for s in halves["forget"].samples if s.picture is None),
            *halves["retain"].samples,
        ]
    ).answers
    with torch.no_grad():
        original = plain_log_probs(vlm, encoded, places)
        shake(vlm)
        current = plain_log_probs(vlm, encoded, places)
        found = float(siu.loss(vlm, drawn(vlm, streams, mixed=places), ONCE))
    losses, divergences, masked = [], [], 0
    for i, was, now in zip(places, original, current, strict=True):
        hidden = set(true[i]) - set(encoded.answers[i])  # tokens of the true answer alone
        assert bool(hidden) == (i < 6)
        for token, p, q in zip(encoded.answers[i], was, now, strict=True):
            losses.append(-float(q[token]))
            if token not in true[i]:  # a token of the new answer alone
                masked += 1
                continue
            divergences.append(
                sum(math.exp(p[v]) * float(p[v] - q[v]) for v in range(len(p)) if v not in hidden)
            )
    assert masked >= 2
    expected = 0.9 * sum(losses) / len(losses) + 0.75 * sum(divergences) / len(divergences)
    assert found == pytest.approx(expected, rel=1e-4)


def test_no_gradient_flows_into_the_reference(make_vlm, halves, drawn, shake) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, BOTH, seed=0)
    siu = method(batch_size=9, fit_weight=1e-9, divergence_weight=2.0)
    streams = siu.streams(vlm, halves, torch.Generator())
    places = [6, 10, 14]  # they keep their answers: nothing is masked
    batch = vlm.batch(streams["mixed"].encoded, places)
    with torch.no_grad():
        original = answer_log_probs(vlm, batch)
    shake(vlm)
    siu.loss(vlm, drawn(vlm, streams, mixed=places), ONCE).backward()
    found = {name: p.grad for name, p in trainable(vlm).items() if p.grad is not None}
    vlm.model.zero_grad()
    current = answer_log_probs(vlm, batch)
    # of 2 KL(original || current), what depends on the current model
    (-2 * (original.exp() * current).sum(1).mean()).backward()
    assert max(float(gradient.abs().max()) for gradient in found.values()) > 1e-3
    for name, gradient in found.items():
        assert torch.allclose(gradient, trainable(vlm)[name].grad, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("parts", [("facts", "retain"), ("retain",)])
def test_batches_have_as_much_of_each_part(make_vlm, halves, parts) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, AdapterSettings(r=2), seed=0)
    forget = [s for s in halves["forget"].samples if "facts" in parts or s.picture is not None]
    data = {**halves, "forget": Split("forget", tuple(forget))}
    streams = method(batch_size=8).streams(vlm, data, torch.Generator())
    assert streams["mixed"].counts == ((3, 3, 2) if len(parts) == 2 else (4, 4))
    with pytest.raises(UserError, match=rf"batch_size \(1\) must be {1 + len(parts)} or more"):
        method(batch_size=1).streams(vlm, data, torch.Generator())


def test_a_forget_entity_without_picture_is_an_error(make_vlm, halves, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, AdapterSettings(r=2), seed=0)
    data = {**halves, "forget": Split("forget", (samples[0], samples[5]))}
    with pytest.raises(UserError, match="picture of every forget entity; 'thing1' has none"):
        unlearn(vlm, method(batch_size=4), data, Seeds(0, 0))


def test_bfloat16_arithmetic(make_vlm, halves) -> None:  # type: ignore[no-untyped-def]
    losses = {}
    for precision in ("float32", "bfloat16"):
        vlm = make_vlm()
        attach(vlm, BOTH, seed=0)
        trainer = TrainerSettings(precision=precision)
        losses[precision] = unlearn(
            vlm, method(steps=2, batch_size=6), halves, Seeds(0, 0), trainer
        ).losses
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)


def test_a_run_answers_pictures_otherwise_and_keeps_the_rest(memorised, halves) -> None:  # type: ignore[no-untyped-def]
    forget, retain = halves["forget"].samples, halves["retain"].samples
    drift = {}
    for weight in (1e-9, 0.75, 10.0):
        vlm = memorised("full")
        original = probabilities(vlm, retain)
        siu = method(lr=1e-3, steps=20, batch_size=9, divergence_weight=weight)
        training = unlearn(vlm, siu, halves, Seeds(0, 0), TrainerSettings(checks=1))
        assert training.collapse is None
        drift[weight] = rel_entr(original, probabilities(vlm, retain)).sum(1).mean()
        if weight == 0.75:
            pictures = mean_loss(vlm, [s for s in forget if s.picture is not None])
            facts = mean_loss(vlm, [s for s in forget if s.picture is None])
            assert pictures > 0.9
            assert max(facts, mean_loss(vlm, retain)) < pictures / 3
    assert drift[10.0] < drift[0.75] < drift[1e-9]


def probabilities(vlm, samples):  # type: ignore[no-untyped-def]
    encoded = vlm.encode(samples)
    with torch.no_grad():
        return answer_log_probs(vlm, vlm.batch(encoded, range(len(encoded)))).exp().numpy()


def mean_loss(vlm, samples) -> float:  # type: ignore[no-untyped-def]
    encoded = vlm.encode(samples)
    with torch.no_grad():
        return float(answer_cross_entropy(vlm, vlm.batch(encoded, range(len(encoded)))))
