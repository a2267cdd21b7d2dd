from __future__ import annotations

import pytest
import torch

from uqs.errors import UserError
from uqs.methods.base import trainable
from uqs.models.adapter import attach
from uqs.models.neurons import LANGUAGE, VISION, activity, output_layers, remove, top_share
from uqs.models.settings import AdapterSettings

MAKERS = ["make_vlm", "make_qwen", "make_qwen_2_5", "make_blip2"]


@pytest.fixture(params=MAKERS)
def make(request):  # type: ignore[no-untyped-def]
    name = request.param
    if name == "make_qwen_2_5":
        maker = request.getfixturevalue("make_qwen")
        return lambda: maker(model_type="qwen2_5_vl")
    return request.getfixturevalue(name)


def alone(vlm, samples, name):  # type: ignore[no-untyped-def]
    """The inputs of a layer, question by question, without padding: (tokens, units)."""
    encoded, seen = vlm.encode(samples), []
    hook = vlm.model.get_submodule(name).register_forward_hook(
        lambda _, inputs, __: seen.append(inputs[0].detach().flatten(0, -2))
    )
    with torch.no_grad():
        for i in range(len(samples)):
            vlm.run(dict(vlm.batch(encoded, [i]).inputs))
    hook.remove()
    return torch.cat(seen) if seen else None


@pytest.mark.parametrize("side", [LANGUAGE, VISION], ids=["language", "vision"])
def test_activity_is_that_of_single_questions(make, samples, side) -> None:  # type: ignore[no-untyped-def]
    vlm = make()
    layers = output_layers(vlm, [side])
    config = vlm.model.config.vision_config if side is VISION else vlm.model.config.text_config
    depth = getattr(config, "num_hidden_layers", None) or config.depth
    assert len(layers) == depth
    found = activity(vlm, layers, vlm.encode(samples), batch_size=4, threshold=0.01)
    for name in layers:
        tokens = alone(vlm, samples, name).double()
        one = found[name]
        torch.testing.assert_close(one.absolute, tokens.abs().mean(0), atol=1e-6, rtol=1e-4)
        torch.testing.assert_close(one.plain, tokens.mean(0), atol=1e-6, rtol=1e-4)
        torch.testing.assert_close(one.squared, (tokens**2).mean(0), atol=1e-6, rtol=1e-4)
        active = (tokens.abs() > 0.01).double().mean(0)
        # a value may lie within rounding of the threshold
        torch.testing.assert_close(one.active, active, atol=2 / len(tokens), rtol=0)


def test_a_vision_tower_does_nothing_on_text(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    text = [one for one in samples if one.picture is None]
    for one in activity(vlm, output_layers(vlm, [VISION]), vlm.encode(text), 4, 0.1).values():
        assert one.absolute.shape == (256,)
        assert all(not values.any() for values in one)


def test_a_model_without_known_mlps_is_an_error(make_vlm) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    vlm.model.model.language_model.layers = torch.nn.ModuleList()
    with pytest.raises(
        UserError, match=r"no MLP is known by name in LlavaFor.* of family 'tiny_llava'"
    ):
        output_layers(vlm, [LANGUAGE])


def silenced(vlm, units):  # type: ignore[no-untyped-def]
    """The model with chosen units held at 0 by hooks."""

    def hold(places):  # type: ignore[no-untyped-def]
        return lambda _, inputs: (inputs[0].index_fill(-1, places, 0),)

    for name, places in units.items():
        layer = vlm.model.get_submodule(name.removeprefix("base_model.model."))
        layer.register_forward_pre_hook(hold(places))
    return vlm


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_removed_units_have_no_effect(make, samples, kind) -> None:  # type: ignore[no-untyped-def]
    def moved():  # type: ignore[no-untyped-def]
        vlm = make()
        attach(vlm, AdapterSettings(kind=kind, r=2, targets="language.all"), seed=0)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in trainable(vlm).values():
                parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
        return vlm

    vlm = moved()
    first, *_, last = output_layers(vlm, [LANGUAGE])
    units = {first: torch.tensor([0, 5, 77, 100, 127]), last: torch.tensor([3])}
    batch = vlm.batch(vlm.encode(samples), range(len(samples)))
    with torch.no_grad():
        before = vlm.answer_logits(batch)[0]
        remove(vlm, units | {first.replace(".0.", ".1."): torch.tensor([], dtype=torch.long)})
        after = vlm.answer_logits(batch)[0]
        twin = moved()
        if kind == "lora":
            twin.model = twin.model.merge_and_unload()
        expected = silenced(twin, units).answer_logits(batch)[0]
    torch.testing.assert_close(after, expected, atol=1e-4, rtol=1e-3)
    assert (after - before).abs().max() > 1e-3
    if kind == "lora":
        ranks = {len(module.lora_A["default"].weight) for module in _adapted(vlm)}
        assert ranks == {2, 3, 7}
    merged = vlm.model.merge_and_unload() if kind == "lora" else vlm.model
    for name, places in units.items():
        weight = merged.get_submodule(name.removeprefix("base_model.model.")).weight
        assert (weight.abs().sum(0) == 0).nonzero().flatten().tolist() == places.tolist()


def _adapted(vlm):  # type: ignore[no-untyped-def]
    return [module for module in vlm.model.modules() if hasattr(module, "get_delta_weight")]


def test_the_top_share_is_that_of_all_layers_together() -> None:
    scores = {"a": torch.tensor([0.1, 0.9, 0.3]), "b": torch.tensor([0.8, 0.7, 0.2, 0.0])}
    chosen = top_share(scores, 3 / 7)
    assert {layer: places.tolist() for layer, places in chosen.items()} == {"a": [1], "b": [0, 1]}
    assert [len(places) for places in top_share(scores, 0.001).values()] == [1, 0]
    assert sum(len(places) for places in top_share(scores, 1.0).values()) == 7
