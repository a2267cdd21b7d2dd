from __future__ import annotations

import math

import pytest
import torch

from uqs.errors import UserError
from uqs.methods.base import Step, trainable
from uqs.methods.cards.inside import MMUNLEARNER
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.mmunlearner import MMUnlearner
from uqs.methods.saliency import ratio_masks, squared_gradients
from uqs.methods.settings import TrainerSettings
from uqs.methods.unlearn import Seeds, unlearn
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.records import Split

BOTH = AdapterSettings(r=4, targets="language.all+projector")


def method(**settings) -> MMUnlearner:  # type: ignore[no-untyped-def]
    return MMUnlearner(MMUNLEARNER.settings(**settings))


def test_hand_computed(table, drawn) -> None:  # type: ignore[no-untyped-def]
    tokens = [[[1 / 2, 1 / 4, 1 / 4], [1 / 8, 3 / 4, 1 / 8]], [[1 / 4, 1 / 4, 1 / 2]] * 2]
    vlm = table(tokens, [[0, 2], [1, 0]])
    mm = method(fits=2, forget_weight=3.0)
    mm.fits = 2
    stream = {"forget": None, "preserve": None}
    for name, row in (("forget", 0), ("preserve", 1)):
        stream[name] = type("S", (), {"encoded": vlm.encode([row])})
    batches = drawn(vlm, stream, forget=[0], preserve=[0])
    losses = [float(mm.loss(vlm, batches, Step(k, 7)).detach()) for k in range(7)]
    ascent, fit = -3 * (math.log(2) + math.log(8)) / 2, math.log(4)
    assert losses == pytest.approx([ascent, fit, fit, ascent, fit, fit, ascent])


@pytest.mark.parametrize("side", ["picture", "text"])
def test_which_questions_go_and_which_stay(make_vlm, halves, side) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, AdapterSettings(r=2), seed=0)
    streams = method(side=side, batch_size=4).streams(vlm, halves, torch.Generator())
    seen = [s for s in halves["forget"].samples if s.picture is not None]
    read = [s for s in halves["forget"].samples if s.picture is None]
    removed, kept = (seen, read) if side == "picture" else (read, seen)
    assert set(streams) == {"forget", "preserve"}
    for name, samples in (("forget", removed), ("preserve", [*kept, *halves["retain"].samples])):
        expected, found = vlm.encode(samples), streams[name].encoded
        assert (found.prompts, found.answers) == (expected.prompts, expected.answers)


def test_each_step_is_the_loss_of_one_side(  # type: ignore[no-untyped-def]
    make_vlm, halves, drawn, plain_loss, shake
) -> None:
    vlm = make_vlm()
    attach(vlm, BOTH, seed=0)
    shake(vlm)
    mm = method(forget_weight=2.0, batch_size=4)
    streams = mm.streams(vlm, halves, torch.Generator())
    assert mm.fits == 2  # 12 questions are kept, 6 are not
    forget = plain_loss(vlm, streams["forget"].encoded, [4, 1])
    preserve = plain_loss(vlm, streams["preserve"].encoded, [2, 0, 8])
    with torch.no_grad():
        # a stream that a step does not need must not be drawn from
        ascent = mm.loss(vlm, drawn(vlm, streams, forget=[4, 1]), Step(3, 9))
        fits = [mm.loss(vlm, drawn(vlm, streams, preserve=[2, 0, 8]), Step(k, 9)) for k in (4, 5)]
    assert float(ascent) == pytest.approx(-2 * forget, rel=1e-5)
    assert [float(one) for one in fits] == pytest.approx([preserve, preserve], rel=1e-5)


def test_only_the_gradient_of_ascent_is_masked(make_vlm, halves, drawn, shake) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, BOTH, seed=0)
    shake(vlm)
    mm = method(batch_size=4, saliency_batch=3, threshold=2.0)
    streams = mm.streams(vlm, halves, torch.Generator())
    squares = [squared_gradients(vlm, streams[name].encoded, 3) for name in ("forget", "preserve")]
    masks = ratio_masks(*squares, 2.0)
    for number, masked in ((0, True), (1, False)):
        batches = drawn(vlm, streams, forget=[0, 1], preserve=[0, 5])
        mm.loss(vlm, batches, Step(number, 3)).backward()
        before = {name: p.grad.clone() for name, p in trainable(vlm).items() if p.grad is not None}
        mm.edit_gradients(vlm)
        for name, gradient in before.items():
            found = trainable(vlm)[name].grad
            expected = torch.where(masks[name], gradient, 0.0) if masked else gradient
            assert torch.equal(found, expected)
        vlm.model.zero_grad(set_to_none=True)
    share = sum(int(m.sum()) for m in masks.values()) / sum(m.numel() for m in masks.values())
    assert 0.05 < share < 0.95


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_ascent_changes_no_weight_outside_the_mask(make_vlm, halves, shake, kind) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, AdapterSettings(kind=kind, r=4, targets="language.all+projector"), seed=0)
    shake(vlm)
    before = {name: p.detach().clone() for name, p in trainable(vlm).items()}
    mm = method(steps=1, lr=1e-3, batch_size=4)  # the first step ascends
    unlearn(vlm, mm, halves, Seeds(0, 0))
    changed = 0
    for name, parameter in trainable(vlm).items():
        moved = parameter != before[name]
        assert not (moved & ~mm.masks[name]).any()
        changed += int(moved.sum())
    assert changed > 0


@pytest.mark.parametrize("side", ["picture", "text"])
def test_a_run_unlearns_one_side_and_keeps_the_rest(memorised, halves, side) -> None:  # type: ignore[no-untyped-def]
    vlm = memorised("full")
    mm = method(side=side, lr=1e-3, steps=24, fits=2, batch_size=6)
    training = unlearn(vlm, mm, halves, Seeds(0, 0), TrainerSettings(checks=1))
    assert training.collapse is None
    loss = {}
    for name, shown in (("picture", True), ("text", False)):
        part = [s for s in halves["forget"].samples if (s.picture is not None) == shown]
        loss[name] = mean_loss(vlm, part)
    other = "text" if side == "picture" else "picture"
    assert loss[side] > 1.3
    assert loss[other] < loss[side] / 3
    assert mean_loss(vlm, halves["retain"].samples) < loss[side] / 3


def mean_loss(vlm, samples) -> float:  # type: ignore[no-untyped-def]
    encoded = vlm.encode(samples)
    with torch.no_grad():
        return float(answer_cross_entropy(vlm, vlm.batch(encoded, range(len(encoded)))))


def test_an_entity_without_a_question_on_the_side_is_an_error(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, AdapterSettings(r=2), seed=0)
    retain = Split("retain", tuple(samples[9:]))
    for side, shown, wording in (("picture", True, "with"), ("text", False, "without")):
        some = [s for s in samples[:9] if s.entity == "thing0" or (s.picture is not None) != shown]
        data = {"forget": Split("forget", tuple(some)), "retain": retain}
        wanted = (
            f"'{side}' needs a question {wording} a picture .*'thing1' has none, nor have 1 more"
        )
        with pytest.raises(UserError, match=wanted):
            method(side=side).streams(vlm, data, torch.Generator())
