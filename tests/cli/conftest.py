"""The real command line in this process, and something to call it on."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from uqs.cli import main

DATA = Path(__file__).parents[2] / "src/uqs/benchmarks/tiny/unlok_vqa"


@dataclass(frozen=True)
class Said:
    """How a call ended."""

    code: int
    out: str
    err: str


Uqs = Callable[..., Said]
MakeAdapter = Callable[[Path, int], Path]


@pytest.fixture
def uqs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Uqs:
    """`uqs ARGUMENTS`, as the console script calls it."""
    monkeypatch.setenv("UQS_CACHE", str(tmp_path / "cache"))

    def call(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["uqs", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """UnLOK-VQA with 44 pictures: of 20 forgotten, 20 held out and 4 retained countries."""
    folder = tmp_path_factory.mktemp("unlok")
    records = json.loads((DATA / "unlok_vqa.json").read_text())
    chosen = sorted({str(record["image_id"]) for record in records})[:44]
    some = [record for record in records if str(record["image_id"]) in chosen]
    (folder / "unlok_vqa.json").write_text(json.dumps(some))
    (folder / "images").mkdir()
    for name in chosen:
        shutil.copy(DATA / "images" / f"{name}.png", folder / "images")
    return f"unlok_vqa:{folder}"


@pytest.fixture(scope="session")
def make_adapter() -> MakeAdapter:
    """An adapter of the shipped base, its factors drawn from a seed."""

    def make(folder: Path, seed: int) -> Path:
        import torch

        from uqs.models.adapter import attach
        from uqs.models.llava import Llava
        from uqs.models.settings import BASES, AdapterSettings

        vlm = Llava.load(BASES["tiny_llava"])
        attach(vlm, AdapterSettings(r=4, alpha=8.0, targets="language.attention"), seed=seed)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in vlm.model.parameters():
                if parameter.requires_grad:
                    parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
        vlm.model.save_pretrained(str(folder), save_embedding_layers=False)
        about = folder / "adapter_config.json"
        config = json.loads(about.read_text())
        about.write_text(json.dumps(config | {"base_model_name_or_path": str(BASES["tiny_llava"])}))
        return folder

    return make
