from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from uqs.checkpoints.content import same_weights
from uqs.checkpoints.find import check_adapter, find
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


def convert(problem: DataError, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the program that an error names, in a model's folder."""
    program = re.search(r'python -c "(.*)" in its folder', str(problem))
    assert program is not None
    monkeypatch.chdir(folder)
    exec(program[1], {})  # noqa: S102  it is our own line


def test_pickled_weights_are_refused_and_the_line_converts_them(  # type: ignore[no-untyped-def]
    base, tmp_path: Path, monkeypatch
) -> None:
    odd = tmp_path / "odd"
    shutil.copytree(base, odd)
    torch.save(load_file(odd / "model.safetensors"), odd / "pytorch_model.bin")
    (odd / "model.safetensors").unlink()
    with pytest.raises(DataError, match="no weights in safetensors; pickled") as e:
        find(odd)
    convert(e.value, odd, monkeypatch)
    assert same_weights(find(odd).folder, base)


def test_a_pickled_adapter_is_refused_and_the_line_converts_it(  # type: ignore[no-untyped-def]
    make_adapter, tmp_path: Path, monkeypatch
) -> None:
    adapter = make_adapter(tmp_path / "a", 1)
    file = adapter / "adapter_model.safetensors"
    before = load_file(file)
    torch.save(before, adapter / "adapter_model.bin")
    file.unlink()
    with pytest.raises(DataError, match=r"holds no adapter_model\.safetensors; pickled") as caught:
        find(adapter)
    convert(caught.value, adapter, monkeypatch)
    assert find(adapter).kind == "adapter"
    assert all(torch.equal(tensor, before[name]) for name, tensor in load_file(file).items())


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_git_lfs_pointer_is_named(base, tmp_path: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    odd = tmp_path / "odd"
    shutil.copytree(base, odd)
    assert find(odd).kind == "model"
    (odd / name).write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 4242\n"
    )
    with pytest.raises(
        DataError, match=rf"^{odd}/{name}: is a Git LFS pointer; run `git lfs pull`"
    ):
        find(odd)


def test_a_base_with_the_name_of_a_hub_id_is_a_folder_first(  # type: ignore[no-untyped-def]
    base, make_adapter, tmp_path: Path, monkeypatch, nothing_fetched
) -> None:
    adapter = make_adapter(tmp_path / "a", 1)
    rename_base(adapter, "models/llava")
    shutil.copytree(base, tmp_path / "models" / "llava")
    monkeypatch.chdir(tmp_path)
    assert find(adapter).base == tmp_path / "models" / "llava"
    assert find("models/llava").folder == tmp_path / "models" / "llava"
    with pytest.raises(UserError, match=r"^no folder 'models/lava'; .*models is a folder here"):
        find("models/lava")


def test_the_base_that_an_adapter_names_is_not_fetched(  # type: ignore[no-untyped-def]
    base, make_adapter, tmp_path: Path, nothing_fetched
) -> None:
    adapter = make_adapter(tmp_path / "a", 1)
    rename_base(adapter, "someone/llava")
    with pytest.raises(DataError, match=r"not fetched before; .*--base someone/llava$"):
        find(adapter)
    commit = "0" * 40  # as the hub's client keeps what it has fetched
    at = tmp_path / "hub" / "models--someone--llava"
    shutil.copytree(base, at / "snapshots" / commit)
    (at / "refs").mkdir()
    (at / "refs" / "main").write_text(commit)
    found = find(adapter)
    assert found.title == "someone/llava"
    assert same_weights(found.start, base)


def test_a_hub_id_without_a_network_is_one_line(nothing_fetched: None) -> None:
    with pytest.raises(
        UserError, match=r"^no folder 'someone/model', and the hub does not"
    ) as caught:
        find("someone/model")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "status", "code", "said"),
    [
        ("a/gated", 403, "GatedRepo", "^the hub's 'a/gated' asks for its terms to be accepted"),
        ("a/b@old", 404, "RevisionNotFound", "^the hub's 'a/b' has no revision 'old'$"),
        ("a/none", 404, "RepoNotFound", "^no folder 'a/none', and the hub has no such model"),
    ],
)
def test_what_the_hub_refuses_is_one_line(  # type: ignore[no-untyped-def]
    hub_answers, name: str, status: int, code: str, said: str
) -> None:
    hub_answers(status, code)
    with pytest.raises(UserError, match=said):
        find(name)


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
