"""The plan of a study: its jobs, what each reads, and what changes a key."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from uqs import computation
from uqs.cli.validate import summary
from uqs.records import Role
from uqs.studies.jobs import Job
from uqs.studies.plan import Plan, base_hash, make_plan
from uqs.studies.run import plan_study
from uqs.studies.spec import Study

if TYPE_CHECKING:
    from conftest import Bench


def variant(plan: Plan, base: str = "base", **change: object) -> Plan:
    """The plan of the same study with something changed."""
    return make_plan(plan.study.model_copy(update=change), plan.data_hashes, base)


def keys(plan: Plan, *kinds: str) -> set[str]:
    return {job.key for job in plan.jobs if not kinds or job.kind in kinds}


@pytest.fixture
def plan(bench: Bench) -> Plan:
    found: Plan = bench.toy.plan()
    return found


def test_the_cells_of_a_study(plan: Plan) -> None:
    trained, unlearned, benchmarks = 2 + 2, 2 * 2, 2
    assert Counter(job.kind for job in plan.jobs) == {
        "base": 1,
        "train": benchmarks * trained,
        "unlearn": benchmarks * unlearned,
        "trace": benchmarks * (trained + unlearned),
        "gates": benchmarks,
        "measure": benchmarks * (trained + unlearned),
    }
    assert Counter(model.role for model in plan.models) == {
        Role.ORIGINAL: 4,
        Role.ORACLE: 4,
        Role.UNLEARNED: 8,
    }
    assert "\nmodels      4 originals, 4 oracles, 8 unlearned models\n" in summary(plan)
    assert f"{len(plan.jobs)} in all" in summary(plan)


def test_cells_come_after_what_they_read(plan: Plan) -> None:
    seen: set[str] = set()
    for job in plan.jobs:
        assert set(job.inputs.values()) <= seen
        seen.add(job.key)
    assert len(seen) == len(plan.jobs)


def test_each_model_starts_from_its_own_original_and_is_compared_with_every_oracle(
    plan: Plan,
) -> None:
    jobs = {job.key: job for job in plan.jobs}
    for model in plan.models:
        made, measure = jobs[model.model], jobs[model.measure]
        assert measure.inputs["model"] == model.model
        assert measure.inputs["trace"] == model.trace
        assert jobs[model.trace].inputs["model"] == model.model
        assert made.params["seed"] == model.seed
        seeds = [0, 1] if model.role != Role.ORACLE else [1 - model.seed]
        assert measure.params["oracle_seeds"] == seeds
        for seed in seeds:
            oracle = jobs[measure.inputs[f"oracle_{seed}"]]
            assert (oracle.params["role"], oracle.params["seed"]) == ("oracle", seed)
            assert oracle.params["benchmark"] == model.benchmark
            trace = jobs[measure.inputs[f"oracle_{seed}_trace"]]
            assert trace.inputs["model"] == oracle.key
        if model.role == Role.UNLEARNED:
            original = jobs[made.inputs["original"]]
            assert (original.params["role"], original.params["seed"]) == ("original", model.seed)
            assert made.after == (model.gates,) == (plan.gates[model.benchmark],)
    for key in plan.gates.values():
        assert sorted(jobs[key].inputs) == ["oracle_0", "oracle_1", "original_42", "original_7"]


def test_originals_can_be_shared(plan: Plan) -> None:
    shared = variant(plan, originals="shared")
    starts = {job.inputs["original"] for job in shared.jobs if job.kind == "unlearn"}
    trained = {
        job.key for job in shared.jobs if job.kind == "train" and job.params["role"] == "original"
    }
    assert starts == trained
    assert len(trained) == 2
    assert {model.seed for model in shared.models if model.role == Role.UNLEARNED} == {42, 7}


def test_a_key_follows_from_what_the_content_depends_on(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = plan.study
    assert keys(variant(plan)) == keys(plan)
    assert keys(variant(plan, name="other")) == keys(plan)
    more = variant(plan, seeds=(42, 7, 8))
    assert keys(plan, "train", "trace", "unlearn", "measure") - keys(more) == keys(
        plan, "trace", "unlearn", "measure"
    ) - keys(more), "further seeds train no original or oracle again"
    longer = variant(plan, training=study.training.model_copy(update={"max_steps": 7}))
    assert keys(plan) & keys(longer) == keys(plan, "base")
    assert not keys(plan) & keys(variant(plan, base="other"))
    fewer = variant(plan, metrics=study.metrics[:1])
    assert keys(plan) - keys(fewer) == keys(plan, "measure")
    other_data = make_plan(study, dict.fromkeys(plan.data_hashes, "other data"), "base")
    assert keys(plan) & keys(other_data) == keys(plan, "base")
    monkeypatch.setitem(computation.CODE, "measuring", 99)  # type: ignore[arg-type]
    assert keys(plan) - keys(variant(plan)) == keys(plan, "measure")


def test_a_trace_setting_changes_the_traces_and_what_reads_them(plan: Plan) -> None:
    traces = plan.study.traces.model_copy(update={"max_new_tokens": 9})
    changed = keys(plan) - keys(variant(plan, traces=traces))
    assert changed == keys(plan, "trace", "gates", "measure")


def test_a_gpu_makes_other_models_and_the_cpu_the_same_as_ever(plan: Plan) -> None:
    assert not any("device" in job.params for job in plan.jobs)
    on_gpu = variant(plan, device="cuda")
    computed = {job.kind for job in on_gpu.jobs if job.params.get("device") == "cuda"}
    assert computed == {"train", "trace", "gates", "unlearn"}
    assert keys(plan) & keys(on_gpu) == keys(plan, "base")


def test_a_batch_size_changes_nothing(plan: Plan) -> None:
    traces = plan.study.traces.model_copy(update={"batch_size": 9})
    assert keys(variant(plan, traces=traces)) == keys(plan)


def test_a_gates_limit_unlearns_nothing_again(plan: Plan) -> None:
    gates = plan.study.gates.model_copy(update={"accuracy": 0.5})
    assert keys(plan) - keys(variant(plan, gates=gates)) == keys(plan, "gates", "measure")


@pytest.mark.parametrize(
    ("library", "kinds"),
    [
        ("torch", ("train", "unlearn", "trace", "gates", "measure")),
        ("scipy", ("gates", "measure")),
        ("rouge-score", ("gates", "measure")),
    ],
)
def test_another_version_of_a_library_changes_what_it_computes(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, library: str, kinds: tuple[str, ...]
) -> None:
    own = computation.installed
    monkeypatch.setattr(
        computation, "installed", lambda name: "0.0.1" if name == library else own(name)
    )
    assert keys(plan) - keys(variant(plan)) == keys(plan, *kinds)


def test_the_label_and_the_order_of_words_are_no_part_of_a_key() -> None:
    one = Job("train", "one", {"a": 1, "b": 2}, {"x": "1", "y": "2"})
    other = Job("train", "other", {"b": 2, "a": 1}, {"y": "2", "x": "1"})
    assert one.key == other.key
    assert len(one.key) == 16
    assert one.key != Job("trace", "one", one.params, one.inputs).key


def test_the_base_is_known_by_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("1")
    monkeypatch.setattr("uqs.models.families.BASES", {"toy": tmp_path})
    first = base_hash("toy")
    (tmp_path / "a").write_text("2")
    assert base_hash("toy") != first
    (tmp_path / "a").write_text("1")
    assert base_hash("toy") == first


def test_real_data_are_planned(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(
        "name: s\nbenchmarks: [mmubench:tiny]\nmodel: {name: tiny_llava}\n"
        "methods: [salun]\nseeds: [1]\n"
    )
    plan = plan_study(file)
    assert isinstance(plan.study, Study)
    assert len(plan.data_hashes["mmubench:tiny"]) == 64
    assert len(plan.models) == 1 + 2 + 1


METRIC = """
from uqs.metrics.accuracy import ForgetAccuracy
from dataclasses import replace


class Mine(ForgetAccuracy):
    card = replace(ForgetAccuracy.card, name="mine", symbol="MINE")
"""


def test_another_text_of_a_metrics_file_is_another_measurement_alone(
    plan: Plan, tmp_path: Path
) -> None:
    file = tmp_path / "my_metric.py"
    others = ("base", "train", "unlearn", "trace", "gates")

    def planned(text: str) -> Plan:
        file.write_text(text)
        return variant(plan, metrics=(f"{file}:Mine", "forget_accuracy"))

    before, after, again = planned(METRIC), planned(METRIC + "# other\n"), planned(METRIC)
    assert keys(before, *others) == keys(after, *others)
    assert not keys(before, "measure") & keys(after, "measure")
    assert keys(before) == keys(again)
    plain = variant(plan, metrics=("forget_accuracy",))
    assert all("files" not in c.params for c in plain.jobs if c.kind == "measure")


def test_other_judges_change_what_reads_answers_and_no_trace(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not any("judges" in job.params for job in plan.jobs), "strict ones are not named"
    monkeypatch.setattr("uqs.studies.plan.judges_of", lambda spec: {"short": "contains"})
    judged = variant(plan)
    assert keys(plan) - keys(judged) == keys(plan, "gates", "measure")
    named = {job.kind for job in judged.jobs if job.params.get("judges") == {"short": "contains"}}
    assert named == {"gates", "measure"}
