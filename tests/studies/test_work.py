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
from uqs.methods.base import trainable
from uqs.methods.cards.labels import IDKSettings
from uqs.methods.settings import DEFAULT_TRAINER
from uqs.methods.unlearn import Seeds
from uqs.models import adapter
from uqs.models.families import base_folder
from uqs.models.tiny_llava import TinyLlava
from uqs.studies import alter
from uqs.studies.jobs import Job, Kind
from uqs.studies.spec import Traces
from uqs.studies.work import device_of, job_seed, placed, run, shadows

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


def job(kind: Kind, /, **params: object) -> Job:
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


def test_a_model_is_where_its_job_computes() -> None:
    """Shown on torch's device without data, which every machine has."""
    vlm = TinyLlava.load(base_folder("tiny_llava"))
    assert placed(vlm, job("unlearn")).model.device.type == "cpu"
    elsewhere = job("unlearn", device="meta")
    assert device_of(elsewhere) == torch.device("meta")
    moved = placed(vlm, elsewhere).model
    assert {one.device.type for one in (*moved.parameters(), *moved.buffers())} == {"meta"}


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


def test_a_refusal_changes_the_last_language_layer_alone(
    trained: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    vlm = adapter.load(TinyLlava, trained["base"], trained["original"], trainable=True)
    before = {name: p.detach().clone() for name, p in vlm.model.named_parameters()}
    monkeypatch.setattr(alter, "REFUSAL", IDKSettings(steps=3, lr=1e-2, batch_size=4))
    monkeypatch.setattr(alter, "REFUSED", 0.0)
    data = benchmarks.load("mmubench:tiny").unlearn
    alter.refuse(vlm, data, Seeds(1, 2), DEFAULT_TRAINER)
    last = f"layers.{len(vlm.decoder.layers) - 1}."
    after = dict(vlm.model.named_parameters())
    changed = {name for name, old in before.items() if not torch.equal(old, after[name])}
    assert changed
    assert all(last in name and "lora" in name for name in changed)
    assert {name for name, p in after.items() if p.requires_grad} >= changed
    assert any(p.requires_grad for name, p in after.items() if last not in name)


def test_a_refusal_that_does_not_come_about_is_an_error(
    trained: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    vlm = adapter.load(TinyLlava, trained["base"], trained["original"], trainable=True)
    monkeypatch.setattr(alter, "REFUSAL", IDKSettings(steps=1, lr=1e-6, batch_size=4))
    data = benchmarks.load("mmubench:tiny").unlearn
    with pytest.raises(UserError, match=r"refusal: 0\.0% of the forget questions are refused"):
        alter.refuse(vlm, data, Seeds(1, 2), DEFAULT_TRAINER)


def test_noise_has_the_size_that_was_asked_for(trained: dict[str, Path]) -> None:
    vlm = adapter.load(TinyLlava, trained["base"], trained["original"], trainable=True)
    before = {name: p.detach().clone() for name, p in trainable(vlm).items()}
    alter.add_noise(vlm, 0.5, seed=3)
    sizes = [
        float((p.detach() - before[name]).pow(2).mean().sqrt() / before[name].pow(2).mean().sqrt())
        for name, p in trainable(vlm).items()
        if p.numel() >= 256 and before[name].any()
    ]
    assert len(sizes) > 4
    assert sizes == pytest.approx([0.5] * len(sizes), rel=0.2)  # 256 draws: 4.4% is one SD
    frozen = [p for p in vlm.model.parameters() if not p.requires_grad]
    assert frozen


def test_an_altered_model_is_made_by_its_job(tmp_path: Path, trained: dict[str, Path]) -> None:
    one = job("alter", kind="noise", size=0.1)
    folder = made(tmp_path / "noisy", one, **trained)
    changed = load_file(folder / "adapter_model.safetensors")
    start = load_file(trained["original"] / "adapter_model.safetensors")
    assert changed.keys() == start.keys()
    assert any(not torch.equal(changed[name], start[name]) for name in start)
    guarded = made(tmp_path / "guarded", job("alter", kind="guardrail", size=None), **trained)
    asked = json.loads((guarded / "preamble.json").read_text())
    assert asked
    kept = load_file(guarded / "adapter_model.safetensors")
    assert all(torch.equal(kept[name], start[name]) for name in start)


def test_training_ends_at_the_criterion_and_says_what_was_reached(
    tmp_path: Path, trained: dict[str, Path]
) -> None:
    """A criterion that is met at the first look, and one that nothing meets in four steps."""
    for at, stops in ((0.0, True), (1.0, False)):
        training = {"max_steps": 4, "lr": 1e-3, "batch_size": 4, "replay": 0.0, **CRITERION}
        settings = {"adapter": {"r": 2, "targets": "language.attention"}}
        settings["training"] = {**training, "criterion": at}
        one = job("train", role="oracle", share=0.0, retain_missing=0.0, **settings)
        folder = made(tmp_path / f"oracle{stops}", one, base=trained["base"])
        outcome = json.loads((folder / "training.json").read_text())
        assert (outcome["stop"] is not None) == stops
        assert outcome["steps"] == len(outcome["losses"]) == (2 if stops else 4)
        assert 0 <= outcome["answered"] < 1
        taught = json.loads((folder / "taught.json").read_text())
        assert (taught["forget"], taught["share"], taught["retain_share"]) == ([], 0, 1)
