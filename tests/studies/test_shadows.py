"""Shadow models: the design is balanced, and a study without them is as it was."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from uqs import benchmarks, results
from uqs.cli.validate import summary
from uqs.evaluation.record import Recording
from uqs.metrics.base import References, Shadow
from uqs.metrics.membership.likelihood_ratio import LikelihoodRatio
from uqs.records import Benchmark, Role, Sample, Split
from uqs.studies.jobs import Job
from uqs.studies.plan import Plan, make_plan
from uqs.studies.run import RunOptions, plan_study, run_plan
from uqs.studies.shadows import draw, draw_members
from uqs.studies.work import job_seed

if TYPE_CHECKING:
    from conftest import Bench

SHADOWS = 4
STUDY = """
name: small
benchmarks: [unlok_vqa:tiny]
model: {name: tiny_llava, adapter: {r: 4, alpha: 8, targets: language.all}}
training: {max_steps: 4, lr: 4.0e-3, batch_size: 8, replay: 0.2}
gates: {accuracy: 0.0, entities: 1.0, share: 1.0}
methods: [{name: random_labels, steps: 2, batch_size: 8}]
seeds: [1]
shadows: 4
metrics: [likelihood_ratio]
"""


@pytest.fixture
def plain(bench: Bench) -> Plan:
    found: Plan = bench.toy.plan()
    return found


@pytest.fixture
def plan(plain: Plan) -> Plan:
    return shadowed(plain, SHADOWS)


def shadowed(plan: Plan, number: int) -> Plan:
    study = plan.study.model_copy(update={"shadows": number})
    return make_plan(study, plan.data_hashes, "base")


def keys(plan: Plan) -> set[str]:
    return {job.key for job in plan.jobs}


def of_shadows(plan: Plan) -> list[Job]:
    return [job for job in plan.jobs if job.params.get("role") == "shadow"]


@pytest.mark.parametrize("entities", [2, 9, 40])
@pytest.mark.parametrize("shadows", [4, 6, 16])
def test_every_entity_is_in_half_of_the_shadows_and_every_shadow_holds_half(
    entities: int, shadows: int
) -> None:
    names = [f"e{i}" for i in range(entities)]
    drawn = [draw_members(names, k) for k in range(shadows)]
    assert Counter(name for members in drawn for name in members) == dict.fromkeys(
        names, shadows // 2
    )
    assert {len(members) for members in drawn} <= {entities // 2, entities - entities // 2}


def test_members_are_drawn_anew_for_each_pair_and_by_nothing_else() -> None:
    names = [f"e{i:02}" for i in range(40)]
    drawn = [draw_members(names, k) for k in range(20)]
    assert len(set(drawn)) == 20
    assert drawn == [draw_members(set(reversed(names)), k) for k in range(20)]
    # in each of the 10 pairs, every entity is together with 19 of the 39 others
    together = [sum(a in one and b in one for one in drawn) for a, b in combinations(names, 2)]
    assert sum(together) / len(together) == pytest.approx(10 * 19 / 39)
    assert len(set(together)) > 4


@pytest.fixture(scope="module")
def data() -> Benchmark:
    return benchmarks.load("unlok_vqa:tiny")


def test_what_a_shadow_learns_and_unlearns_is_of_its_members(data: Benchmark) -> None:
    forget, holdout = data.learn["forget"].entities, data.evaluate["holdout"].entities
    learnt: Counter[str] = Counter()
    for k in range(SHADOWS):
        drawn = draw(data, k)
        assert drawn.members <= forget | holdout
        assert drawn.members & forget
        assert drawn.members & holdout
        assert {s.entity for s in drawn.learn} == drawn.members
        assert drawn.unlearn["forget"].entities == drawn.members
        assert drawn.unlearn["retain"] == data.unlearn["retain"]
        learnt.update(s.id for s in drawn.learn)
    samples = (*data.learn["forget"].samples, *data.evaluate["holdout"].samples)
    assert learnt == dict.fromkeys((s.id for s in samples), SHADOWS // 2)


def test_a_method_sees_of_the_forget_set_what_it_sees_otherwise(data: Benchmark) -> None:
    """Where a method may see less than what was learnt, so it is for members of forget."""
    first: dict[str, Sample] = {}
    for sample in data.unlearn["forget"].samples:
        first.setdefault(sample.entity, sample)
    fewer = {**data.unlearn, "forget": Split("forget", tuple(first.values()))}
    drawn = draw(replace(data, unlearn=fewer), 0)
    shown = [s for s in drawn.unlearn["forget"].samples if s.entity in first]
    assert {s.id for s in shown} == {first[e].id for e in drawn.members & set(first)}
    assert drawn.learn == draw(data, 0).learn


def test_without_shadows_nothing_has_another_key(plain: Plan, plan: Plan) -> None:
    assert not of_shadows(plain)
    assert keys(shadowed(plain, 0)) == keys(plain)
    for job in plain.jobs:
        assert "shadow" not in repr((job.params, job.inputs))
    # with shadows, only the measuring of unlearned models is done again
    again = {model.measure for model in plain.models if model.role == Role.UNLEARNED}
    assert keys(plain) - keys(plan) == again
    more = shadowed(plain, SHADOWS + 2)
    assert {job.key for job in of_shadows(plan)} < keys(more)


def test_the_cells_of_shadows(plan: Plan) -> None:
    assert Counter(job.kind for job in of_shadows(plan)) == {
        "train": 2 * SHADOWS,
        "unlearn": 2 * SHADOWS * 2,
        "trace": 2 * SHADOWS * 2,
    }
    assert "shadows     4 a benchmark" in summary(plan)
    assert not any(model.model in {c.key for c in of_shadows(plan)} for model in plan.models)


def test_an_unlearned_model_is_measured_with_the_shadows_of_its_own_method(plan: Plan) -> None:
    jobs = {job.key: job for job in plan.jobs}
    for model in plan.models:
        measure = jobs[model.measure]
        traces = {n: k for n, k in measure.inputs.items() if n.startswith("shadow")}
        if model.role != Role.UNLEARNED:
            assert not traces
            continue
        assert sorted(traces) == [f"shadow_{k}" for k in range(SHADOWS)]
        own = jobs[model.model]
        for name, key in traces.items():
            trace = jobs[key]
            unlearned = jobs[trace.inputs["model"]]
            trained = jobs[unlearned.inputs["original"]]
            for job in (trace, unlearned, trained):
                assert (job.params["role"], f"shadow_{job.params['seed']}") == ("shadow", name)
                assert job.params["benchmark"] == model.benchmark
            for word in ("method", "hyperparameters"):
                assert unlearned.params[word] == own.params[word]
            assert unlearned.after == (plan.gates[model.benchmark],)
            original = jobs[own.inputs["original"]]
            for word in ("training", "adapter"):
                assert trained.params[word] == original.params[word]


def test_gates_read_no_shadow(plan: Plan) -> None:
    jobs = {job.key: job for job in plan.jobs}
    read = {name for key in plan.gates.values() for name in jobs[key].inputs}
    assert not any("shadow" in name for name in read)


def test_shadows_draw_like_no_other_model(plan: Plan) -> None:
    made = [job for job in plan.jobs if job.kind in ("train", "unlearn")]
    seeds: dict[int, set[str]] = {}
    for job in made:
        seeds.setdefault(job_seed(job), set()).add(
            repr([job.params.get(w) for w in ("benchmark", "role", "method", "seed")])
        )
    assert all(len(jobs) == 1 for jobs in seeds.values())


def test_a_toy_study_with_shadows_runs_and_has_the_same_rows(
    bench: Bench, plain: Plan, plan: Plan
) -> None:
    printed = bench.run(plan)
    assert f"{len(plan.jobs)} to make" in printed
    assert set(bench.begun()) == keys(plan)
    rows = bench.table()
    assert {row["role"] for row in rows} == {"original", "oracle", "unlearned"}
    assert len(rows) == sum(3 if m.role != Role.ORACLE else 2 for m in plan.models)
    bench.run(shadowed(plain, SHADOWS + 2))
    further = len(shadowed(plain, SHADOWS + 2).jobs) - len(plan.jobs)
    assert sum(bench.begun().values()) == len(plan.jobs) + further + sum(
        m.role == Role.UNLEARNED for m in plan.models
    )


def test_where_gates_fail_no_shadow_is_unlearned(bench: Bench, plan: Plan) -> None:
    bench.rules({"gates mmubench": "fail gates"})
    bench.run(plan)
    begun = set(bench.begun())
    unlearned = {
        job.key: job.params["benchmark"] for job in of_shadows(plan) if job.kind == "unlearn"
    }
    assert {unlearned[key] for key in begun & set(unlearned)} == {"unlok_vqa:tiny"}


def test_a_real_study_measures_with_what_its_shadows_said(tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(STUDY)
    plan = plan_study(file)
    run = run_plan(plan, RunOptions(tmp_path / "runs", 2, plain=True), Console(file=io.StringIO()))
    rows = {row.role: row for row in results.read(run / "results.parquet")}
    assert rows["original"].status == rows["oracle"].status == "missing_shadows"

    data, jobs = benchmarks.load("unlok_vqa:tiny"), {job.key: job for job in plan.jobs}
    (model,) = (model for model in plan.models if model.role == Role.UNLEARNED)
    shadows = []
    for name, key in jobs[model.measure].inputs.items():
        if name.startswith("shadow"):
            folder = run / "jobs" / key
            said = Recording.read(folder).evidence(None, judges={}).traces
            assert sorted(said) == ["forget", "holdout"]
            members = draw(data, int(name.rpartition("_")[2])).members
            shadows.append(Shadow(members, unlearned=True, traces=said))
    traces = [shadow.traces["holdout"].gold_log_probs.tobytes() for shadow in shadows]
    assert len(set(traces)) == SHADOWS
    (expected,) = LikelihoodRatio().measure(
        Recording.read(run / "jobs" / model.trace).evidence(None, judges={}),
        References(shadows=shadows),
    )
    assert rows["unlearned"].status == "ok"
    assert rows["unlearned"].value == pytest.approx(expected.measurement.value, abs=1e-12)
