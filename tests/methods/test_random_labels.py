from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from uqs.errors import UserError
from uqs.methods.base import Batches, Step
from uqs.methods.cards.labels import RandomLabelsSettings
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.random_labels import RandomLabels, relabel
from uqs.methods.trainer import Schedule, train
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.models.vlm import IGNORED
from uqs.records import Split


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_label_is_wrong_and_of_its_kind(samples) -> None:  # type: ignore[no-untyped-def]
    colours = {s.answer for s in samples if s.task == "short"}
    for old, new in zip(samples, relabel(samples, samples, seeded()), strict=True):
        assert new.answer != old.answer
        assert replace(new, answer=old.answer) == old
        if old.task == "classification":
            assert new.answer in "BCD"
        elif old.task == "short":
            assert new.answer in colours
        else:
            assert new.answer.split()[0] in colours


def test_labels_are_uniform_over_the_wrong_answers(samples) -> None:  # type: ignore[no-untyped-def]
    generator = seeded()
    drawn = [relabel([samples[0]], samples, generator)[0].answer for _ in range(2000)]
    counts = {answer: drawn.count(answer) for answer in set(drawn)}
    assert len(counts) == 5
    assert all(abs(count - 400) < 5 * (2000 * 0.2 * 0.8) ** 0.5 for count in counts.values())


def test_the_same_seed_gives_the_same_labels(samples) -> None:  # type: ignore[no-untyped-def]
    assert relabel(samples, samples, seeded(3)) == relabel(samples, samples, seeded(3))
    assert relabel(samples, samples, seeded(3)) != relabel(samples, samples, seeded(4))


def test_no_other_answer_is_an_error(samples) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match="no other answer"):
        relabel([samples[0]], [samples[0]], seeded())


def data_of(samples):  # type: ignore[no-untyped-def]
    return {
        "forget": Split("forget", tuple(samples[:9])),
        "retain": Split("retain", tuple(samples[9:])),
    }


def test_a_drawn_answer_may_be_one_that_the_question_calls_wrong(samples) -> None:  # type: ignore[no-untyped-def]
    first, second = replace(samples[0], wrong=("green",)), samples[3]
    assert second.answer == "green"
    assert relabel([first], [first, second], seeded())[0].answer == "green"


def test_token_labels_are_the_drawn_answers_and_true_retain_answers(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    streams = RandomLabels(RandomLabelsSettings(batch_size=9)).streams(
        vlm, data_of(samples), seeded(1)
    )
    wrong = relabel(samples[:9], samples, seeded(1))
    assert {s.task for s in wrong} == {"short", "classification", "cloze"}
    for name, expected in (("forget", wrong), ("retain", samples[9:])):
        labels = vlm.batch(streams[name].encoded, range(9)).labels
        for row, sample in zip(labels, expected, strict=True):
            spelled = vlm.tokenizer(sample.answer, add_special_tokens=False)["input_ids"]
            assert row[row != IGNORED].tolist() == [*spelled, vlm.tokenizer.eos_token_id]
            assert (row[: -len(spelled) - 1] == IGNORED).all()
    assert streams["forget"].encoded.prompts == vlm.encode(samples[:9]).prompts


@pytest.mark.parametrize("weight", [0.0, 1.0, 2.5])
def test_the_loss_is_the_weighted_sum(make_vlm, samples, weight) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    method = RandomLabels(RandomLabelsSettings(retain_weight=weight))
    streams = method.streams(vlm, data_of(samples), seeded(1))
    places = {"forget": [0, 1], "retain": [3, 4]}
    with torch.no_grad():
        forget, retain = (
            float(answer_cross_entropy(vlm, vlm.batch(streams[name].encoded, part)))
            for name, part in places.items()
        )
        if not weight:
            del places["retain"]  # it is not drawn
        batches = Batches(vlm, streams, places.__getitem__)
        found = float(method.loss(vlm, batches, Step(0, 1)))
    assert found == pytest.approx(forget + weight * retain, rel=1e-5)


def test_a_run_learns_wrong_answers_and_its_retain_term_protects(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    retain = {}
    for weight in (0.0, 1.0):
        vlm = make_vlm()
        attach(vlm, AdapterSettings(kind="full"), seed=0)
        method = RandomLabels(RandomLabelsSettings(batch_size=6, retain_weight=weight))
        streams = method.streams(vlm, data_of(samples), seeded())
        before = loss_of(vlm, streams["forget"].encoded)
        train(vlm, method, streams, Schedule(8, 3e-3), seeded())
        assert loss_of(vlm, streams["forget"].encoded) < before - 1
        retain[weight] = loss_of(vlm, streams["retain"].encoded)
    assert retain[1.0] < retain[0.0]


def loss_of(vlm, encoded) -> float:  # type: ignore[no-untyped-def]
    with torch.no_grad():
        return float(answer_cross_entropy(vlm, vlm.batch(encoded, range(len(encoded)))))
