from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from uqs.methods.base import Step, trainable
from uqs.methods.cards.pruned import TaskVectorSettings
from uqs.methods.task_vector import TaskVector
from uqs.methods.unlearn import Seeds, unlearn
from uqs.metrics.oracle_distance import norms
from uqs.models.adapter import load, save
from uqs.models.update import effective_update
from uqs.models.vlm import IGNORED

ONCE = Step(0, 1)


def method(**settings) -> TaskVector:  # type: ignore[no-untyped-def]
    return TaskVector(TaskVectorSettings(**settings))


def test_the_loss_goes_down_the_forget_answers(table, rows, drawn) -> None:  # type: ignore[no-untyped-def]
    tokens = [[[1 / 2, 1 / 4, 1 / 4], [1 / 8, 3 / 4, 1 / 8]], [[1 / 3] * 3, [1 / 4, 1 / 4, 1 / 2]]]
    vlm = table(tokens, [[0, 2], [IGNORED, 0]])
    vector = method(batch_size=2)
    streams = vector.streams(vlm, rows([0, 1], []), torch.Generator())
    loss = vector.loss(vlm, drawn(vlm, streams, forget=[0, 1]), ONCE)
    assert float(loss.detach()) == pytest.approx((math.log(2) + math.log(8) + math.log(4)) / 3)


def test_the_loss_on_a_model(make_vlm, halves, drawn, plain_loss) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    vector = method(batch_size=4)
    streams = vector.streams(vlm, {"forget": halves["forget"]}, torch.Generator())
    assert set(streams) == {"forget"}
    expected = plain_loss(vlm, streams["forget"].encoded, [5, 0, 1, 3])
    with torch.no_grad():
        found = float(vector.loss(vlm, drawn(vlm, streams, forget=[5, 0, 1, 3]), ONCE))
    assert found == pytest.approx(expected, rel=1e-5)


def moved(vlm, seed: int) -> None:  # type: ignore[no-untyped-def]
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))


def adapter_layers(vlm) -> dict[str, torch.nn.Module]:  # type: ignore[no-untyped-def]
    return {n: m for n, m in vlm.model.named_modules() if hasattr(m, "get_delta_weight")}


def merged(vlm) -> dict[str, torch.Tensor]:  # type: ignore[no-untyped-def]
    """All weights as PEFT merges them, without touching the model."""
    weights = {}
    for name, weight in vlm.model.state_dict().items():
        if ".lora_" not in name:
            plain = name.removeprefix("base_model.model.").replace(".base_layer", "")
            weights[plain] = weight.detach().clone()
    for name, module in adapter_layers(vlm).items():
        plain = name.removeprefix("base_model.model.")
        weights[f"{plain}.weight"] += module.get_delta_weight("default").detach()
    return weights


@pytest.mark.parametrize("kind", ["lora", "full"])
@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_the_weights_are_as_far_on_the_other_side(memorised, halves, kind, scale) -> None:  # type: ignore[no-untyped-def]
    vlm, vector = memorised(kind), method(scale=scale)
    moved(vlm, 0)
    original = merged(vlm)
    vector.streams(vlm, halves, torch.Generator())
    moved(vlm, 1)
    tuned = merged(vlm)
    vector.finish(vlm, halves)
    changed = set()
    for name, weight in merged(vlm).items():
        expected = original[name].double() - scale * (tuned[name].double() - original[name])
        torch.testing.assert_close(weight.double(), expected, atol=1e-5, rtol=1e-5)
        if not torch.equal(weight, original[name]):
            changed.add(name)
    adapted = {name.removeprefix("base_model.model.") + ".weight" for name in adapter_layers(vlm)}
    assert changed == (adapted if kind == "lora" else set(original))


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_a_checkpoint_says_so_too(memorised, halves, tmp_path: Path, kind) -> None:  # type: ignore[no-untyped-def]
    base, folders = memorised("full"), {}
    base.model.save_pretrained(tmp_path / "base")
    base.processor.save_pretrained(tmp_path / "base")
    vlm, vector = memorised(kind), method(scale=0.7)
    for k, name in enumerate(("original", "tuned", "unlearned")):
        if name == "unlearned":
            vector.finish(vlm, halves)
        else:
            moved(vlm, k)
        if name == "original":
            vector.streams(vlm, halves, torch.Generator())
        folders[name] = tmp_path / name
        save(vlm, folders[name])
    original, tuned, unlearned = (
        effective_update(folder, tmp_path / "base") for folder in folders.values()
    )
    assert unlearned.keys() == original.keys()
    for layer in original:
        expected = 1.7 * original[layer] - 0.7 * tuned[layer]
        np.testing.assert_allclose(unlearned[layer], expected, atol=1e-5)
    # as far from the original as the tuned model, times the scale: what a distance to an oracle is made of
    for mine, theirs in zip(norms(unlearned, original), norms(tuned, original), strict=True):
        assert mine.apart == pytest.approx(0.7 * theirs.apart, rel=1e-3)
        assert mine.oracle == theirs.oracle > 0
    again = load(type(vlm), tmp_path / "base", folders["unlearned"], trainable=False)
    batch = vlm.batch(vlm.encode(halves["retain"].samples), range(9))
    with torch.no_grad():
        torch.testing.assert_close(again.answer_logits(batch)[0], vlm.answer_logits(batch)[0])


@pytest.mark.parametrize(("kind", "lr"), [("lora", 3e-3), ("full", 1e-3)])
def test_a_run_forgets(memorised, halves, plain_loss, kind, lr) -> None:  # type: ignore[no-untyped-def]
    vlm = memorised(kind)
    encoded = vlm.encode(halves["forget"].samples)
    before = plain_loss(vlm, encoded, range(9))
    settings = {"steps": 10, "lr": lr, "scale": 4.0, "batch_size": 9}
    training = unlearn(vlm, method(**settings), halves, Seeds(0, 0))
    assert training.collapse is None and len(training.losses) == 10
    assert training.losses[-1] < training.losses[0]  # it learns them better first
    assert plain_loss(vlm, encoded, range(9)) > before + 0.5
