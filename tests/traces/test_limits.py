"""What a model can neither read nor say is refused before it becomes a number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from uqs.errors import UserError
from uqs.records import Split
from uqs.traces.one_pass import trace_split
from uqs.traces.settings import TraceSettings


def limited(vlm, tokens: int):  # type: ignore[no-untyped-def]
    vlm.plain_model.config.text_config.max_position_embeddings = tokens
    return vlm


def test_a_question_longer_than_the_context_is_told(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    long = replace(samples[2], id="long", question=" ".join(["What colour is it"] * 80))
    for given in ([long], [samples[0], long]):
        with pytest.raises(
            UserError, match=r"sample 'long': with its answer it ends at token 3\d\d"
        ):
            vlm.encode(given)
        with pytest.raises(UserError, match="and the model reads 256"):
            trace_split(vlm, Split("x", tuple(given)), TraceSettings())


def test_question_and_answer_may_fill_the_context_exactly(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    encoded = vlm.encode(samples)
    whole = max(len(p) + len(a) for p, a in zip(encoded.prompts, encoded.answers, strict=True))
    assert limited(vlm, whole).encode(samples).prompts == encoded.prompts
    with pytest.raises(UserError, match=f"ends at token {whole}, and the model reads {whole - 1}"):
        limited(vlm, whole - 1).encode(samples)


def test_a_long_wrong_answer_counts(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    sample = replace(samples[2], wrong=(" ".join(["green"] * 20),))
    prompt = len(vlm.encode([sample]).prompts[0])
    assert limited(vlm, prompt + 21).encode([sample])
    with pytest.raises(UserError, match=f"ends at token {prompt + 21}"):
        limited(vlm, prompt + 20).encode([sample])


@pytest.mark.parametrize("workers", [0, 2])
def test_new_tokens_need_their_room(make_vlm, samples, workers: int) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    longest = max(map(len, vlm.encode(samples).prompts))
    settings = TraceSettings(max_new_tokens=10, workers=workers)
    split = Split("forget", tuple(samples))
    assert len(trace_split(limited(vlm, longest + 10), split, settings)) == len(samples)
    with pytest.raises(UserError, match=f"with 10 new tokens it ends at token {longest + 10}"):
        trace_split(limited(vlm, longest + 9), split, settings)


@pytest.mark.parametrize("family", ["make_vlm", "make_qwen", "make_blip2"])
def test_an_answer_that_no_model_may_say_is_told(family, samples, request) -> None:  # type: ignore[no-untyped-def]
    vlm = request.getfixturevalue(family)()
    words = replace(samples[2], id="five", answer="red blue red blue red")
    split = Split("forget", (samples[0], words, samples[3]))
    tokens = len(vlm.encode([words]).answers[0]) - 1  # the end mark
    assert tokens >= 5
    assert len(trace_split(vlm, split, TraceSettings(max_new_tokens=tokens))) == 3
    message = (
        f"split 'forget', sample 'five': its answer has {tokens} tokens, "
        f"but a model may give at most {tokens - 1}"
    )
    with pytest.raises(UserError, match=message):
        trace_split(vlm, split, TraceSettings(max_new_tokens=tokens - 1))


@pytest.mark.parametrize("name", ["fluent", "answers_of_model", "answers_of_oracle"])
def test_answers_that_are_only_read_may_be_longer(make_vlm, samples, name: str) -> None:  # type: ignore[no-untyped-def]
    split = Split(name, (replace(samples[2], answer="red blue red blue red"),))
    assert len(trace_split(make_vlm(), split, TraceSettings(max_new_tokens=1))) == 1
