from __future__ import annotations

import math

import pytest
import torch

from uqs.methods.losses import answer_cross_entropy
from uqs.models.vlm import IGNORED


def test_equals_a_token_by_token_loop_of_batch_size_one(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    encoded = vlm.encode(samples)
    batch = vlm.batch(encoded, range(len(samples)))
    with torch.no_grad():
        found = float(answer_cross_entropy(vlm, batch))
        total, count = 0.0, 0
        for i, sample in enumerate(samples):
            ids = torch.tensor([encoded.prompts[i] + encoded.answers[i]])
            inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
            if sample.picture is not None:
                inputs |= encoded.shown([i])
            log_probs = vlm.model(**inputs).logits[0].log_softmax(-1)
            for k, token in enumerate(encoded.answers[i]):
                total -= float(log_probs[len(encoded.prompts[i]) + k - 1, token])
                count += 1
    assert found == pytest.approx(total / count, rel=1e-5)


def test_a_uniform_model_loses_the_log_of_the_vocabulary(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    with torch.no_grad():
        vlm.model.lm_head.weight.zero_()
        batch = vlm.batch(vlm.encode(samples), [0, 1, 2])
        assert float(answer_cross_entropy(vlm, batch)) == pytest.approx(
            math.log(len(vlm.tokenizer))
        )


def test_prompts_pictures_and_padding_are_never_labels(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    encoded = vlm.encode(samples)
    batch = vlm.batch(encoded, range(len(samples)))
    picture = vlm.tokenizer.convert_tokens_to_ids("<image>")
    for i in range(len(samples)):
        row = batch.labels[i]
        assert row[row != IGNORED].tolist() == list(encoded.answers[i])
        assert (row[: -len(encoded.answers[i])] == IGNORED).all()
    assert picture not in batch.labels
    assert vlm.tokenizer.pad_token_id not in batch.labels
