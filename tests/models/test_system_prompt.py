"""An instruction before every question: in every family's own wording, and kept beside the weights."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from uqs.errors import DataError
from uqs.models import system_prompt
from uqs.models.qwen_vl import QwenProcessor

SAID = "Which thing is it?"


def test_it_stands_before_the_question_of_each_family(
    make_vlm, make_blip2, make_qwen, samples
) -> None:  # type: ignore[no-untyped-def]
    shown, text = samples[0], samples[2]
    llava, blip2, qwen = make_vlm(), make_blip2(), make_qwen()
    for vlm in (llava, blip2, qwen):
        without = vlm.prompt(shown)
        vlm.system_prompt = SAID
        assert vlm.prompt(shown) == without.replace(shown.question, f"{SAID}\n{shown.question}")
    assert llava.prompt(text) == f"USER: {SAID}\n{text.question} ASSISTANT:"
    assert blip2.prompt(text) == f"Question: {SAID}\n{text.question} Answer:"
    template = (
        "{% for part in messages[0].content %}[{{ part.text or '<|image_pad|>' }}]{% endfor %}"
    )
    qwen.processor = QwenProcessor(qwen.tokenizer, qwen.processor.image_processor, template)
    assert qwen.prompt(shown) == f"[<|image_pad|>][{SAID}\n{shown.question}]"


def test_tokens_are_the_processors_own_and_answers_stay(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    before = vlm.encode(samples)
    vlm.system_prompt = SAID
    after = vlm.encode(samples)
    assert after.answers == before.answers
    picture = Image.open(io.BytesIO(samples[0].picture.data))
    text = f"USER: <image>\n{SAID}\n{samples[0].question} ASSISTANT:"
    expected = vlm.processor(text=text, images=[picture], return_tensors="pt")
    assert list(after.prompts[0]) == expected["input_ids"][0].tolist()
    assert torch.equal(after.shown([0])["pixel_values"], expected["pixel_values"])


def test_it_comes_back_from_the_folder(make_vlm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    vlm, other = make_vlm(), make_vlm()
    system_prompt.save(vlm, tmp_path)
    assert not list(tmp_path.iterdir())  # nothing is said, nothing is written
    vlm.system_prompt = 'Über "alles"\nschweigen'
    system_prompt.save(vlm, tmp_path)
    system_prompt.load(other, tmp_path)
    assert other.system_prompt == vlm.system_prompt
    system_prompt.load(other, tmp_path / "none")
    assert other.system_prompt == ""


@pytest.mark.parametrize("text", ["{", "[]", "3", "{}", json.dumps({"preamble": 3})])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / system_prompt.FILE).write_text(text)
    with pytest.raises(DataError, match=r"preamble\.json"):
        system_prompt.read(tmp_path)
