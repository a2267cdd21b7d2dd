from __future__ import annotations

import dataclasses
import io

import pytest
import torch
from PIL import Image

from uqs.errors import UserError
from uqs.records import Picture, Sample


def test_encoding_equals_the_processors_own(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    encoded = vlm.encode(samples)
    for i, sample in enumerate(samples):
        images = [Image.open(io.BytesIO(sample.picture.data))] if sample.picture else None
        expected = vlm.processor(text=vlm.prompt(sample), images=images, return_tensors="pt")
        assert list(encoded.prompts[i]) == expected["input_ids"][0].tolist()
        if images:
            assert torch.equal(encoded.shown([i])["pixel_values"], expected["pixel_values"])
    assert len(encoded.pictures) == 6  # each picture once


def test_options_stand_in_the_prompt(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    prompt = make_vlm().prompt(samples[1])
    assert prompt == "USER: <image>\nWhich colour?\nA. red\nB. green\nC. blue\nD. pink ASSISTANT:"


def test_what_the_tokenizer_cannot_spell_is_an_error(make_vlm) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match=r"sample 'x'.*cannot spell its answer \('東京'\)"):
        make_vlm().encode([Sample("x", "e", "short", "What is it?", "東京")])


def test_unknown_words_are_spelled_by_letters_and_come_back(make_vlm) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    ids = vlm.encode([Sample("x", "e", "short", "What is it?", "Zebra42")]).answers[0]
    assert vlm.tokenizer.decode(ids, skip_special_tokens=True) == "Zebra42"


@pytest.mark.parametrize("words", [("Where <image> is it?", "red"), ("What is it?", "<image>")])
def test_the_mark_of_a_picture_in_a_text_is_an_error(make_vlm, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match="sample 'x': its text contains '<image>', the mark of a"):
        make_vlm().encode([Sample("x", "e", "short", *words)])


def test_pictures_of_one_name_are_not_taken_for_each_other(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    renamed = dataclasses.replace(samples[3].picture, name=samples[0].picture.name)
    encoded = vlm.encode([samples[0], dataclasses.replace(samples[3], picture=renamed)])
    other = vlm.show(samples[3].picture)["pixel_values"]
    assert torch.equal(encoded.shown([1])["pixel_values"], other)


def test_a_turned_photograph_is_seen_upright(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    """A camera stores the sensor's rows and says in EXIF how to turn them; every viewer does."""
    upright = Image.open(io.BytesIO(samples[0].picture.data)).convert("RGB")
    seen = []
    for image, orientation in ((upright, 1), (upright.transpose(Image.Transpose.ROTATE_90), 6)):
        exif = Image.Exif()
        exif[0x112] = orientation  # 6: turn by 90 degrees clockwise
        buffer = io.BytesIO()
        image.save(buffer, "PNG", exif=exif)
        seen.append(make_vlm().show(Picture("x", buffer.getvalue()))["pixel_values"])
    assert torch.equal(seen[0], seen[1])


def sized(width: int, height: int) -> Picture:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(buffer, "PNG")
    return Picture(f"{width}x{height}.png", buffer.getvalue())


def test_a_picture_that_the_processor_refuses_is_named_with_its_sample(make_qwen, samples) -> None:  # type: ignore[no-untyped-def]
    good, odd = (
        dataclasses.replace(samples[0], picture=sized(w, 16)) for w in (16 * 190, 16 * 210)
    )
    assert len(make_qwen().encode([good])) == 1
    with pytest.raises(
        UserError, match=r"^sample '0-a': its picture '3360x16\.png' cannot be shown"
    ):
        make_qwen().encode([odd])


def test_a_picture_longer_than_the_context_is_an_error_and_nothing_is_cut(
    make_qwen, samples
) -> None:  # type: ignore[no-untyped-def]
    vlm, asked = make_qwen(), dataclasses.replace(samples[0], picture=sized(64, 64))
    whole = vlm.encode([asked])
    mark = vlm.tokenizer.convert_tokens_to_ids(vlm.image_token)
    assert whole.prompts[0].count(mark) == (64 // 16) ** 2
    end = len(whole.prompts[0]) + len(whole.answers[0])
    vlm.tokenizer.backend_tokenizer.enable_truncation(max_length=5)  # as some tokenizer.json say
    assert vlm.encode([asked]).prompts == whole.prompts
    text = vlm.model.config.get_text_config()
    text.max_position_embeddings = end
    assert vlm.encode([asked]).prompts == whole.prompts
    text.max_position_embeddings = end - 1
    with pytest.raises(UserError, match=f"sample '0-a': .* at token {end}, and the model reads"):
        vlm.encode([asked])
