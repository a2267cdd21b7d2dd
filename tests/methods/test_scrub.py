from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError
from scipy.special import softmax
from scipy.stats import entropy

from uqs.methods.base import Step
from uqs.methods.cards.ascent import SCRUB
from uqs.methods.scrub import Scrub, is_max_step, softened_kl

MAX, MIN = Step(0, 60), Step(59, 60)


def method(**settings) -> Scrub:  # type: ignore[no-untyped-def]
    return Scrub(SCRUB.settings(**settings))


def turns(of: int, **settings) -> str:  # type: ignore[no-untyped-def]
    """The run's steps, max or min."""
    chosen = method(**settings).settings
    return "".join("+" if is_max_step(chosen, Step(k, of)) else "-" for k in range(of))


def test_max_steps_come_before_min_steps_in_the_first_rounds_alone() -> None:
    assert turns(60) == "+++---" * 3 + "------" * 7
    assert turns(60, rounds=5, max_rounds=1, max_share=0.25) == "+++---------" + "-" * 48
    assert turns(20, rounds=4, max_rounds=3, max_share=0.8) == "++++-" * 3 + "-----"


@pytest.mark.parametrize("of", [2, 7, 10, 37, 60, 101, 400])
def test_any_number_of_steps_has_its_share_of_max_steps_and_ends_with_min_steps(of: int) -> None:
    found = turns(of)
    assert found[0] == "+"
    assert set(found[math.ceil(0.3 * of) :]) == {"-"}
    assert abs(found.count("+") - 0.15 * of) <= 3  # each of three rounds rounds up


def test_a_run_that_ends_with_max_steps_is_an_error() -> None:
    with pytest.raises(ValidationError, match=r"max_rounds \(4\) must be below rounds \(4\)"):
        method(rounds=4, max_rounds=4)


def student(table, rows, **settings):  # type: ignore[no-untyped-def]
    """A student that leans 9 : 1 on its first token where its teacher was undecided."""
    vlm = table([[[1 / 2, 1 / 2]], [[1 / 2, 1 / 2]]], [[1], [0]])
    scrub = method(batch_size=1, **settings)
    streams = scrub.streams(vlm, rows([0], [1]), torch.Generator())
    vlm.set(torch.tensor([[[0.9, 0.1]], [[0.9, 0.1]]]).log())
    return vlm, scrub, streams


def test_a_max_step_leaves_the_teacher_on_forget_answers(table, rows, drawn) -> None:  # type: ignore[no-untyped-def]
    vlm, scrub, streams = student(table, rows)
    loss = scrub.loss(vlm, drawn(vlm, streams, forget=[0]), MAX)  # retain is not asked for
    # at temperature 2 odds of 9 are odds of 3: 4 KL((1/2, 1/2) || (3/4, 1/4)) = 2 log 4/3
    assert float(loss.detach()) == pytest.approx(-2 * math.log(4 / 3))
    loss.backward()
    assert vlm.logits.grad[0, 0].tolist() == pytest.approx([-2 * 1 / 4, 2 * 1 / 4])
    assert not vlm.logits.grad[1].any()


@pytest.mark.parametrize(("gamma", "alpha"), [(1.0, 0.5), (0.0, 1.0), (2.0, 0.0)])
def test_a_min_step_returns_to_answers_and_teacher(table, rows, drawn, gamma, alpha) -> None:  # type: ignore[no-untyped-def]
    vlm, scrub, streams = student(table, rows, gamma=gamma, alpha=alpha)
    loss = scrub.loss(vlm, drawn(vlm, streams, retain=[0]), MIN)  # forget is not asked for
    expected = gamma * -math.log(0.9) + alpha * 2 * math.log(4 / 3)
    assert float(loss.detach()) == pytest.approx(expected)
    loss.backward()
    slope = -gamma * 0.1 + alpha * 2 * 1 / 4
    assert vlm.logits.grad[1, 0].tolist() == pytest.approx([slope, -slope])
    assert not vlm.logits.grad[0].any()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_softened_divergence_equals_scipys(temperature: float) -> None:
    teacher, student = torch.randn(2, 7, 5, generator=torch.Generator().manual_seed(0)) * 3
    found = softened_kl(teacher.log_softmax(-1), student.log_softmax(-1), temperature)
    p, q = (softmax(one.double().numpy() / temperature, axis=1) for one in (teacher, student))
    assert float(found) == pytest.approx(temperature**2 * entropy(p, q, axis=1).mean(), rel=1e-5)


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_both_turns_equal_plain_losses_against_a_copy_of_the_original(  # type: ignore[no-untyped-def]
    memorised, halves, drawn, shake, plain_loss, plain_log_probs, kind
) -> None:
    original, vlm = memorised(kind), memorised(kind)
    scrub = method(batch_size=4, gamma=0.7, alpha=0.4, temperature=3.0)
    streams = scrub.streams(vlm, halves, torch.Generator())
    shake(vlm)
    divergences = {}
    for name in ("forget", "retain"):
        with torch.no_grad():
            p, q = (
                softmax(
                    torch.cat(plain_log_probs(one, streams[name].encoded, range(4))).numpy() / 3,
                    axis=1,
                )
                for one in (original, vlm)
            )
        divergences[name] = 9 * entropy(p, q, axis=1).mean()
        assert divergences[name] > 0.01
    cross_entropy = plain_loss(vlm, streams["retain"].encoded, range(4))
    for step, expected in (
        (MAX, -divergences["forget"]),
        (MIN, 0.7 * cross_entropy + 0.4 * divergences["retain"]),
    ):
        found = scrub.loss(vlm, drawn(vlm, streams, forget=range(4), retain=range(4)), step)
        assert float(found.detach()) == pytest.approx(expected, rel=1e-4)


def test_a_run_forgets_and_min_steps_repair(memorised, halves, run, plain_loss) -> None:  # type: ignore[no-untyped-def]
    found = {}
    for gamma, alpha in ((0.0, 0.0), (1.0, 0.5)):
        vlm = memorised()
        encoded = {name: vlm.encode(split.samples) for name, split in halves.items()}
        before = {name: plain_loss(vlm, one, range(9)) for name, one in encoded.items()}
        settings = {"steps": 30, "lr": 3e-3, "batch_size": 9, "max_share": 0.6}
        run(vlm, method(gamma=gamma, alpha=alpha, **settings), halves)
        after = {name: plain_loss(vlm, one, range(9)) for name, one in encoded.items()}
        assert after["forget"] > before["forget"] + 0.3
        found[gamma] = after["retain"]
    assert found[1.0] < before["retain"] + 0.1
    assert found[1.0] < found[0.0]
