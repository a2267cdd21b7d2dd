"""docs/adding_a_method.md is a working example: its blocks are run as they stand."""

from __future__ import annotations

import math
import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from uqs import registry
from uqs.cli import main
from uqs.methods.base import Method, Step
from uqs.methods.cards.look_up import method_card
from uqs.methods.unlearn import Seeds, unlearn
from uqs.models import adapter
from uqs.models.llava import Llava
from uqs.models.settings import BASES, AdapterSettings

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "adding_a_method.md").read_text()
DATA = ROOT / "src/uqs/benchmarks/tiny/mllmu_bench"
NAME = "my_method.py:MaximumEntropy"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder: the guide's file, an original, and data."""
    (tmp_path / "my_method.py").write_text(blocks("python")[0])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UQS_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def original(here: Path) -> Path:
    vlm = Llava.load(BASES["tiny_llava"])
    adapter.attach(vlm, AdapterSettings(r=4, targets="language.all"), seed=0)
    vlm.model.save_pretrained(str(here / "M0"), save_embedding_layers=False)
    shutil.copytree(DATA, here / "DATA")
    return here / "M0"


@pytest.fixture
def method(here: Path) -> Any:
    return registry.get("method", NAME)


def test_the_loss_is_what_its_card_says(
    method, memorised, halves, drawn, plain_log_probs, plain_loss
) -> None:  # type: ignore[no-untyped-def]
    vlm = memorised()
    for weight in (0.1, 2.0):
        made: Method = method(method.card.settings(forget_weight=weight, batch_size=4))
        streams = made.streams(vlm, halves, torch.Generator())
        forget, retain = [0, 3, 8], [1, 2]
        batches = drawn(vlm, streams, forget=forget, retain=retain)
        with torch.no_grad():
            divergences = [
                # KL(uniform || p) = -log V - mean of log p
                -math.log(len(row)) - float(row.mean())
                for rows in plain_log_probs(vlm, streams["forget"].encoded, forget)
                for row in rows
            ]
            found = float(made.loss(vlm, batches, Step(0, 1)))
        expected = weight * sum(divergences) / len(divergences)
        expected += plain_loss(vlm, streams["retain"].encoded, retain)
        assert found == pytest.approx(expected, rel=1e-4)


def test_it_unlearns(method, memorised, halves, plain_loss) -> None:  # type: ignore[no-untyped-def]
    vlm = memorised()
    encoded = {name: vlm.encode(split.samples) for name, split in halves.items()}
    before = {name: plain_loss(vlm, one, range(9)) for name, one in encoded.items()}
    settings = method.card.settings(steps=20, lr=5e-3, batch_size=9, forget_weight=0.5)
    training = unlearn(vlm, method(settings), halves, Seeds(0, 0))
    assert training.collapse is None
    after = {name: plain_loss(vlm, one, range(9)) for name, one in encoded.items()}
    assert after["forget"] > before["forget"] + 1
    assert after["retain"] < before["retain"] + 0.3


def test_it_runs_from_the_command_line(
    here: Path,
    original: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (command,) = blocks("sh")
    monkeypatch.setattr(sys, "argv", shlex.split(command))
    with pytest.raises(SystemExit) as left:
        main()
    printed = capsys.readouterr()
    assert left.value.code == 0, printed.err
    assert "maximum_entropy: 20 of 20 steps" in printed.out
    files = {path.name for path in (here / "RUNS" / "flat").iterdir()}
    assert files == {"adapter_config.json", "adapter_model.safetensors", "unlearning.json"}


def test_it_runs_from_python(
    here: Path, original: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, call = blocks("python")
    exec(compile(call, "guide", "exec"), {})  # noqa: S102
    losses, collapse = capsys.readouterr().out.rsplit("]", 1)
    assert losses.count(",") == 1
    assert collapse.strip() == "None"
    assert (here / "RUNS" / "flat-again" / "unlearning.json").is_file()


@pytest.fixture
def installed(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The guide's file in a package with the guide's entry point, as pip would put it."""
    (text,) = blocks("toml")
    about = here / "my_method-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my_method\nVersion: 1.0\n")
    lines = []
    for group, points in tomllib.loads(text)["project"]["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {place}" for name, place in points.items())]
    (about / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(here)
    registry.names.cache_clear()
    yield
    registry.names.cache_clear()
    sys.modules.pop("my_method", None)


def test_it_is_found_in_a_package(installed: None, method: Any) -> None:
    found = registry.get("method", "maximum_entropy")
    assert found.__module__ == "my_method"
    assert found.card == method_card("maximum_entropy")
    assert found.card.loss == method.card.loss


def test_every_file_that_the_guide_names_is_there() -> None:
    folder = ROOT / "src" / "uqs"
    named = re.findall(r"`(methods/\w+\.py|registry\.py)`", GUIDE)
    assert len(named) >= 3
    assert all((folder / name).is_file() for name in named)
    for link in re.findall(r"\]\(([\w.]+)\)", GUIDE):
        assert (ROOT / "docs" / link).is_file()
    for fixture in ("table", "plain_log_probs", "memorised"):
        assert f"def {fixture}(" in (ROOT / "tests/methods/conftest.py").read_text()
