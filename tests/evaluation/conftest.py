"""A small benchmark and checkpoints on the shipped base: adapters moved at random."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from uqs.models.settings import BASES, AdapterSettings

DATA = Path(__file__).parents[2] / "src/uqs/benchmarks/tiny/unlok_vqa"
MakeAdapter = Callable[..., Path]


@pytest.fixture(scope="module", autouse=True)
def ignorant_originals() -> Iterator[None]:
    """Adapters moved at random know nothing; what is said of such originals has tests of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("uqs.metrics.baseline.LIMIT", 0.0)
        yield


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """UnLOK-VQA with 44 pictures: 20 forgotten, 20 held out, 4 retained."""
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
def base() -> Path:
    return BASES["tiny_llava"]


@pytest.fixture(scope="session")
def make_adapter(base: Path) -> MakeAdapter:
    """An adapter of the base, its factors drawn from `seed`."""
    from uqs.models.adapter import attach
    from uqs.models.llava import Llava

    def make(folder: Path, seed: int, scale: float = 0.02, of: Path = base) -> Path:
        vlm = Llava.load(of)
        attach(vlm, AdapterSettings(r=4, alpha=8.0, targets="language.attention"), seed=seed)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in vlm.model.parameters():
                if parameter.requires_grad:
                    parameter.add_(scale * torch.randn(parameter.shape, generator=generator))
        vlm.model.save_pretrained(str(folder), save_embedding_layers=False)
        about = folder / "adapter_config.json"
        config = json.loads(about.read_text())
        about.write_text(json.dumps(config | {"base_model_name_or_path": str(of)}))
        return folder

    return make
