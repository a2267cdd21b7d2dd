from __future__ import annotations

import math
from collections import Counter

import pytest
import torch

from uqs.errors import UserError
from uqs.methods.base import Step, trainable
from uqs.methods.cards.inside import RMU as CARD
from uqs.methods.rmu import RMU
from uqs.methods.settings import TrainerSettings
from uqs.methods.unlearn import Seeds, unlearn
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.models.states import States
from uqs.records import Split

ONCE = Step(0, 1)
BOTH = AdapterSettings(r=4, targets="language.all+projector")


def method(**settings) -> RMU:  # type: ignore[no-untyped-def]
    return RMU(CARD.settings(**settings))


def plain_states(vlm, encoded, i: int, layer: int):  # type: ignore[no-untyped-def]
    """Of one question in a whole forward pass: its text tokens' states behind a layer, and its picture."""
    ids = torch.tensor([encoded.prompts[i] + encoded.answers[i]])
    shown = encoded.shown([i])
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), **shown}
    with torch.no_grad():
        states = vlm.run({**inputs, "output_hidden_states": True, **vlm.extra_inputs(ids)})
        text = ids[0] != vlm.plain_model.config.image_token_id
        features = vlm.plain_model.get_image_features(**shown).pooler_output if shown else []
    return states.hidden_states[layer][0][text].double(), [one.double() for one in features]


def plain_error(states, target) -> float:  # type: ignore[no-untyped-def]
    """Mean over tokens and width, one number after another."""
    total, count = 0.0, 0
    for row, wanted in zip(states, target, strict=True):
        for value, goal in zip(row.tolist(), wanted.tolist(), strict=True):
            total, count = total + (value - goal) ** 2, count + 1
    return total / count


def test_hand_computed(make_vlm, halves, drawn, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, AdapterSettings(r=2), seed=0)
    rmu = method(side="language", layer=1, retain_weight=100.0, batch_size=4)
    streams = rmu.streams(vlm, halves, torch.Generator())
    rmu.targets = {"language": torch.tensor([3.0, 4.0])}
    given = iter([[[1.0, 4.0], [3.0, 1.0]], [[2.0, 2.0]], [[2.0, 1.0]]])  # forget, retain, original

    def states_of(_vlm, batch, *_):  # type: ignore[no-untyped-def]
        states = torch.tensor([next(given)])
        return States(states, states)

    def tokens_of(_vlm, batch):  # type: ignore[no-untyped-def]
        return type("T", (), {"text": slice(None), "picture": slice(0, 0)})

    monkeypatch.setattr("uqs.methods.rmu.states_at", states_of)
    monkeypatch.setattr("uqs.methods.rmu.tokens_of", tokens_of)
    loss = rmu.loss(vlm, drawn(vlm, streams, forget=[0], retain=[0]), ONCE)
    # forget: (4 + 0 + 0 + 9) / 4; retain: (0 + 1) / 2
    assert float(loss) == pytest.approx(13 / 4 + 100 * 1 / 2)


@pytest.mark.parametrize("family", ["llava", "qwen", "blip2"])
@pytest.mark.parametrize("side", ["language", "vision", "both"])
def test_equals_a_plain_computation(  # type: ignore[no-untyped-def]
    make_vlm, make_qwen, make_blip2, halves, drawn, shake, family, side
) -> None:
    vlm = {"llava": make_vlm, "qwen": make_qwen, "blip2": make_blip2}[family]()
    attach(vlm, BOTH, seed=0)
    rmu = method(side=side, layer=2, retain_weight=7.0, batch_size=4)
    streams = rmu.streams(vlm, halves, torch.Generator().manual_seed(5))
    forget, retain = streams["forget"].encoded, streams["retain"].encoded
    original = [plain_states(vlm, retain, i, 2) for i in (1, 0)]
    shake(vlm)
    places = {"forget": [0, 3, 2], "retain": [1, 0]}  # of several lengths, some without a picture
    with torch.no_grad():
        found = float(rmu.loss(vlm, drawn(vlm, streams, **places), ONCE))
    now = [plain_states(vlm, forget, i, 2) for i in places["forget"]]
    kept = [plain_states(vlm, retain, i, 2) for i in places["retain"]]
    expected = 0.0
    for k, name in enumerate(("language", "vision")):
        if side in (name, "both"):
            join = [torch.cat([torch.cat([*one[k]]).view(-1, one[0].shape[1]) if k else one[k]
                               for one in part if k == 0 or len(one[k])])
                    for part in (now, kept, original)]  # fmt: skip
            expected += plain_error(join[0], rmu.targets[name].expand_as(join[0]))
            expected += 7 * plain_error(join[1], join[2])
    assert found == pytest.approx(expected, rel=1e-4)


def test_the_target_is_a_drawn_direction_of_the_states_length(make_vlm, halves) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, BOTH, seed=0)
    encoded = vlm.encode(halves["forget"].samples)
    found = [plain_states(vlm, encoded, i, 2) for i in range(9)]
    lengths = {
        "language": [math.hypot(*row) for text, _ in found for row in text.tolist()],
        "vision": [math.hypot(*row) for _, shown in found for one in shown for row in one.tolist()],
    }
    generator = torch.Generator().manual_seed(3)
    drawn = {name: torch.rand(128, generator=generator) for name in ("language", "vision")}
    for adaptive, coefficient in ((True, 5.0), (False, 6.5)):
        rmu = method(side="both", layer=2, batch_size=4, adaptive=adaptive, coefficient=coefficient)
        rmu.streams(vlm, halves, torch.Generator().manual_seed(3))
        assert set(rmu.targets) == {"language", "vision"}
        for name, target in rmu.targets.items():
            scale = sum(lengths[name]) / len(lengths[name]) if adaptive else 1.0
            assert float(target.norm()) == pytest.approx(coefficient * scale, rel=1e-4)
            direction = drawn[name] / math.hypot(*drawn[name].tolist())
            assert torch.allclose(target / target.norm(), direction, atol=1e-6)


def test_the_default_layer_is_a_quarter_of_the_depth(make_qwen, make_vlm, halves) -> None:  # type: ignore[no-untyped-def]
    for make, layer, expected in ((make_qwen, 0.25, 1), (make_qwen, 0.5, 2), (make_vlm, 0.1, 1)):
        vlm = make()
        attach(vlm, AdapterSettings(r=2), seed=0)
        rmu = method(layer=layer)
        rmu.streams(vlm, halves, torch.Generator())
        assert rmu.layer == expected
    assert max(1, round(CARD.settings().layer * 32)) == 8  # the source's: layers[7] of 32


@pytest.mark.parametrize("kind", ["lora", "full"])
@pytest.mark.parametrize("side", ["language", "vision"])
def test_only_the_chosen_weights_change(make_qwen, halves, shake, kind, side) -> None:  # type: ignore[no-untyped-def]
    vlm = make_qwen()
    attach(vlm, AdapterSettings(kind=kind, r=4, targets="language.all+projector"), seed=0)
    shake(vlm)  # else the factors A of a fresh adapter would have no gradient
    before = {name: p.detach().clone() for name, p in trainable(vlm).items()}
    rmu = method(side=side, layer=3, updated_layers=2, steps=2, lr=1e-3, batch_size=4)
    unlearn(vlm, rmu, halves, Seeds(0, 0), TrainerSettings(schedule="constant"))
    changed = {name for name, p in trainable(vlm).items() if not torch.equal(p, before[name])}
    parts = {"language": ("layers.1.", "layers.2."), "vision": ("visual.",)}[side]
    meant = {name for name in before if any(part in name for part in parts)}
    unused = {name for name in meant if "k_proj.bias" in name}  # softmax does not see it
    assert changed <= meant
    assert meant - unused <= changed


def test_no_gradient_flows_into_the_reference(make_vlm, halves, drawn, shake) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, BOTH, seed=0)
    rmu = method(layer=2, retain_weight=1.0, batch_size=4)
    streams = rmu.streams(vlm, halves, torch.Generator())
    places = {"forget": [0, 2], "retain": [1, 4]}
    batch = vlm.batch(streams["retain"].encoded, places["retain"])
    with torch.no_grad():
        original = rmu._states(vlm, batch)["language"].clone()
    shake(vlm)
    rmu.loss(vlm, drawn(vlm, streams, **places), ONCE).backward()
    found = {name: p.grad for name, p in trainable(vlm).items() if p.grad is not None}
    vlm.model.zero_grad()
    forget = rmu._states(vlm, vlm.batch(streams["forget"].encoded, places["forget"]))["language"]
    retain = rmu._states(vlm, batch)["language"]
    expected = (forget - rmu.targets["language"]).square().mean()
    (expected + (retain - original).square().mean()).backward()
    assert found
    for name, gradient in found.items():
        assert torch.allclose(gradient, trainable(vlm)[name].grad, rtol=1e-3, atol=1e-6)


def test_a_step_takes_three_passes_up_to_the_layer_and_no_more(make_vlm, halves, drawn) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, BOTH, seed=0)
    rmu = method(layer=2, batch_size=4)
    streams = rmu.streams(vlm, halves, torch.Generator())
    count: Counter[str] = Counter()
    parts = {f"layer {k}": layer for k, layer in enumerate(vlm.decoder.layers, 1)}
    parts["output"] = vlm.plain_model.get_output_embeddings()
    for name, part in parts.items():
        part.register_forward_hook(lambda *_, name=name: count.update([name]))
    rmu.loss(vlm, drawn(vlm, streams, forget=[0], retain=[1]), ONCE)
    assert count == {"layer 1": 3, "layer 2": 3}


def test_a_question_without_picture_has_no_vision_side(make_vlm, halves, drawn) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, BOTH, seed=0)
    losses = {}
    for side in ("language", "both"):
        rmu = method(side=side, layer=2, batch_size=4)
        streams = rmu.streams(vlm, halves, torch.Generator().manual_seed(0))
        with torch.no_grad():
            batches = drawn(vlm, streams, forget=[2, 5], retain=[2, 5])
            losses[side] = float(rmu.loss(vlm, batches, ONCE))
    assert losses["both"] == losses["language"]
    rmu = method(side="vision", batch_size=4)
    streams = rmu.streams(vlm, halves, torch.Generator())
    assert [len(one.encoded) for one in streams.values()] == [6, 6]
    assert all(place >= 0 for one in streams.values() for place in one.encoded.picture)


def test_other_ways_to_compute_give_the_same(make_vlm, halves) -> None:  # type: ignore[no-untyped-def]
    losses = {}
    for name, trainer in {
        "plain": TrainerSettings(),
        "bfloat16": TrainerSettings(precision="bfloat16"),
        "checkpointing": TrainerSettings(gradient_checkpointing=True),
    }.items():
        vlm = make_vlm()
        attach(vlm, BOTH, seed=0)
        rmu = method(side="both", layer=2, steps=2, batch_size=4, retain_weight=1.0, lr=1e-3)
        losses[name] = unlearn(vlm, rmu, halves, Seeds(0, 0), trainer).losses
    assert losses["bfloat16"] == pytest.approx(losses["plain"], rel=0.02)
    assert losses["checkpointing"] == pytest.approx(losses["plain"], rel=1e-5)
    assert losses["plain"][1] < losses["plain"][0]


@pytest.mark.parametrize("side", ["language", "vision"])
def test_a_run_steers_and_its_retain_term_protects(memorised, halves, plain_loss, side) -> None:  # type: ignore[no-untyped-def]
    shown = {
        name: Split(name, tuple(s for s in split.samples if side != "vision" or s.picture))
        for name, split in halves.items()
    }
    lost = {}
    for weight in (0.1, 20.0):
        vlm = memorised()
        encoded = {name: vlm.encode(split.samples) for name, split in shown.items()}
        before = {n: plain_loss(vlm, one, range(len(one))) for n, one in encoded.items()}
        rmu = method(side=side, layer=2, lr=5e-3, steps=40, batch_size=6, retain_weight=weight)
        training = unlearn(vlm, rmu, shown, Seeds(0, 0), TrainerSettings(checks=1))
        assert training.collapse is None
        lost[weight] = {
            n: plain_loss(vlm, one, range(len(one))) - before[n] for n, one in encoded.items()
        }
        if weight < 1:
            with torch.no_grad():
                batch = vlm.batch(encoded["forget"], range(len(encoded["forget"])))
                states = rmu._states(vlm, batch)[side]
            aligned = torch.cosine_similarity(states, rmu.targets[side], dim=1)
            assert float(aligned.mean()) > 0.5  # from about 0
    assert lost[20.0]["forget"] > {"language": 3, "vision": 0.08}[side]
    assert lost[20.0]["forget"] > 5 * lost[20.0]["retain"]
    assert lost[20.0]["retain"] < lost[0.1]["retain"] / 2


def test_what_cannot_be_steered_is_an_error(make_vlm, halves) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, AdapterSettings(r=2), seed=0)
    with pytest.raises(UserError, match="there is no language layer 4, the model has 3"):
        method(layer=4).streams(vlm, halves, torch.Generator())
    with pytest.raises(UserError, match="no trainable weight makes picture features"):
        method(side="vision").streams(vlm, halves, torch.Generator())
    for parameter in vlm.decoder.layers[0].parameters():
        parameter.requires_grad_(False)
    with pytest.raises(UserError, match="no trainable weight in language layers 1 to 1"):
        method(layer=1).streams(vlm, halves, torch.Generator())
    for name in ("forget", "retain"):
        bare = Split(name, tuple(s for s in halves[name].samples if s.picture is None))
        with pytest.raises(UserError, match=f"vision side needs pictures; no {name} question"):
            method(side="both").streams(vlm, {**halves, name: bare}, torch.Generator())
