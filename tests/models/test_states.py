"""States held against those that transformers collects in a whole forward pass."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from peft import PeftModel

from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.models.states import states_at, tokens_of

FAMILIES = ["llava", "qwen2_vl", "qwen2_5_vl", "blip2"]


@pytest.fixture
def make(make_vlm, make_qwen, make_blip2):  # type: ignore[no-untyped-def]
    def build(family: str):  # type: ignore[no-untyped-def]
        if family.startswith("qwen"):
            return make_qwen(model_type=family)
        return make_vlm() if family == "llava" else make_blip2()

    return build


def calls(vlm, count: Counter[str]) -> None:  # type: ignore[no-untyped-def]
    """Count how often each language layer, the norm behind them and the output layer compute."""
    parts = {f"layer {k}": layer for k, layer in enumerate(vlm.decoder.layers, 1)}
    parts["output"] = vlm.plain_model.get_output_embeddings()
    for name, part in parts.items():
        part.register_forward_hook(lambda *_, name=name: count.update([name]))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("adapted", [False, True])
def test_they_are_the_hidden_states_of_a_whole_pass(make, samples, family, adapted) -> None:  # type: ignore[no-untyped-def]
    vlm = make(family)
    if adapted:
        attach(vlm, AdapterSettings(r=2), seed=0)
        assert isinstance(vlm.model, PeftModel)
    batch = vlm.batch(vlm.encode(samples[:6]), [5, 0, 1, 2])
    with torch.no_grad():
        whole = vlm.run({**batch.inputs, "output_hidden_states": True}).hidden_states
        for layer in range(1, len(vlm.decoder.layers)):  # behind the last one they are normed
            assert torch.equal(states_at(vlm, batch, layer).made, whole[layer])
            assert torch.equal(states_at(vlm, batch, layer, layer).made, whole[layer])


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_read_are_embeddings_and_projected_pictures(make, samples, family) -> None:  # type: ignore[no-untyped-def]
    vlm = make(family)
    encoded = vlm.encode(samples[:6])
    batch = vlm.batch(encoded, [2, 0, 4])
    with torch.no_grad():
        states, tokens = states_at(vlm, batch, 0), tokens_of(vlm, batch)
        features = vlm.plain_model.get_image_features(**encoded.shown([0, 4])).pooler_output
        words = vlm.plain_model.get_input_embeddings()(batch.inputs["input_ids"])
    assert torch.equal(states.made, states.read)
    assert torch.equal(states.read[tokens.picture], torch.cat([*features]))
    assert torch.equal(states.read[tokens.text], words[tokens.text])


@pytest.mark.parametrize("family", FAMILIES)
def test_text_tokens_are_questions_and_answers(make, samples, family) -> None:  # type: ignore[no-untyped-def]
    vlm = make(family)
    encoded = vlm.encode(samples[:6])
    batch = vlm.batch(encoded, [2, 0])
    tokens = tokens_of(vlm, batch)
    mark = vlm.plain_model.config.image_token_id
    for row, i in enumerate([2, 0]):
        whole = encoded.prompts[i] + encoded.answers[i]
        text = batch.inputs["input_ids"][row][tokens.text[row]].tolist()
        assert text == [token for token in whole if token != mark]
        assert int(tokens.picture[row].sum()) == whole.count(mark)
    assert tokens.picture[1].any()


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_above_the_layer_is_computed(make, samples, family) -> None:  # type: ignore[no-untyped-def]
    vlm = make(family)
    batch = vlm.batch(vlm.encode(samples[:3]), range(3))
    count: Counter[str] = Counter()
    calls(vlm, count)
    for layer in (0, 1, 2):
        states_at(vlm, batch, layer)
        assert count == {f"layer {k}": 1 for k in range(1, layer + 1)}
        count.clear()
    vlm.run(batch.inputs)  # nothing is left behind that would stop another pass
    assert count["output"] == count[f"layer {len(vlm.decoder.layers)}"] == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_reach_the_layers_between_and_no_other_weight(make, samples, family) -> None:  # type: ignore[no-untyped-def]
    vlm = make(family)
    vlm.model.requires_grad_(True)
    batch = vlm.batch(vlm.encode(samples[:3]), range(3))
    states_at(vlm, batch, 3, 2).made.square().sum().backward()
    between = {p for layer in vlm.decoder.layers[1:3] for p in layer.parameters()}
    for parameter in vlm.model.parameters():
        assert (parameter.grad is not None) == (parameter in between)


def test_gradients_of_what_is_read_reach_what_made_it(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    vlm.model.requires_grad_(True)
    batch = vlm.batch(vlm.encode(samples[:3]), range(3))
    states = states_at(vlm, batch, 2, 2)
    states.read[tokens_of(vlm, batch).picture].sum().backward()
    projector = list(vlm.plain_model.model.multi_modal_projector.parameters())
    assert all(p.grad is not None and p.grad.any() for p in projector)
    assert all(p.grad is None for p in vlm.decoder.layers.parameters())


def test_another_error_is_raised_and_leaves_no_hook_behind(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    batch = vlm.batch(vlm.encode(samples[:3]), range(3))
    hook = vlm.decoder.layers[0].register_forward_pre_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        states_at(vlm, batch, 2)
    hook.remove()
    assert vlm.run(batch.inputs).logits.shape[:2] == batch.inputs["input_ids"].shape
