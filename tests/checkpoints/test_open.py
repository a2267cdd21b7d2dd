"""The base in memory stays what it is, whatever adapters are put on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from uqs.checkpoints.find import Checkpoint
from uqs.checkpoints.open import Models
from uqs.errors import DataError
from uqs.models.vlm import VLM


def sums(vlm: VLM) -> list[float]:
    return [float(parameter.double().abs().sum()) for parameter in vlm.plain_model.parameters()]


@pytest.fixture
def models(base: Path) -> Models:
    models = Models("cpu")
    with models.opened(Checkpoint(base, "model", "base")):
        return models


def adapter(folder: Path, base: Path) -> Checkpoint:
    return Checkpoint(folder, "adapter", "base", base)


def base_sums(models: Models, base: Path) -> list[float]:
    with models.opened(Checkpoint(base, "model", "base")) as vlm:
        return sums(vlm)


def test_an_adapter_is_taken_off_again(models, base, make_adapter, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    before = base_sums(models, base)
    with models.opened(adapter(make_adapter(tmp_path / "a", 1), base)) as vlm:
        assert any("lora_" in name for name, _ in vlm.model.named_parameters())
    assert base_sums(models, base) == before


def test_modules_that_were_saved_whole_do_not_stay_in_the_base(
    models, base, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    from peft import LoraConfig, get_peft_model

    from uqs.models.llava import Llava

    before = base_sums(models, base)
    config = LoraConfig(
        r=2,
        target_modules=Llava.targets["language.attention"],
        modules_to_save=["multi_modal_projector"],
    )
    adapted = get_peft_model(Llava.load(base).model, config)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "modules_to_save" in name:
                parameter.add_(1.0)
    adapted.save_pretrained(str(tmp_path / "a"), save_embedding_layers=False)
    with models.opened(adapter(tmp_path / "a", base)):
        pass
    assert base_sums(models, base) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda name, t: (name, t[:2] if "lora_A" in name else t[:, :2]), "size mismatch"),
        (lambda name, t: None if ".layers.1." in name else (name, t), r"8 missing \(.*layers\.1\."),
        (lambda name, t: (name, t * float("nan")), "NaN"),
    ],
)
def test_half_an_adapter_is_refused_and_leaves_nothing_behind(
    models, base, make_adapter, tmp_path: Path, change, message: str
) -> None:  # type: ignore[no-untyped-def]
    before = base_sums(models, base)
    folder = make_adapter(tmp_path / "a", 1)
    file = folder / "adapter_model.safetensors"
    changed = [change(name, tensor) for name, tensor in load_file(file).items()]
    save_file({one[0]: one[1].contiguous() for one in changed if one}, file)
    with pytest.raises(DataError, match=message), models.opened(adapter(folder, base)):
        pass
    assert base_sums(models, base) == before


def test_adapters_of_other_layouts_find_their_layers(make_qwen, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from peft import LoraConfig, get_peft_model

    from uqs.checkpoints.find import check_adapter, find

    model = make_qwen().model
    model.save_pretrained(tmp_path / "base")
    adapted = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj", "v_proj"]))
    adapted.save_pretrained(str(tmp_path / "a"), save_embedding_layers=False)
    about = tmp_path / "a" / "adapter_config.json"
    config = json.loads(about.read_text()) | {"base_model_name_or_path": "../base"}
    about.write_text(json.dumps(config))
    check_adapter(find(tmp_path / "a"))
