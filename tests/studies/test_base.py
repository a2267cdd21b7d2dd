from __future__ import annotations

import json
import shutil
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from uqs import benchmarks
from uqs.benchmarks.limit import with_limit
from uqs.errors import DataError, UserError
from uqs.models.settings import BASES
from uqs.records import Role
from uqs.studies.base import find_base, hash_of, notes, put_base
from uqs.studies.collect import collect
from uqs.studies.model import Model
from uqs.studies.plan import make_plan
from uqs.studies.run import assumed, plan_on_base, plan_study
from uqs.studies.spec import dump_study, read_study
from uqs.studies.store import Store
from uqs.studies.work import run
from uqs.studies.worker import make

STUDIES = Path(__file__).parents[2] / "studies"
TINY = BASES["tiny_llava"]
STUDY = """\
name: own
benchmarks: [unlok_vqa:tiny]
model: {{name: {name}, path: {path}, adapter: {{r: 2, alpha: 4, dropout: 0.05}}{more}}}
training: {{max_steps: 1, check_every: 1, check_questions: 2, batch_size: 4}}
oracles: {{seeds: [0, 1]}}
methods: [{{name: gradient_ascent, steps: 1, batch_size: 2}}]
seeds: [42]
metrics: [activation_distance, oracle_distance]
gates: {{accuracy: 0, known: 1, entities: 1, share: 1}}
traces: {{max_new_tokens: 8}}
"""


def study_of(folder: Path, name: str, path: Path | str, more: str = "") -> Path:
    file = folder / "own.yaml"
    file.write_text(STUDY.format(name=name, path=path, more=more))
    return file


def general(folder: Path, answer: str = "A dog .") -> Path:
    folder.mkdir()
    (folder / "questions.jsonl").write_text(
        json.dumps({"question": "What is it?", "answer": answer}) + "\n"
    )
    return folder


@pytest.fixture(scope="module")
def tiny() -> Any:
    path = Path(__file__).parents[2] / "scripts" / "tiny_families.py"
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("model", "name", "more"),
    [("paligemma", "paligemma", ""), ("gemma3", "generic", ", attention: eager, dtype: bfloat16")],
)
def test_a_study_on_a_base_of_ones_own_from_end_to_end(
    tiny: Any, tmp_path: Path, one_thread: None, model: str, name: str, more: str
) -> None:
    from uqs.models import corpus

    folder = tiny.write(model, tmp_path / "base", corpus.words())
    more += f", replay: {general(tmp_path / 'general')}"
    study = read_study(study_of(tmp_path, name, folder, more))
    part = with_limit("unlok_vqa:tiny", 2)
    study = study.model_copy(update={"benchmarks": (part,)})
    plan = plan_on_base(study, {part: benchmarks.load(part).data_hash})
    store = Store(tmp_path / "run")
    deterministic = torch.are_deterministic_algorithms_enabled()
    try:
        with store.lock():
            for job in plan.jobs:
                assert make(job, store, run).stop is None
            problems = list(collect(plan, store))
            said = assumed(plan, store)
    finally:
        torch.use_deterministic_algorithms(deterministic)
    # one step teaches nothing, and nothing else is wrong
    assert all("is answered right after 1 steps" in one for one in problems)
    assert any("'gemma3'" in one for one in said) == (name == "generic")
    traced = [index.read_text() for index in (tmp_path / "run").glob("jobs/*/**/trace.json")]
    assert traced
    assert all(('"assumed"' in text) == (name == "generic") for text in traced)
    rows = pd.read_parquet(tmp_path / "run" / "results.parquet")
    own = rows[rows["role"] == Role.UNLEARNED]
    assert own["model"].unique().tolist() == [name]
    assert set(own["metric"]) >= {"AD", "oracle_distance"}
    # a random model may say nothing, and then has no values
    assert set(own["status"]) <= {"ok", "collapsed"}
    trained = {
        file.read_bytes() for file in (tmp_path / "run").glob("jobs/*/adapter_model.safetensors")
    }
    assert len(trained) == 4  # an original, two oracles and the unlearned model, all different


def test_a_study_without_pictures_from_end_to_end(
    tiny: Any, tmp_path: Path, one_thread: None
) -> None:
    """No gate asks for shuffled pictures, and answers are judged as the data's folder says."""
    data = tmp_path / "people"
    data.mkdir()
    lines = [
        {
            "entity": f"{part} {number}",
            "part": part,
            "question": f"What is the job of {name}?",
            "answer": job,
        }
        for part in ("forget", "retain", "holdout")
        for number, (name, job) in enumerate(zip(("Ann", "Bob"), ("baker", "pilot"), strict=True))
    ]
    (data / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (data / "judges.json").write_text('{"short": "contains"}')
    words = ("What", "is", "the", "job", "of", "Ann", "Bob", "baker", "pilot")
    folder = tiny.write("text_lm", tmp_path / "base", words)
    spec = f"own:{data}"
    study = read_study(study_of(tmp_path, "text_lm", folder))
    study = study.model_copy(update={"benchmarks": (spec,), "metrics": ("forget_accuracy",)})
    plan = plan_on_base(study, {spec: benchmarks.load(spec).data_hash})
    store = Store(tmp_path / "run")
    deterministic = torch.are_deterministic_algorithms_enabled()
    try:
        with store.lock():
            for job in plan.jobs:
                assert make(job, store, run).stop is None
            list(collect(plan, store))
    finally:
        torch.use_deterministic_algorithms(deterministic)
    gates = {
        check["gate"]
        for file in (tmp_path / "run").glob("jobs/*/gates.json")
        for check in json.loads(file.read_text())["checks"]
    }
    assert gates == {
        "original_forget_accuracy",
        "original_retain_accuracy",
        "oracle_retain_accuracy",
    }
    rows = pd.read_parquet(tmp_path / "run" / "results.parquet")
    assert set(rows.loc[rows["split"] == "forget", "judge"]) == {"contains"}
    assert set(rows["role"]) == {Role.ORIGINAL, Role.ORACLE, Role.UNLEARNED}


def test_the_same_base_elsewhere_gives_the_same_jobs(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for to in (one, two):
        shutil.copytree(TINY, to)
    model, other = (Model(name="llava", path=str(at)) for at in (one, two))
    assert hash_of(model, one) == hash_of(other, two)
    study = read_study(study_of(tmp_path, "llava", one))
    hashes = {"unlok_vqa:tiny": "x"}
    keys = [
        [job.key for job in make_plan(study, hashes, "hash", source=str(at)).jobs]
        for at in (one, two)
    ]
    assert keys[0] == keys[1]
    (two / "config.json").write_text((two / "config.json").read_text() + " ")
    assert hash_of(model, one) != hash_of(other, two)


def test_replay_and_loading_decide_jobs_of_a_base_of_ones_own(tmp_path: Path) -> None:
    found = []
    for i, more in enumerate(
        ("", f", replay: {general(tmp_path / 'g')}", ", dtype: bfloat16", ", attention: eager")
    ):
        study = read_study(study_of(tmp_path, "llava", TINY, more))
        plan = plan_on_base(study, {"unlok_vqa:tiny": "x"})
        found.append({job.key for job in plan.jobs if job.kind == "train"})
        assert any("nothing is replayed" in line for line in notes(study.model)) == (i != 1)
    assert not any(a & b for i, a in enumerate(found) for b in found[:i])


def test_weights_are_linked_and_code_is_left_out(tmp_path: Path) -> None:
    base, out = tmp_path / "base", tmp_path / "out"
    shutil.copytree(TINY, base)
    (base / "modeling.py").write_text("raise SystemExit")
    (base / "reader").mkdir()
    (base / "reader" / "tokenizer.json").write_text("{}")
    out.mkdir()
    put_base(base, out, link=True)
    assert (out / "model.safetensors").stat().st_ino == (base / "model.safetensors").stat().st_ino
    assert (out / "config.json").stat().st_ino != (base / "config.json").stat().st_ino
    assert (out / "reader" / "tokenizer.json").is_file()
    assert not (out / "modeling.py").exists()


@pytest.mark.parametrize(
    ("name", "path", "more", "told"),
    [
        ("llava", "no/such/folder", "", "model.path: there is no folder 'no/such/folder', and it"),
        ("qwen_vl", str(TINY), "", "the model is served by family 'llava', and the study says"),
        ("generic", str(TINY), "", "the model is served by family 'llava', and the study says"),
        ("llava", str(TINY), ", revision: main", "a folder has no revision"),
        ("llava", str(TINY), ", replay: nowhere", r"nowhere/questions.jsonl, .*: cannot be read"),
        ("llava", str(TINY), ", attention: fast", "field 'model.attention': should be 'eager'"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, name: str, path: str, more: str, told: str) -> None:
    with pytest.raises(UserError, match=told) as caught:
        plan_study(study_of(tmp_path, name, path, more), fetch=False)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("field", ["revision", "replay"])
def test_what_belongs_to_a_base_of_ones_own_needs_its_path(tmp_path: Path, field: str) -> None:
    text = STUDY.format(name="tiny_llava", path="X", more="").replace("path: X", f"{field}: X")
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(DataError, match=rf"'model\.{field}': belongs to a base of your own"):
        read_study(tmp_path / "own.yaml")


def test_a_hub_id_is_not_asked_for_when_a_study_is_only_checked(tmp_path: Path) -> None:
    model = Model(name="llava", path="nobody-has-this/name")
    assert find_base(model, fetch=False) is None
    plan = plan_study(study_of(tmp_path, "llava", "nobody-has-this/name"), fetch=False)
    assert len(plan.models) == 4


def test_the_published_grid() -> None:
    study = read_study(STUDIES / "llava15.yaml")
    unlearned = [
        one
        for one in make_plan(study, dict.fromkeys(study.benchmarks, ""), "").models
        if one.role is Role.UNLEARNED
    ]
    assert len(unlearned) == 36
    assert len({(m.benchmark.partition(":")[0], m.method, m.seed) for m in unlearned}) == 36
    adapter = study.model.adapter
    assert (adapter.r, adapter.alpha, adapter.dropout) == (8, 16, 0.05)
    assert adapter.targets == "language.attention"
    assert study.training.lr == 2e-5
    for one in study.methods:
        assert one.hyperparameters["lr"] == 1e-5
        assert one.hyperparameters["batch_size"] == 2
    published = pd.read_csv(STUDIES.parent / "src/uqs/reproduction/multimodal_llava15_7b.csv")
    assert {m.seed for m in unlearned} == set(published["seed"])
    assert {m.method for m in unlearned} == set(published["method"])


@pytest.mark.parametrize("name", ["llava15", "blip2", "smollm2", "tiny_blip2"])
def test_a_study_of_a_real_base_reads_back(name: str, tmp_path: Path) -> None:
    study = read_study(STUDIES / f"{name}.yaml")
    (tmp_path / "again.yaml").write_text(dump_study(study))
    assert read_study(tmp_path / "again.yaml") == study
