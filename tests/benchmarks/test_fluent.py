from __future__ import annotations

from collections import Counter

from uqs.benchmarks.fluent import fluent_split


def test_passages_are_plain_text_without_pictures() -> None:
    split = fluent_split()
    assert split.name == "fluent"
    assert len(split) >= 20
    assert len(split.entities) == len(split)
    for sample in split.samples:
        assert (sample.task, sample.picture, sample.wrong) == ("generation", None, ())
        assert (sample.question + sample.answer).isascii()
        assert sample.answer.endswith(".")
        assert len(sample.answer.split()) >= 10


def test_no_passage_is_there_twice() -> None:
    said = Counter(sample.answer for sample in fluent_split().samples)
    assert max(said.values()) == 1


def test_the_tiny_model_can_read_every_character() -> None:
    from uqs.models.tiny_llava import build_tokenizer

    tokenizer = build_tokenizer([])
    for sample in fluent_split().samples:
        for text in (sample.question, sample.answer):
            assert tokenizer.unk_token_id not in tokenizer(text)["input_ids"]
