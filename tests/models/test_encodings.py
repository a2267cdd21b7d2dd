from __future__ import annotations

import dataclasses

from uqs.models import encodings


def test_the_same_questions_are_encoded_once_and_others_are_not_taken_for_them(
    make_vlm, samples
) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    first = encodings.encoded(vlm, samples)
    assert first.prompts == vlm.encode(samples).prompts
    assert encodings.encoded(vlm, list(samples)) is first
    changed = [dataclasses.replace(samples[0], answer="pink"), *samples[1:]]
    assert encodings.encoded(vlm, changed).answers == vlm.encode(changed).answers
    vlm.system_prompt = "Say little."
    assert encodings.encoded(vlm, samples).prompts == vlm.encode(samples).prompts
    assert encodings.encoded(make_vlm(), samples) is not first


def test_no_more_is_kept_than_the_bound(make_vlm, samples, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    monkeypatch.setattr(encodings, "MOST", 0)
    first = encodings.encoded(vlm, samples)
    assert encodings.encoded(vlm, samples) is not first


def test_lengths_of_answers_are_those_of_their_encoding(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    lengths = [len(answer) - 1 for answer in vlm.encode(samples).answers]
    assert list(encodings.answer_lengths(vlm, samples)) == lengths
