from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from uqs.errors import UserError
from uqs.models.adapter import attach
from uqs.models.blip2 import Blip2
from uqs.models.settings import AdapterSettings
from uqs.records import Sample


def test_encoding_equals_the_processors_own(
    make_blip2: Callable[..., Blip2], samples: list[Sample]
) -> None:
    vlm = make_blip2()
    encoded = vlm.encode(samples)
    for i, sample in enumerate(samples):
        images = [Image.open(io.BytesIO(sample.picture.data))] if sample.picture else None
        expected = vlm.processor(text=vlm.prompt(sample), images=images, return_tensors="pt")
        assert list(encoded.prompts[i]) == expected["input_ids"][0].tolist()
        if images:
            assert torch.equal(encoded.shown([i])["pixel_values"], expected["pixel_values"])
    assert vlm.prompt(samples[0]) == "Question: What colour is it? Answer:"


def test_a_training_batch_gives_what_the_model_itself_gives(
    make_blip2: Callable[..., Blip2], samples: list[Sample]
) -> None:
    """Pictures and questions without one in a batch, against transformers' own forward pass."""
    vlm = make_blip2()
    encoded = vlm.encode(samples)
    with torch.no_grad():
        together, labels = vlm.answer_logits(vlm.batch(encoded, range(len(samples))))
        for i in range(len(samples)):
            ids = torch.tensor([encoded.prompts[i] + encoded.answers[i]])
            shown = encoded.shown([i])
            out = (vlm.model if shown else vlm.model.language_model)(input_ids=ids, **shown)
            k = len(encoded.answers[i])
            assert tuple(labels[i, -k:].tolist()) == encoded.answers[i]
            torch.testing.assert_close(
                together[i, -k:], out.logits[0, -k - 1 : -1], atol=1e-5, rtol=1e-5
            )


@pytest.mark.parametrize(
    ("targets", "count"),
    [("language.attention", 16), ("language.all", 24), ("language.all+projector", 25)],
)
def test_adapters_find_their_layers(
    make_blip2: Callable[..., Blip2], targets: str, count: int
) -> None:
    """Four language layers of four attention and two further matrices; the picture's projection."""
    vlm = make_blip2()
    attach(vlm, AdapterSettings(r=2, targets=targets), seed=0)
    adapted = [name for name, _ in vlm.model.named_parameters() if "lora_A" in name]
    assert len(adapted) == count
    assert not any("qformer" in name or "vision" in name for name in adapted)


def test_a_folder_comes_back(
    make_blip2: Callable[..., Blip2], samples: list[Sample], tmp_path: Path
) -> None:
    vlm = make_blip2()
    vlm.model.save_pretrained(tmp_path)
    vlm.processor.save_pretrained(tmp_path)
    again = Blip2.load(tmp_path)
    found = []
    for one in (vlm, again):
        batch = one.batch(one.encode(samples), [0, 2, 3])
        with torch.no_grad():
            found.append(one.answer_logits(batch)[0])
    assert torch.equal(*found)


def test_another_kind_of_language_model_is_an_error(make_blip2: Callable[..., Blip2]) -> None:
    vlm = make_blip2()
    vlm.model.config.text_config.model_type = "t5"
    with pytest.raises(UserError, match="blip2 on 't5': its language model must be opt"):
        Blip2(vlm.model, vlm.processor)
