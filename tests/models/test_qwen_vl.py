from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from uqs.models.adapter import attach
from uqs.models.qwen_vl import QwenProcessor, QwenVL
from uqs.models.settings import AdapterSettings
from uqs.records import Picture, Sample

TYPES = ("qwen2_vl", "qwen2_5_vl")
# the template that the Qwen2-VL release ships, its video branch left out
TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def sized(sample: Sample, width: int, height: int) -> Sample:
    """The question on its picture in another size."""
    if sample.picture is None:
        return sample
    buffer = io.BytesIO()
    Image.open(io.BytesIO(sample.picture.data)).resize((width, height)).save(buffer, "PNG")
    picture = Picture(f"{width}-{height}-{sample.picture.name}", buffer.getvalue())
    return dataclasses.replace(sample, picture=picture)


@pytest.fixture
def asked(samples: list[Sample]) -> list[Sample]:
    sizes = [(32, 32), (64, 32), (16, 48)]
    return [sized(sample, *sizes[i // 3 % 3]) for i, sample in enumerate(samples)]


def write(vlm: QwenVL, folder: Path) -> None:
    """The model folder as the hub has it."""
    vlm.model.save_pretrained(folder)
    vlm.processor.tokenizer.save_pretrained(folder)
    vlm.processor.image_processor.save_pretrained(folder)


def test_a_prompt_has_a_token_for_every_four_patches(
    make_qwen: Callable[..., QwenVL], asked: list[Sample]
) -> None:
    vlm = make_qwen()
    encoded = vlm.encode(asked)
    pad = vlm.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    for i, sample in enumerate(asked):
        text = vlm.prompt(sample)
        if sample.picture is None:
            assert list(encoded.prompts[i]) == vlm.tokenizer(text)["input_ids"]
            assert pad not in encoded.prompts[i]
            continue
        image = Image.open(io.BytesIO(sample.picture.data))
        tokens = (image.width // 16) * (image.height // 16)  # patches of 8 pixels, 2 by 2 merged
        spelled = text.replace("<|image_pad|>", "<|image_pad|>" * tokens)
        assert list(encoded.prompts[i]) == vlm.tokenizer(spelled)["input_ids"]
        expected = vlm.processor.image_processor([image], return_tensors="pt")
        for name, values in encoded.shown([i]).items():
            assert torch.equal(values, expected[name])
    assert len(encoded.pictures) == 6  # each picture once


def test_the_written_out_form_is_what_the_published_template_gives(
    make_qwen: Callable[..., QwenVL], asked: list[Sample]
) -> None:
    vlm = make_qwen()
    assert vlm.processor.chat_template is None
    written = [vlm.prompt(sample) for sample in asked]
    vlm.processor = dataclasses.replace(vlm.processor, chat_template=TEMPLATE)
    assert [vlm.prompt(sample) for sample in asked] == written
    assert "A. red\nB. green\nC. blue\nD. pink<|im_end|>\n<|im_start|>assistant\n" in written[1]


@pytest.mark.parametrize("model_type", TYPES)
def test_positions_are_the_models_own(
    make_qwen: Callable[..., QwenVL], asked: list[Sample], model_type: str
) -> None:
    vlm = make_qwen(0, model_type)
    encoded = vlm.encode(asked)
    batch = vlm.batch(encoded, range(len(asked)))
    ids, mask = batch.inputs["input_ids"], batch.inputs["attention_mask"]
    pad = vlm.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    expected, _ = vlm.model.model.get_rope_index(
        ids,
        mm_token_type_ids=(ids == pad).int(),
        image_grid_thw=torch.cat(
            [
                vlm.processor.image_processor(
                    [Image.open(io.BytesIO(s.picture.data))], return_tensors="pt"
                )["image_grid_thw"]
                for s in asked
                if s.picture
            ]
        ),
        attention_mask=mask,
    )
    seen = mask.bool()
    assert torch.equal(batch.inputs["position_ids"][:, seen], expected[:, seen])
    assert expected[0].ne(expected[2]).any()  # the axes do differ
    for i, prompt in enumerate(encoded.prompts):
        shown = encoded.pictures[encoded.picture[i]] if encoded.picture[i] >= 0 else None
        own = expected[:, i, seen[i]][:, : len(prompt)]
        assert torch.equal(vlm.prompt_positions(prompt, shown), own)


@pytest.mark.parametrize("model_type", TYPES)
def test_a_training_batch_gives_what_single_questions_give(
    make_qwen: Callable[..., QwenVL], asked: list[Sample], model_type: str
) -> None:
    vlm = make_qwen(0, model_type)
    encoded = vlm.encode(asked)
    with torch.no_grad():
        together, labels = vlm.answer_logits(vlm.batch(encoded, range(len(asked))))
        for i in range(len(asked)):
            alone, own = vlm.answer_logits(vlm.batch(encoded, [i]))
            k = own.shape[1]
            assert torch.equal(labels[i, -k:], own[0])
            torch.testing.assert_close(together[i, -k:], alone[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("model_type", TYPES)
@pytest.mark.parametrize(
    ("targets", "count"),
    [("language.attention", 16), ("language.all", 28), ("language.all+projector", 30)],
)
def test_adapters_find_their_layers(
    make_qwen: Callable[..., QwenVL], model_type: str, targets: str, count: int
) -> None:
    """Four language layers of four attention and three further matrices; two of the picture's projector."""
    vlm = make_qwen(0, model_type)
    attach(vlm, AdapterSettings(r=2, targets=targets), seed=0)
    adapted = [name for name, _ in vlm.model.named_parameters() if "lora_A" in name]
    assert len(adapted) == count
    assert sum("visual" in name for name in adapted) == (2 if count == 30 else 0)


@pytest.mark.parametrize("model_type", TYPES)
def test_a_folder_comes_back_with_its_chat_template(
    make_qwen: Callable[..., QwenVL], asked: list[Sample], tmp_path: Path, model_type: str
) -> None:
    vlm = make_qwen(0, model_type)
    write(vlm, tmp_path)
    again = QwenVL.load(tmp_path)
    assert isinstance(again.processor, QwenProcessor)
    assert again.processor.chat_template is None
    one, other = vlm.encode(asked), again.encode(asked)
    assert one.prompts == other.prompts
    assert one.answers == other.answers
    for mine, theirs in zip(one.pictures, other.pictures, strict=True):
        assert torch.equal(mine["pixel_values"], theirs["pixel_values"])
    batches = [v.batch(e, [0, 2, 3]) for v, e in ((vlm, one), (again, other))]
    with torch.no_grad():
        assert torch.equal(vlm.answer_logits(batches[0])[0], again.answer_logits(batches[1])[0])
    (tmp_path / "chat_template.json").write_text(
        json.dumps({"chat_template": "{{ 'X<|image_pad|>' }}"})
    )
    assert (
        QwenVL.load(tmp_path).prompt(asked[0]) == "X<|image_pad|>"
    )  # as the first releases have it
    (tmp_path / "chat_template.json").unlink()
    (tmp_path / "chat_template.jinja").write_text("{{ 'Y<|image_pad|>' }}")
    assert QwenVL.load(tmp_path).prompt(asked[0]) == "Y<|image_pad|>"
