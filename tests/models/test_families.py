from __future__ import annotations

import json
from pathlib import Path

import pytest

from uqs.errors import DataError, UserError
from uqs.models.blip2 import Blip2
from uqs.models.families import base_folder, family_of
from uqs.models.generic import Generic
from uqs.models.idefics3 import Idefics3
from uqs.models.llava import Llava
from uqs.models.qwen_vl import QwenVL
from uqs.models.settings import BASES
from uqs.models.text_lm import TextLM


@pytest.mark.parametrize(
    ("model_type", "family"),
    [
        ("llava", Llava),
        ("blip-2", Blip2),
        ("qwen2_vl", QwenVL),
        ("qwen2_5_vl", QwenVL),
        ("smolvlm", Idefics3),
        ("llama", TextLM),
        ("gemma3", Generic),  # declared by no family, and opened by transformers' convention
    ],
)
def test_a_folders_family_is_in_its_configuration(
    tmp_path: Path, model_type: str, family: type
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    assert family_of(tmp_path) is family


def test_the_tiny_base_is_a_llava() -> None:
    assert family_of(BASES["tiny_llava"]) is Llava


def test_an_unknown_type_names_file_field_and_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(
        DataError,
        match=r"config\.json, field 'model_type': no model family serves 'bert'; "
        r"known: blip-2, gemma, ",
    ):
        family_of(tmp_path)


def test_a_folder_without_a_readable_configuration_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"config\.json: there is no model configuration"):
        family_of(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(DataError, match=r"config\.json: no model configuration can be read \("):
        family_of(tmp_path)


def test_studies_train_families_that_ship_a_base() -> None:
    assert base_folder("tiny_llava") == BASES["tiny_llava"]
    with pytest.raises(UserError, match=r"'llava' ships no base.*with a base: tiny_llava"):
        base_folder("llava")
    with pytest.raises(UserError, match="did you mean 'llava'"):
        base_folder("llavva")
