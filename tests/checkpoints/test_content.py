from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from uqs.checkpoints.content import content_hash, same_weights

WEIGHTS = "model.safetensors"


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


def resharded(base: Path, folder: Path) -> Path:
    """The same weights in two files, with an index, as transformers divides large models."""
    shutil.copytree(base, folder)
    tensors = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    names = sorted(tensors)
    shards = {"model-1.safetensors": names[:20], "model-2.safetensors": names[20:]}
    for file, part in shards.items():
        save_file({name: tensors[name] for name in part}, folder / file, metadata={"format": "pt"})
    index = {"weight_map": {name: file for file, part in shards.items() for name in part}}
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps(index))
    return folder


def test_weights_are_the_same_however_they_are_divided_and_named(base, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    shards = resharded(base, tmp_path / "shards")
    assert same_weights(base, shards)
    shutil.copytree(base, tmp_path / "older")
    older = {
        name.replace("vision_tower.", "vision_tower.vision_model."): tensor
        for name, tensor in load_file(base / WEIGHTS).items()
    }
    older["vision_tower.vision_model.embeddings.position_ids"] = torch.arange(5)
    save_file(older, tmp_path / "older" / WEIGHTS)
    assert same_weights(shards, tmp_path / "older")


def test_one_bit_makes_other_weights(base, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    shards = resharded(base, tmp_path / "shards")
    tensors = load_file(shards / "model-2.safetensors")
    last = sorted(tensors)[-1]
    tensors[last].view(torch.int32).reshape(-1)[-1] ^= 1
    save_file(tensors, shards / "model-2.safetensors")
    assert not same_weights(base, shards)
    tensors.pop(last)
    save_file(tensors, shards / "model-2.safetensors")
    assert not same_weights(base, shards)
