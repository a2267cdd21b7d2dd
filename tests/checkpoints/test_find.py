from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from uqs.checkpoints.find import check_adapter, content_hash, find
from uqs.errors import DataError, UserError


def test_a_model_and_an_adapter_are_told_apart(base, make_adapter, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    adapter = make_adapter(tmp_path / "a", 1)
    assert find(base).kind == "model"
    found = find(str(adapter))
    assert (found.kind, found.base, found.start) == ("adapter", base, base)
    check_adapter(found)


def test_a_base_beside_the_adapter_is_found(base, make_adapter, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    shutil.copytree(base, tmp_path / "base")
    adapter = make_adapter(tmp_path / "a", 1)
    rename_base(adapter, "../base")
    assert find(adapter).base == tmp_path / "base"


def rename_base(adapter: Path, name: str) -> None:
    about = adapter / "adapter_config.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"base_model_name_or_path": name}))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path / "nothing", "no folder"),
        (lambda path: path, "holds none of config.json"),
    ],
)
def test_what_is_no_checkpoint_is_named(tmp_path: Path, make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match=message):
        find(make(tmp_path))


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(DataError, match="no weights in safetensors"):
        find(tmp_path)


def test_a_base_that_is_not_there_is_named(make_adapter, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    adapter = make_adapter(tmp_path / "a", 1)
    rename_base(adapter, "/not/here")
    with pytest.raises(DataError, match=r"'base_model_name_or_path'.*--base"):
        find(adapter)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda name, tensor: (name.replace("layers.0", "layers.7"), tensor), "does not have"),
        (lambda name, tensor: (name, torch.zeros(tensor.shape[0] + 1, tensor.shape[1] + 1)), "128"),
    ],
)
def test_factors_of_another_base_are_named(make_adapter, tmp_path: Path, change, message) -> None:  # type: ignore[no-untyped-def]
    adapter = make_adapter(tmp_path / "a", 1)
    file = adapter / "adapter_model.safetensors"
    save_file(dict(change(name, tensor) for name, tensor in load_file(file).items()), file)
    with pytest.raises(DataError, match=rf"adapter_model.*lora_.*{message}.*another base"):
        check_adapter(find(adapter))


def test_the_hash_is_of_contents(tmp_path: Path) -> None:
    known = tmp_path / "cache" / "hashes.json"
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "w.safetensors").write_bytes(b"weights")
    first = content_hash(tmp_path / "a", (".safetensors",), known)
    assert first == content_hash(tmp_path / "b", (".safetensors",), known)
    assert first == content_hash(tmp_path / "a", (".safetensors",))
    assert len(json.loads(known.read_text())) == 2
    (tmp_path / "a" / "w.safetensors").write_bytes(b"other weights")
    assert first != content_hash(tmp_path / "a", (".safetensors",), known)
