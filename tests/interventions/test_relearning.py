"""Relearning teaches, depends on nothing but its arguments, and leaves no trace."""

from __future__ import annotations

import inspect
import json
from dataclasses import asdict, replace

import pytest
import torch

from uqs.errors import UserError
from uqs.interventions.relearning import RelearnSettings, halves, relearn
from uqs.interventions.traced import DECLARED, intervention_traces
from uqs.methods.base import trainable
from uqs.methods.streams import Stream
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.records import Split
from uqs.traces.one_pass import trace_split
from uqs.traces.settings import TraceSettings

QUICK = RelearnSettings(steps=(0, 1, 3), lr=1e-2, batch_size=4)


def adapted(make_vlm, kind: str):  # type: ignore[no-untyped-def]
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


def curve(vlm, samples, settings: RelearnSettings, seed: int = 0) -> list[torch.Tensor]:  # type: ignore[no-untyped-def]
    generator = torch.Generator().manual_seed(seed)
    split = Split("forget", tuple(samples))
    return [logits(vlm, samples) for _ in relearn(vlm, split, settings, generator)]


def test_halves_part_the_entities(samples) -> None:  # type: ignore[no-untyped-def]
    split = Split("forget", tuple(samples))
    train, test = halves(split, 3)
    assert train.name == test.name == "forget"
    assert len(train.entities) == len(test.entities) == 3
    assert not train.entities & test.entities
    assert sorted(s.id for s in (*train.samples, *test.samples)) == sorted(s.id for s in samples)
    turned = halves(Split("forget", tuple(reversed(samples))), 3)
    assert turned.train.entities == train.entities
    assert len({halves(split, seed).train.entities for seed in range(20)}) > 5


def test_halves_of_few_entities(samples) -> None:  # type: ignore[no-untyped-def]
    three = halves(Split("forget", tuple(samples[:9])), 0)
    assert (len(three.train.entities), len(three.test.entities)) == (1, 2)
    with pytest.raises(UserError, match=r"'forget' has one entity; relearning needs two"):
        halves(Split("forget", tuple(samples[:3])), 0)


@pytest.mark.parametrize("kind", ["plain", "adapter"])
def test_the_model_learns_and_is_afterwards_as_it_was(make_vlm, samples, kind: str) -> None:  # type: ignore[no-untyped-def]
    vlm = adapted(make_vlm, kind)
    said, flags = (
        logits(vlm, samples),
        {n: p.requires_grad for n, p in vlm.model.named_parameters()},
    )
    weights = {n: p.detach().clone() for n, p in vlm.model.named_parameters()}
    settings = RelearnSettings(steps=(0, 30), lr=1e-2)
    batch = vlm.batch(vlm.encode(samples), range(len(samples)))
    losses, train = [], Split("forget", tuple(samples))
    for _ in relearn(vlm, train, settings, torch.Generator().manual_seed(0)):
        with torch.no_grad():
            found, labels = vlm.answer_logits(batch)
        losses.append(
            float(torch.nn.functional.cross_entropy(found.flatten(0, 1), labels.flatten()))
        )
    assert losses[1] < 0.8 * losses[0]  # embeddings stay random, so it cannot go far
    assert torch.equal(logits(vlm, samples), said)
    for name, parameter in vlm.model.named_parameters():
        assert torch.equal(parameter, weights[name])
        assert parameter.requires_grad == flags[name]
        assert parameter.grad is None


def test_no_step_changes_nothing(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = adapted(make_vlm, "adapter")
    # with factors whose product is 0 the arithmetic is another one
    found = curve(vlm, samples, QUICK)[0]
    torch.testing.assert_close(found, logits(vlm, samples), rtol=1e-5, atol=1e-5)


def test_the_same_seed_learns_the_same_whatever_ran_before(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = adapted(make_vlm, "adapter")
    torch.manual_seed(1)
    first = curve(vlm, samples, QUICK)
    torch.manual_seed(2)
    again = curve(vlm, samples, QUICK)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    other = curve(vlm, samples, QUICK, seed=1)
    assert not torch.equal(first[-1], other[-1])


def test_where_one_looks_changes_nothing(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = adapted(make_vlm, "plain")
    seldom = curve(vlm, samples, replace(QUICK, steps=(3,)))
    assert torch.equal(curve(vlm, samples, QUICK)[-1], seldom[0])


def test_the_factors_are_peft_s_second_adapter(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    """The same steps taken by peft and plain gradient descent on an adapter of the same start."""
    settings = RelearnSettings(steps=(1,), lr=1e-2, batch_size=len(samples))
    vlm, twin = make_vlm(), make_vlm()
    found = curve(vlm, samples, settings)[0]

    attach(
        twin, AdapterSettings(r=settings.r, alpha=settings.alpha, targets="language.all"), seed=0
    )
    generator = torch.Generator().manual_seed(0)
    parameters = trainable(twin)
    with torch.no_grad():
        for name, parameter in parameters.items():
            if "lora_A" in name:
                bound = parameter.shape[1] ** -0.5
                parameter.copy_(
                    torch.empty(parameter.shape).uniform_(-bound, bound, generator=generator)
                )
    stream = Stream.of(twin.encode(samples), settings.batch_size)
    batch = twin.batch(stream.encoded, next(stream.batches(generator)))
    found_logits, labels = twin.answer_logits(batch)
    torch.nn.functional.cross_entropy(found_logits.flatten(0, 1), labels.flatten()).backward()
    with torch.no_grad():
        for parameter in parameters.values():
            assert parameter.grad is not None
            # AdamW's first step is lr times the sign of the gradient
            parameter.sub_(settings.lr * parameter.grad.sign())
    torch.testing.assert_close(logits(twin, samples), found, rtol=1e-3, atol=2e-3)


def test_what_stops_early_leaves_no_factors(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = adapted(make_vlm, "adapter")
    said = logits(vlm, samples)
    steps = relearn(vlm, Split("f", tuple(samples)), QUICK, torch.Generator().manual_seed(0))
    assert [next(steps), next(steps)] == [0, 1]
    assert not torch.equal(logits(vlm, samples), said)
    steps.close()
    assert torch.equal(logits(vlm, samples), said)


def test_a_broken_model_is_told(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    with torch.no_grad():
        vlm.decoder.layers[0].mlp.up_proj.weight.fill_(float("nan"))
    with pytest.raises(UserError, match="relearning: the loss is nan at step 1"):
        curve(vlm, samples, QUICK)


@pytest.mark.parametrize("steps", [(5, 0), (0, 0), (-1, 2)])
def test_steps_must_rise(steps: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not rise"):
        RelearnSettings(steps=steps)


def test_an_unknown_set_of_layers_is_told(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match=r"'language\.al'; did you mean 'language\.all'"):
        curve(make_vlm(), samples, replace(QUICK, targets="language.al"))


@pytest.mark.parametrize("kind", ["plain", "adapter"])
def test_every_intervention_is_traced_and_none_of_it_stays(make_vlm, samples, kind: str) -> None:  # type: ignore[no-untyped-def]
    vlm, split = adapted(make_vlm, kind), Split("forget", tuple(samples))
    settings = TraceSettings(max_new_tokens=2)
    said = logits(vlm, samples)
    plain = trace_split(vlm, split, settings)
    found = intervention_traces(vlm, split, lambda part: trace_split(vlm, part, settings), QUICK)
    assert list(found) == ["int8", "int4", "nf4", "relearn_0", "relearn_1", "relearn_3"]
    assert all(list(traces) == ["forget"] for traces in found.values())
    assert torch.equal(logits(vlm, samples), said)
    _, test = halves(split, 0)
    for name, traces in found.items():
        trace = traces["forget"]
        whole = not name.startswith("relearn")
        assert trace.ids == tuple(s.id for s in (samples if whole else test.samples))
    start = found["relearn_0"]["forget"]
    place = {name: i for i, name in enumerate(plain.ids)}
    same = plain.take([place[name] for name in start.ids])
    assert start.answers == same.answers
    torch.testing.assert_close(
        torch.tensor(start.gold_log_probs), torch.tensor(same.gold_log_probs), rtol=0, atol=1e-5
    )
    gold = [traces["forget"].gold_log_probs.tobytes() for traces in found.values()]
    assert len(set(gold)) == len(gold)


def test_what_is_declared_is_what_is_done_and_can_be_written() -> None:
    assert json.loads(json.dumps(DECLARED))["relearning"] == {
        "steps": [0, 5, 10, 20, 40],
        "lr": 1e-3,
        "batch_size": 16,
        "r": 8,
        "alpha": 16.0,
        "targets": "language.all",
    }
    assert list(DECLARED["schemes"]) == ["int8", "int4", "nf4"]
    defaults = inspect.signature(intervention_traces).parameters
    assert defaults["seed"].default == DECLARED["seed"]
    assert asdict(defaults["relearning"].default) == DECLARED["relearning"]
