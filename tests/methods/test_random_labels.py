from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from uqs.errors import UserError
from uqs.methods.random_labels import RandomLabels, relabel
from uqs.methods.settings import RandomLabelsSettings
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


def test_the_token_labels_are_the_drawn_answers(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    data = {
        "forget": Split("forget", tuple(samples[:9])),
        "retain": Split("retain", tuple(samples[9:])),
    }
    streams = RandomLabels(RandomLabelsSettings(batch_size=9)).streams(vlm, data, seeded(1))
    wrong = relabel(samples[:9], samples, seeded(1))
    spelled = [
        vlm.tokenizer.decode(ids, skip_special_tokens=True)
        for ids in streams["forget"].encoded.answers
    ]
    assert spelled == [s.answer for s in wrong]
    assert streams["retain"].encoded.answers == vlm.encode(samples[9:]).answers


def test_the_loss_is_the_weighted_sum(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    encoded = vlm.encode(samples)
    batches = {"forget": vlm.batch(encoded, [0, 1]), "retain": vlm.batch(encoded, [3, 4])}
    from uqs.methods.losses import answer_cross_entropy

    with torch.no_grad():
        forget, retain = (
            float(answer_cross_entropy(vlm, batches[k])) for k in ("forget", "retain")
        )
        for weight in (0.0, 1.0, 2.5):
            method = RandomLabels(RandomLabelsSettings(retain_weight=weight))
            assert float(method.loss(vlm, batches)) == pytest.approx(forget + weight * retain)
