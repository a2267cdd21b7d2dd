"""Folders whose processors lack what newer ones have give the numbers of complete ones, or one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from uqs.errors import DataError
from uqs.models import processors
from uqs.models.families import family_of

Change = Callable[[Path], None]
PROCESSOR, PICTURES, CONFIG = "processor_config.json", "preprocessor_config.json", "config.json"


def written(vlm: Any, folder: Path) -> Path:
    vlm.model.save_pretrained(folder)
    vlm.processor.save_pretrained(folder)
    return folder


def without(file: str, *fields: str) -> Change:
    def change(folder: Path) -> None:
        about = json.loads((folder / file).read_text())
        for field in fields:
            del about[field]
        (folder / file).write_text(json.dumps(about))

    return change


def as_before_4_45(folder: Path) -> None:
    """A picture processor's file alone, without what the processor itself knows since then."""
    about = json.loads((folder / PROCESSOR).read_text())
    kept = {**about["image_processor"], "processor_class": about["processor_class"]}
    kept["image_processor_type"] = kept["image_processor_type"].removesuffix("Pil")
    (folder / PICTURES).write_text(json.dumps(kept))
    (folder / PROCESSOR).unlink()


def both(*changes: Change) -> Change:
    def change(folder: Path) -> None:
        for one in changes:
            one(folder)

    return change


def logits(folder: Path, samples: list[Any], processor: Path | None = None) -> Tensor:
    vlm = family_of(folder).load(folder, processor)
    with torch.no_grad():
        return vlm.answer_logits(vlm.batch(vlm.encode(samples), range(4)))[0]


@pytest.mark.parametrize(
    ("family", "change"),
    [
        ("llava", without(PROCESSOR, "patch_size")),
        ("llava", without(PROCESSOR, "vision_feature_select_strategy")),
        ("llava", without(PROCESSOR, "num_additional_image_tokens")),
        ("llava", as_before_4_45),
        ("blip2", without(PROCESSOR, "num_query_tokens")),
        ("blip2", without(CONFIG, "image_token_index")),
        ("blip2", both(as_before_4_45, without(CONFIG, "image_token_index"))),
    ],
)
def test_what_a_processor_lacks_is_in_the_model(  # type: ignore[no-untyped-def]
    make_vlm, make_blip2, samples, tmp_path: Path, family: str, change: Change
) -> None:
    good = written(make_vlm() if family == "llava" else make_blip2(), tmp_path / "good")
    shutil.copytree(good, tmp_path / "odd")
    change(tmp_path / "odd")
    wanted = logits(good, samples)
    assert wanted.isfinite().all()
    assert torch.equal(logits(tmp_path / "odd", samples), wanted)


def test_a_tower_without_a_first_token_has_one_token_less(make_vlm, samples, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """A SigLIP tower gives its patches alone, and all of them are features."""
    from transformers import LlavaForConditionalGeneration, SiglipVisionConfig

    vlm = make_vlm()
    config = vlm.model.config
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1}
    config.vision_config = SiglipVisionConfig(
        **size, image_size=32, patch_size=16, num_attention_heads=2
    )
    config.vision_feature_select_strategy = "full"
    vlm.model = LlavaForConditionalGeneration(config).eval()
    assert logits(written(vlm, tmp_path / "m"), samples).isfinite().all()


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ((PROCESSOR, PICTURES), r"holds no picture processor: none of preprocessor_config\.json"),
        (("tokenizer.json", "tokenizer_config.json"), r"holds no tokenizer: none of tokenizer\.js"),
    ],
)
def test_a_folder_without_a_processor_says_what_to_add(  # type: ignore[no-untyped-def]
    make_vlm, samples, tmp_path: Path, lost: tuple[str, ...], said: str
) -> None:
    good = written(make_vlm(), tmp_path / "good")
    shutil.copytree(good, tmp_path / "odd")
    for name in lost:
        (tmp_path / "odd" / name).unlink(missing_ok=True)
    with pytest.raises(DataError, match=rf"^{tmp_path}/odd: {said}.*--processor") as caught:
        logits(tmp_path / "odd", samples)
    assert "\n" not in str(caught.value)
    assert torch.equal(logits(tmp_path / "odd", samples, good), logits(good, samples))


def test_a_processor_of_another_model_is_refused(  # type: ignore[no-untyped-def]
    make_vlm, make_qwen, samples, tmp_path: Path
) -> None:
    good = written(make_vlm(), tmp_path / "good")
    qwen = make_qwen()
    qwen.processor.tokenizer.save_pretrained(tmp_path / "qwen")
    qwen.processor.image_processor.save_pretrained(tmp_path / "qwen")
    with pytest.raises(DataError, match=r"^\S+/qwen: its tokenizer has tokens") as caught:
        logits(good, samples, tmp_path / "qwen")
    assert "\n" not in str(caught.value)
    shutil.copytree(good, tmp_path / "odd")
    about = json.loads((tmp_path / "odd" / CONFIG).read_text())
    about["image_token_index"] += 1
    (tmp_path / "odd" / CONFIG).write_text(json.dumps(about))
    with pytest.raises(DataError, match=r"is the processor of another model: .* '<image>', is tok"):
        logits(tmp_path / "odd", samples)


def test_pictures_are_resized_by_pillow(make_vlm, make_blip2, make_qwen, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Whatever else is installed; the values are Pillow's own, by hand."""
    makers = {"llava": make_vlm, "blip2": make_blip2, "qwen": make_qwen}
    for name, make in makers.items():
        made = make().processor
        made.tokenizer.save_pretrained(tmp_path / name)
        made.image_processor.save_pretrained(tmp_path / name)
        found = processors.picture_processor(tmp_path / name, local=True)
        assert type(found).__name__.endswith("Pil")
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 50, 3), dtype=np.uint8))
    clip = processors.picture_processor(tmp_path / "llava", local=True)
    resized = picture.resize((int(50 * 32 / 9), 32), Image.Resampling.BICUBIC)
    left = (resized.width - 32) // 2
    cut = np.asarray(resized.crop((left, 0, left + 32, 32))) / 255
    wanted = ((cut - clip.image_mean) / clip.image_std).transpose(2, 0, 1)
    np.testing.assert_allclose(clip([picture])["pixel_values"][0], wanted, atol=1e-5)
