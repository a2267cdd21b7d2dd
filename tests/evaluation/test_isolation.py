"""Adapters of every kind on one base: each model's rows are what they are alone, in any order."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import uqs
from uqs import benchmarks, computation
from uqs.checkpoints.find import Checkpoint
from uqs.checkpoints.open import Models
from uqs.models.fingerprint import fingerprint
from uqs.models.llava import Llava
from uqs.models.weight_files import ADAPTER, ADAPTER_CONFIG
from uqs.records import Benchmark, Split
from uqs.traces.settings import TraceSettings

SETTINGS = TraceSettings(max_new_tokens=2, batch_size=200)
METRICS = ("FA", "RA", "MIA_AUC", "PPL", "JS")
KINDS: Mapping[str, dict[str, Any]] = {
    "pissa": {"init_lora_weights": "pissa"},
    "olora": {"init_lora_weights": "olora"},
    "loftq": {"init_lora_weights": "loftq", "loftq_config": {"loftq_bits": 4, "loftq_iter": 1}},
    "dora": {"use_dora": True},
    "rslora": {"use_rslora": True},
    "fresh": {},
    "saved": {"modules_to_save": ["multi_modal_projector"]},
    "vision": {"target_modules": ["q_proj", "v_proj", "fc1"]},
    "biases": {"bias": "all"},
    "tokens": {"trainable_token_indices": [5, 6]},
}


def rounded(
    weight: Tensor, num_bits: int, reduced_rank: int, num_iter: int
) -> tuple[Tensor, Tensor, Tensor]:
    """LoftQ's start with rounding in place of bitsandbytes: a coarse weight, and factors of what is left."""
    del num_iter
    step = weight.detach().abs().max() / 2 ** (num_bits - 1)
    coarse = (weight.detach() / step).round() * step
    left, values, right = torch.linalg.svd(weight.detach() - coarse, full_matrices=False)
    root = values[:reduced_rank].sqrt()
    return coarse, root[:, None] * right[:reduced_rank], left[:, :reduced_rank] * root


def load_a_part(spec: str) -> Benchmark:
    """Four questions of each split of a benchmark."""
    whole = benchmarks.load(spec)
    parts = {name: Split(name, split.samples[:4]) for name, split in whole.evaluate.items()}
    return replace(whole, evaluate=parts)


@pytest.fixture(scope="module", autouse=True)
def small_and_without_bitsandbytes() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("peft.tuners.lora.layer.loftq_init", rounded)
        patch.setattr("uqs.evaluation.plan.load_benchmark", load_a_part)
        yield


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> str:
    """UnLOK-VQA with one question to each of 44 pictures: 20 forgotten, 20 held out, 4 retained."""
    data = Path(benchmarks.__file__).parent / "tiny" / "unlok_vqa"
    folder = tmp_path_factory.mktemp("few")
    records = json.loads((data / "unlok_vqa.json").read_text())
    first = {str(record["image_id"]): record for record in reversed(records)}
    chosen = sorted(first)[:44]
    (folder / "unlok_vqa.json").write_text(json.dumps([first[name] for name in chosen]))
    (folder / "images").mkdir()
    for name in chosen:
        shutil.copy(data / "images" / f"{name}.png", folder / "images")
    return f"unlok_vqa:{folder}"


@pytest.fixture(scope="module")
def kinds(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An adapter of each kind; all but `fresh`, which changes nothing, were moved at random."""
    from peft import LoraConfig, get_peft_model

    top = tmp_path_factory.mktemp("kinds")
    for seed, (name, settings) in enumerate(KINDS.items()):
        usual = {"r": 4, "lora_alpha": 8, "target_modules": Llava.targets["language.attention"]}
        adapted = get_peft_model(Llava.load(base).model, LoraConfig(**(usual | settings)))
        folder, generator = top / name, torch.Generator().manual_seed(seed)
        adapted.save_pretrained(str(folder), save_embedding_layers=False)
        tensors = load_file(folder / ADAPTER)
        moved = {
            key: tensor + 0.02 * torch.randn(tensor.shape, generator=generator)
            for key, tensor in tensors.items()
        }
        save_file(tensors if name == "fresh" else moved, folder / ADAPTER)
        about = folder / ADAPTER_CONFIG
        config = json.loads(about.read_text()) | {"base_model_name_or_path": str(base)}
        about.write_text(json.dumps(config))
    return {name: top / name for name in KINDS}


Rows = dict[str, list[dict[str, Any]]]


def measured(
    base: Path, few: str, kinds: Mapping[str, Path], names: Sequence[str], cache: Path
) -> Rows:
    """The rows of each model, but for the time they took."""
    found = uqs.measure(
        base,
        [f"{name}={kinds[name]}" for name in names],
        few,
        metrics=METRICS,
        settings=SETTINGS,
        cache=cache,
    )
    assert not found.failures
    rows: Rows = {}
    for row in found.rows:
        rows.setdefault(row.method, []).append(asdict(row) | {"seconds": 0.0})
    values: Rows = {}
    for one in found.samples:
        values.setdefault(one.method, []).append(asdict(one))
    return {name: rows[name] + values[name] for name in rows}


@pytest.fixture(scope="module")
def alone(base, few, kinds, tmp_path_factory) -> Rows:  # type: ignore[no-untyped-def]
    top = tmp_path_factory.mktemp("alone")
    measured(base, few, kinds, [], top / "original")
    found = {}
    for name in NAMES:
        shutil.copytree(top / "original", top / name)
        found |= {name: measured(base, few, kinds, [name], top / name)[name]}
    return found


NAMES = ["pissa", "fresh", "olora", "saved", "vision", "loftq", "dora", "rslora"]
ORDERS = [NAMES, NAMES[::-1], random.Random(3).sample(NAMES, len(NAMES))]


@pytest.mark.parametrize("order", ORDERS, ids=["forward", "reverse", "shuffled"])
def test_rows_are_those_of_each_model_alone(  # type: ignore[no-untyped-def]
    base, few, kinds, alone, tmp_path: Path, order: list[str]
) -> None:
    together = measured(base, few, kinds, order, tmp_path)
    for name in order:
        assert together[name] == alone[name], name
    # and the cache has kept the same
    for name in order[-2:]:
        assert measured(base, few, kinds, [name], tmp_path)[name] == alone[name], name


def test_a_fresh_adapter_is_its_base_whatever_came_before(base, few, kinds, tmp_path) -> None:  # type: ignore[no-untyped-def]
    rows = measured(base, few, kinds, ["pissa", "fresh"], tmp_path)
    named = {
        (name, row["split"], row["metric"]): row["value"]
        for name in ("original", "pissa", "fresh")
        for row in rows[name]
        if row["metric"] == "PPL" and "id" not in row
    }
    splits = {split for _, split, _ in named}
    assert splits
    for split in splits:
        original, fresh, pissa = (named[n, split, "PPL"] for n in ("original", "fresh", "pissa"))
        assert fresh == pytest.approx(original, rel=1e-5)
        assert abs(pissa / original - 1) > 1e-2


def test_what_is_opened_is_what_peft_makes_on_a_fresh_base(base, kinds) -> None:  # type: ignore[no-untyped-def]
    from peft import PeftModel

    models = Models("cpu")
    for name in [*ORDERS[2], "biases", "fresh", "tokens", "fresh"]:
        wanted = PeftModel.from_pretrained(Llava.load(base).model, kinds[name]).state_dict()
        with models.opened(Checkpoint(kinds[name], "adapter", "base", base)) as vlm:
            found = vlm.model.state_dict()
            assert found.keys() == wanted.keys()
            # the same operations on the same processor
            assert all(torch.equal(found[key], wanted[key]) for key in wanted), name


def test_a_base_is_loaded_again_only_where_it_was_changed(base, kinds, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    loads, load = [], Llava.load

    def counted(*arguments: Any, **more: Any) -> Any:
        loads.append(arguments)
        return load(*arguments, **more)

    monkeypatch.setattr(Llava, "load", counted)
    models = Models("cpu")
    for name in ("fresh", "dora", "rslora", "tokens", "fresh"):
        with models.opened(Checkpoint(kinds[name], "adapter", "base", base)):
            pass
    assert len(loads) == 1
    for name in ("pissa", "fresh", "olora", "fresh", "saved", "fresh"):
        with models.opened(Checkpoint(kinds[name], "adapter", "base", base)):
            pass
    assert len(loads) == 4


def test_a_whole_model_that_was_changed_in_use_is_loaded_again(base) -> None:  # type: ignore[no-untyped-def]
    models, checkpoint = Models("cpu"), Checkpoint(base, "model", "base")
    with models.opened(checkpoint) as vlm:
        before = fingerprint(vlm.model)
        vlm.model.lm_head.weight.data[0, 0] += 1
    with models.opened(checkpoint) as vlm:
        assert fingerprint(vlm.model) == before


def test_traces_of_other_code_are_not_used(base, few, kinds, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    first = measured(base, few, kinds, ["rslora"], tmp_path)
    for file in tmp_path.rglob("*.safetensors"):
        arrays = load_file(file)
        arrays["gold_log_probs"] -= 1.0  # a poisoned cache
        save_file(arrays, file)
    poisoned = measured(base, few, kinds, ["rslora"], tmp_path)
    assert poisoned != first
    monkeypatch.setitem(computation.CODE, "tracing", 99)
    assert measured(base, few, kinds, ["rslora"], tmp_path) == first


def test_traces_of_a_rewritten_base_are_kept_by_what_was_in_memory(  # type: ignore[no-untyped-def]
    base, few, kinds, tmp_path, monkeypatch
) -> None:
    """Another processor makes other last bits of an SVD out of the same files."""
    first = measured(base, few, kinds, ["pissa", "fresh"], tmp_path)
    svd = torch.linalg.svd

    def otherwise(*arguments: Any, **more: Any) -> Any:
        left, values, right = svd(*arguments, **more)
        return left, values * 1.5, right

    monkeypatch.setattr(torch.linalg, "svd", otherwise)
    other = measured(base, few, kinds, ["pissa", "fresh"], tmp_path)
    assert other["pissa"] != first["pissa"]
    assert other["fresh"] == first["fresh"]
    monkeypatch.undo()
    again = measured(base, few, kinds, ["pissa", "fresh"], tmp_path)
    assert again == first


@pytest.mark.parametrize("kind", ["pissa", "olora", "dora"])
def test_the_distance_of_weights_is_that_of_the_models_in_memory(  # type: ignore[no-untyped-def]
    base, few, kinds, tmp_path, kind: str
) -> None:
    from peft import PeftModel

    found = uqs.measure(
        base,
        [f"{kind}={kinds[kind]}"],
        few,
        oracles=[kinds["rslora"]],
        metrics=["full_weight_distance"],
        settings=SETTINGS,
        cache=tmp_path,
    )
    assert not found.failures
    assert not found.notes

    def weights(folder: Path | None) -> np.ndarray:
        model = Llava.load(base).model
        if folder is not None:
            model = PeftModel.from_pretrained(model, folder).merge_and_unload()
        held = model.state_dict()
        return np.concatenate(
            [
                held[name].double().numpy().ravel()
                for name in sorted(held)
                if re.fullmatch(r".*language_model.*self_attn.*_proj\.weight", name)
            ]
        )

    start, mine, oracle = weights(None), weights(kinds[kind]), weights(kinds["rslora"])
    expected = np.linalg.norm(mine - oracle) / np.linalg.norm(oracle - start)
    row = next(row for row in found.rows if row.role == "unlearned")
    assert row.value == pytest.approx(expected, rel=1e-4)
