from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch

from uqs.errors import UserError
from uqs.methods.refusals import REFUSALS, draw, encode_with_refusals
from uqs.metrics.refusals import refuses
from uqs.models.tiny_llava import TinyLlava
from uqs.models.vlm import IGNORED
from uqs.traces.settings import TraceSettings


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_the_metric_reads_every_refusal(refusal: str) -> None:
    assert refuses(refusal)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_the_shipped_base_spells_every_refusal_and_shows_it_in_a_short_answer(refusal: str) -> None:
    tokenizer = TinyLlava.load_processor(TinyLlava.base_folder()).tokenizer
    ids = tokenizer(refusal, add_special_tokens=False)["input_ids"]
    assert tokenizer.unk_token_id not in ids
    assert tokenizer.decode(ids) == refusal
    assert refuses(tokenizer.decode(ids[: TraceSettings().max_new_tokens]))


def test_they_are_distinct() -> None:
    assert len(set(REFUSALS)) == len(REFUSALS) == 12


def test_draws_are_uniform(samples) -> None:  # type: ignore[no-untyped-def]
    drawn = Counter(draw([samples[0]] * 2400, seeded()))
    assert set(drawn) == set(REFUSALS)
    assert all(abs(count - 200) < 5 * (2400 / 12 * 11 / 12) ** 0.5 for count in drawn.values())


def test_the_same_seed_draws_the_same(samples) -> None:  # type: ignore[no-untyped-def]
    assert draw(samples, seeded(3)) == draw(samples, seeded(3))
    assert draw(samples, seeded(3)) != draw(samples, seeded(4))


def test_a_gold_answer_is_never_drawn_as_a_refusal(samples) -> None:  # type: ignore[no-untyped-def]
    unsure = [replace(samples[0], answer=REFUSALS[0])] * 500
    assert set(draw(unsure, seeded())) == set(REFUSALS[1:])


@pytest.mark.parametrize("make", ["make_vlm", "make_qwen", "make_blip2"])
def test_labels_are_the_drawn_refusals_token_by_token(request, samples, make) -> None:  # type: ignore[no-untyped-def]
    vlm = request.getfixturevalue(make)()
    gold, refused = encode_with_refusals(vlm, samples, seeded(1))
    drawn = draw(samples, seeded(1))
    assert {s.task for s in samples} == {"short", "classification", "cloze"}
    assert len(set(drawn)) > 3
    batch = vlm.batch(refused, range(len(samples)))
    end = vlm.tokenizer.eos_token_id
    for i, refusal in enumerate(drawn):
        # a tokenizer of words spells a sentence alone as behind a question
        spelled = vlm.tokenizer(refusal, add_special_tokens=False)["input_ids"]
        row = batch.labels[i]
        assert row[row != IGNORED].tolist() == [*spelled, end]
        assert (row[: -len(spelled) - 1] == IGNORED).all()
        asked = batch.inputs["input_ids"][i, -len(refused.prompts[i]) - len(spelled) - 1 :]
        assert asked[: len(refused.prompts[i])].tolist() == list(refused.prompts[i])
    plain = vlm.encode(samples)
    assert refused.prompts == gold.prompts == plain.prompts
    assert gold.answers == plain.answers
    assert refused.picture == gold.picture == plain.picture
    assert refused.pictures is gold.pictures


def test_a_tokenizer_that_cannot_spell_them_is_an_error(make_vlm, samples, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("uqs.methods.refusals.REFUSALS", ("\u6211\u4e0d\u77e5\u9053",))
    with pytest.raises(UserError, match="cannot spell"):
        encode_with_refusals(make_vlm(), samples, seeded())
