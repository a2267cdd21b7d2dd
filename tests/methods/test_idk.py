from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from uqs.methods.base import Batches, Step
from uqs.methods.cards.labels import IDKSettings
from uqs.methods.idk import IDK
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.refusals import draw
from uqs.methods.trainer import Schedule, train
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.models.vlm import IGNORED
from uqs.records import Split


def seeded(seed: int = 5) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def started(vlm, samples, **settings):  # type: ignore[no-untyped-def]
    method = IDK(IDKSettings(batch_size=6, **settings))
    data = {
        "forget": Split("forget", tuple(samples[:9])),
        "retain": Split("retain", tuple(samples[9:])),
    }
    return method, method.streams(vlm, data, seeded())


def test_token_labels_are_the_drawn_refusals_and_true_retain_answers(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    _, streams = started(vlm, samples)
    end = vlm.tokenizer.eos_token_id
    expected = {
        "forget": draw(samples[:9], seeded()),
        "retain": [s.answer for s in samples[9:]],
    }
    assert {s.task for s in samples[:9]} == {"short", "classification", "cloze"}
    for name, answers in expected.items():
        encoded = streams[name].encoded
        labels = vlm.batch(encoded, range(9)).labels
        for row, answer in zip(labels, answers, strict=True):
            spelled = vlm.tokenizer(answer, add_special_tokens=False)["input_ids"]
            assert row[row != IGNORED].tolist() == [*spelled, end]
            assert (row[: -len(spelled) - 1] == IGNORED).all()
    assert streams["forget"].encoded.prompts == vlm.encode(samples[:9]).prompts


@pytest.mark.parametrize("weight", [0.0, 1.0, 2.5])
def test_the_loss_is_a_weighted_sum_of_token_means(make_vlm, samples, weight) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    method, streams = started(vlm, samples, retain_weight=weight)
    places = {"forget": [0, 1, 2], "retain": [4, 5]}
    if not weight:
        del places["retain"]  # it is not drawn
    expected = 0.0
    with torch.no_grad():
        for name, part in places.items():
            losses = []
            for i in part:  # one by one, without padding
                encoded = streams[name].encoded
                ids = torch.tensor([encoded.prompts[i] + encoded.answers[i]])
                inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
                logits = vlm.model(**inputs, **encoded.shown([i])).logits[0]
                k = len(encoded.answers[i])
                losses.append(cross_entropy(logits[-k - 1 : -1], ids[0, -k:], reduction="none"))
            expected += (weight if name == "retain" else 1) * float(torch.cat(losses).mean())
        found = float(method.loss(vlm, Batches(vlm, streams, places.__getitem__), Step(0, 1)))
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_run_comes_to_refuse_and_its_retain_term_protects(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    retain = {}
    for weight in (0.0, 1.0):
        vlm = make_vlm()
        attach(vlm, AdapterSettings(kind="full"), seed=0)
        method, streams = started(vlm, samples, retain_weight=weight)
        before = loss_of(vlm, streams["forget"].encoded)
        train(vlm, method, streams, Schedule(8, 3e-3), seeded())
        assert loss_of(vlm, streams["forget"].encoded) < before - 1
        retain[weight] = loss_of(vlm, streams["retain"].encoded)
    assert retain[1.0] < retain[0.0] - 0.1


def loss_of(vlm, encoded) -> float:  # type: ignore[no-untyped-def]
    with torch.no_grad():
        return float(answer_cross_entropy(vlm, vlm.batch(encoded, range(len(encoded)))))
