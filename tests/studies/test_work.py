"""Jobs of different seeds draw differently; runs that collapse; what is asked of a guarded model."""

import itertools
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from uqs import benchmarks
from uqs.errors import UserError
from uqs.models import adapter
from uqs.models.tiny_llava import TinyLlava
from uqs.studies.jobs import Job, Kind
from uqs.studies.spec import Traces
from uqs.studies.work import job_seed, run, shadows

CRITERION = {"criterion": 0.98, "check_every": 2, "check_questions": 8}


def train(role: str, seed: int, benchmark: str = "mmubench:tiny") -> Job:
    return Job("train", "", {"benchmark": benchmark, "role": role, "seed": seed}, {})


def test_every_model_has_draws_of_its_own() -> None:
    jobs = [
        train(role, seed, benchmark)
        for role in ("original", "oracle")
        for seed in (0, 1, 42)
        for benchmark in ("mmubench:tiny", "unlok_vqa:tiny")
    ]
    drawn = [torch.rand(4, generator=torch.Generator().manual_seed(job_seed(c))) for c in jobs]
    for one, other in itertools.combinations(drawn, 2):
        assert not torch.equal(one, other)


def test_the_same_cell_draws_the_same() -> None:
    assert job_seed(train("oracle", 1)) == job_seed(train("oracle", 1))


def job(kind: Kind, **params: object) -> Job:
    about = {
        "benchmark": "mmubench:tiny",
        "data_hash": benchmarks.load("mmubench:tiny").data_hash,
        "model": "tiny_llava",
        "seed": 1,
        "traces": Traces(max_new_tokens=8).content(),
    }
    return Job(kind, "", {**about, **params}, {})


def made(folder: Path, one: Job, **inputs: Path) -> Path:
    folder.mkdir()
    run(one, inputs, folder)
    return folder


@pytest.fixture
def trained(tmp_path: Path, one_thread: None) -> dict[str, Path]:
    """The base and an original of two steps."""
    base = made(tmp_path / "base", job("base"))
    training = {"max_steps": 2, "lr": 1e-3, "batch_size": 4, "replay": 0.0, **CRITERION}
    settings = {"adapter": {"r": 2, "targets": "language.attention"}, "training": training}
    original = made(
        tmp_path / "original",
        job("train", role="original", share=1.0, retain_missing=0.0, **settings),
        base=base,
    )
    return {"base": base, "original": original}


def gates_that_drop(folder: Path, *oracles: str) -> Path:
    folder.mkdir()
    verdict = {"passed": True, "stop": [], "dropped": {name: [] for name in oracles}, "checks": []}
    (folder / "gates.json").write_text(json.dumps(verdict))
    return folder


def test_nothing_is_measured_against_a_dropped_oracle(
    tmp_path: Path, trained: dict[str, Path]
) -> None:
    """Here the original plays all roles; relative distances read every oracle that stands."""
    original = trained["original"]
    traced = made(
        tmp_path / "trace",
        job("trace", role="unlearned", needs=[]),
        base=trained["base"],
        model=original,
    )
    gates = gates_that_drop(tmp_path / "gates", "oracle_1")
    oracles = {f"oracle_{seed}": original for seed in (0, 1, 2)}
    traces = {f"oracle_{seed}_trace": traced for seed in (0, 1, 2)}
    metrics = ["jensen_shannon", "relative_activation_distance"]
    one = job("measure", role="unlearned", metrics=metrics, oracle_seeds=[0, 1, 2])
    inputs = {"base": trained["base"], "model": original, "trace": traced, "gates": gates}
    folder = made(tmp_path / "measured", one, **inputs, **oracles, **traces)
    rows = json.loads((folder / "measurements.json").read_text())["measured"]
    assert {row["oracle_seed"] for row in rows} == {0, 2}


def test_a_collapsed_run_has_rows_that_say_so(tmp_path: Path, trained: dict[str, Path]) -> None:
    settings = {"steps": 3, "lr": 1e30, "batch_size": 4}
    unlearning = job("unlearn", method="gradient_ascent", hyperparameters=settings)
    model = made(tmp_path / "model", unlearning, **trained)
    about = json.loads((model / "training.json").read_text())
    assert "after step 1 of 3" in about["collapse"] or "at step 2 of 3" in about["collapse"]
    assert about["losses"][-1] is None or "after step" in about["collapse"]
    start = load_file(trained["original"] / "adapter_model.safetensors")
    kept = load_file(model / "adapter_model.safetensors")
    assert all(torch.equal(kept[name], start[name]) for name in start)
    inputs = {"base": trained["base"], "model": model}
    trace = made(tmp_path / "trace", job("trace", role="unlearned", needs=[]), **inputs)
    inputs["gates"] = gates_that_drop(tmp_path / "gates")
    measuring = job(
        "measure",
        role="unlearned",
        metrics=["forget_accuracy", "empty_answers"],
        oracle_seeds=[],
    )
    folder = made(tmp_path / "measured", measuring, trace=trace, **inputs)
    rows = json.loads((folder / "measurements.json").read_text())["measured"]
    assert {row["status"] for row in rows if row["metric"] == "FA"} == {"collapsed"}
    assert all(row["value"] is None for row in rows if row["metric"] == "FA")
    assert any(row["value"] is not None for row in rows if row["metric"] != "FA")


def test_a_shadow_whose_unlearning_collapsed_is_not_unlearned(
    tmp_path: Path, trained: dict[str, Path]
) -> None:
    """Its last good weights are those of the trained shadow, which still knows its members."""
    collapsed = tmp_path / "collapsed"
    shutil.copytree(trained["original"], collapsed)
    about = json.loads((collapsed / "training.json").read_text())
    (collapsed / "training.json").write_text(json.dumps(about | {"collapse": "not finite"}))
    inputs = {}
    for number, model in enumerate((trained["original"], collapsed)):
        one = job("trace", role="shadow", needs=[])
        folder = tmp_path / f"trace{number}"
        inputs[f"shadow_{number}"] = made(folder, one, base=trained["base"], model=model)
    assert [shadow.unlearned for shadow in shadows(inputs)] == [True, False]


def test_a_guardrail_is_asked_with_its_instruction(
    tmp_path: Path, trained: dict[str, Path]
) -> None:
    choice = {"method": "guardrail", "hyperparameters": {"instruction": "Say no."}}
    folder = made(tmp_path / "model", job("unlearn", **choice), **trained)
    vlm = adapter.load(TinyLlava, trained["base"], folder, trainable=False)
    sample = benchmarks.load("mmubench:tiny").evaluate["forget"].samples[0]
    assert "Say no." in vlm.tokenizer.decode(vlm.encode([sample]).prompts[0])
    plain = adapter.load(TinyLlava, trained["base"], trained["original"], trainable=False)
    assert len(plain.encode([sample]).prompts[0]) < len(vlm.encode([sample]).prompts[0])


def test_training_that_collapses_is_an_error(tmp_path: Path, trained: dict[str, Path]) -> None:
    training = {"max_steps": 3, "lr": 1e30, "batch_size": 4, "replay": 0.0, **CRITERION}
    settings = {"adapter": {"r": 2, "targets": "language.attention"}, "training": training}
    one = job("train", role="oracle", share=0.0, retain_missing=0.0, **settings)
    with pytest.raises(UserError, match=r"of 3; lower training\.lr \(1e\+30\)"):
        made(tmp_path / "oracle", one, base=trained["base"])
