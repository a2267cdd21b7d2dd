"""From a plan and its costs to the whole, and a base that is really tried."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from uqs import benchmarks
from uqs.cli.app import app
from uqs.errors import UserError
from uqs.models.settings import BASES
from uqs.report.estimated import size, time, tree
from uqs.studies.estimate import measured
from uqs.studies.estimate.amounts import Questions, step_of
from uqs.studies.estimate.costs import BaseCosts, Costs
from uqs.studies.estimate.estimate import Estimate, estimate, existing
from uqs.studies.estimate.ranges import NONE, Range
from uqs.studies.estimate.study import estimate_study
from uqs.studies.plan import Plan, make_plan
from uqs.studies.run import RunOptions
from uqs.studies.spec import read_study
from uqs.studies.store import Store
from uqs.studies.worker import make

STUDY = """
name: planned
benchmarks: [unlok_vqa:tiny]
model: {name: NAME, PATH adapter: {r: 2, alpha: 4}}
training: {max_steps: 40, check_every: 20, check_questions: 2, batch_size: 2}
methods: [{name: npo, steps: 3, batch_size: 2}]
seeds: [1]
metrics: [forget_accuracy]
"""
SECOND = Range.exactly(1)


def write(folder: Path, name: str = "tiny_llava", path: str = "") -> Path:
    file = folder / "study.yaml"
    file.write_text(STUDY.replace("NAME", name).replace("PATH", f"path: {path}," if path else ""))
    return file


def costs(plan: Plan) -> BaseCosts:
    """Every step and every traced question takes a second and a byte, everything else nothing."""
    steps = {step: SECOND for job in plan.jobs if (step := step_of(job))}
    own = Costs(steps, NONE, NONE, NONE, traced=SECOND, measuring=SECOND, trace_bytes=SECOND)
    return BaseCosts(
        "a device",
        ("by hand",),
        {name: own for name in plan.study.benchmarks},
        load=NONE,
        start=NONE,
        checkpoint=1000,
        base=Range(0, 7),
        training_memory=Range.exactly(5),
        tracing_memory=Range.exactly(6),
        process=NONE,
    )


@pytest.fixture(scope="module")
def questions() -> dict[str, Questions]:
    return {"unlok_vqa:tiny": Questions(benchmarks.load("unlok_vqa:tiny"), frozenset())}


@pytest.fixture
def plan(tmp_path: Path, questions: dict[str, Questions]) -> Plan:
    hashes = {name: one.data.data_hash for name, one in questions.items()}
    return make_plan(read_study(write(tmp_path)), hashes, "base")


def test_sums_and_the_length_of_the_longest_chain(
    plan: Plan, questions: dict[str, Questions], tmp_path: Path
) -> None:
    """Original and two oracles of 20 to 40 steps, one model of 3; traces of 1157 questions, and of 560 more
    of the original. By two workers: the training and trace of two models beside each other, then of the
    third, ..."""
    found = estimate(plan, questions, costs(plan), tmp_path / "runs", workers=2)
    of = {one.kind: one for one in found.kinds}
    assert (found.exist, found.to_make) == (0, 14)
    assert of["train"].seconds == Range(60, 120)
    assert of["unlearn"].seconds == Range(3, 3)
    slack = 4 * 1157 + 560 + 9  # bytes that are written and hashed take next to no time
    assert of["trace"].seconds.low == pytest.approx(4 * 1157 + 560, abs=1e-3)
    assert of["measure"].seconds.low == pytest.approx(4, abs=1e-3)
    assert of["gates"].seconds == Range(1.5, 1.5)
    assert found.seconds.low == pytest.approx(60 + 3 + 4 * 1157 + 560 + 4 + 1.5, abs=1e-3)
    assert found.disk == Range(4 * 1000 + slack - 9, 4 * 1000 + slack - 9 + 7)
    assert found.memory.high == pytest.approx(10 * 1157)
    # train and trace of original, beside both oracles one after the other; then gates, unlearn, trace, and
    # the last measurement
    longest = max(20 + 1157 + 560, 2 * (20 + 1157)) + 1.5 + 3 + 1157 + 1
    assert found.wall.low == pytest.approx(longest, abs=0.5)
    alone = estimate(plan, questions, costs(plan), tmp_path / "runs", workers=1)
    assert alone.wall.low == pytest.approx(alone.seconds.low)
    assert not (tmp_path / "runs").exists()


def test_what_exists_is_subtracted_and_nothing_is_touched(
    new_bench: Callable[[], Any], questions: dict[str, Questions]
) -> None:
    bench = new_bench()
    plan = bench.toy.plan()
    store = Store(bench.store)
    with store.lock():
        for job in plan.jobs:
            make(job, store, bench.toy.run)
    assert set(existing(plan.jobs, store)) == {job.key for job in plan.jobs}
    damaged = next(job for job in plan.jobs if job.kind == "measure")
    (store.folder(damaged.key) / "items.parquet").unlink()
    before = {path: path.stat().st_mtime_ns for path in bench.runs.rglob("*")}
    assert set(existing(plan.jobs, store)) == {job.key for job in plan.jobs} - {damaged.key}
    both = {name: questions["unlok_vqa:tiny"] for name in plan.study.benchmarks}
    found = estimate(plan, both, costs(plan), bench.runs, workers=2)
    assert (found.exist, found.to_make) == (len(plan.jobs) - 1, 1)
    assert found.seconds.low == pytest.approx(1, abs=1e-3)
    assert {path: path.stat().st_mtime_ns for path in bench.runs.rglob("*")} == before


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Estimate:
    """The shipped base, tried in a process of its own as `uqs run --plan` does, for as short as can be."""
    folder = tmp_path_factory.mktemp("tried")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measured, "SECONDS", 0.01)
        options = RunOptions(folder / "runs", workers=1, limit=2)
        (found,) = estimate_study(write(folder), options)
    assert sorted(path.name for path in folder.iterdir()) == ["study.yaml"]
    return found


def test_a_base_is_measured(tried: Estimate) -> None:
    assert tried.study == "planned-limit2"
    assert tried.device == "cpu"
    assert tried.how[0].startswith("measured in ")
    of = {one.kind: one for one in tried.kinds}
    for kind in ("train", "unlearn", "trace", "measure"):
        assert 0 < of[kind].seconds.low < of[kind].seconds.high < 600
    base = sum(file.stat().st_size for file in BASES["tiny_llava"].glob("*.safetensors"))
    assert of["base"].disk == Range(base, base)
    # 4 models of 3 layers of 4 projections of 128 by 128, each with two factors of rank 2, in float32
    assert of["train"].disk.low + of["unlearn"].disk.low == 4 * 3 * 4 * 2 * 128 * 2 * 4
    # a process that has imported torch holds more than this, and a tiny model adds little
    assert 200e6 < of["train"].memory.low <= of["trace"].memory.low < 4e9


def test_it_is_told_as_json_too(tried: Estimate) -> None:
    told = json.loads(json.dumps(tree([tried]), allow_nan=False))
    (one,) = told["estimates"]
    assert one["to_make"] == tried.to_make == sum(kind["to_make"] for kind in one["kinds"])
    assert one["wall_seconds"]["low"] >= max(kind["seconds"]["low"] for kind in one["kinds"])


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (Range(0, 0), "0 s"),
        (Range(1.234, 4.567), "1.2 to 4.6 s"),
        (Range(344, 674), "5.7 to 11 min"),
        (Range(59, 119.4), "59 to 120 s"),
        (Range(7200, 7200), "2 h"),
        (Range(3600, 10 * 86400), "0.042 to 10 days"),
        (Range(86400 * 2100, 86400 * 31234), "2100 to 31000 days"),
    ],
)
def test_times_in_words(seconds: Range, said: str) -> None:
    assert time(seconds) == said


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (Range(0, 0), "0 B"),
        (Range(0, 1.5 * 2**30), "0 to 1.5 GiB"),
        (Range(2**20, 2**20), "1 MiB"),
        (Range(12, 345), "12 to 340 B"),
    ],
)
def test_sizes_in_words(amount: Range, said: str) -> None:
    assert size(amount) == said


def test_bad_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = write(tmp_path)
    with pytest.raises(UserError, match="--json prints a plan; write --plan too"):
        CliRunner().invoke(app, ["run", str(study), "--json"], catch_exceptions=False)
    monkeypatch.chdir(tmp_path)
    text = study.read_text().replace("[unlok_vqa:tiny]", "[unlok_vqa:data/a, mmubench:o/n@main]")
    study.write_text(text)
    said = r"unlok_vqa: no folder 'data/a'; .*; mmubench:o/n@main was not fetched yet: 'uqs validate mmub"
    with pytest.raises(UserError, match=said):
        CliRunner().invoke(app, ["run", str(study), "--plan"], catch_exceptions=False)


def test_a_base_that_is_not_here_is_counted_from_its_configuration(tmp_path: Path) -> None:
    folder = tmp_path / "base"
    folder.mkdir()
    config = (BASES["tiny_llava"] / "config.json").read_text()
    (folder / "config.json").write_text(config)
    options = RunOptions(tmp_path / "runs", workers=1)
    cpu, gpu = estimate_study(write(tmp_path, "llava", str(folder)), options)
    for found in (cpu, gpu):
        assert found.how[0].startswith("counted, not measured")
        assert found.to_make == 14
    assert gpu.seconds.high < cpu.seconds.high
    assert cpu.disk == gpu.disk
    assert not (tmp_path / "runs").exists()


def test_neither_weights_nor_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"neither weights nor config\.json are here") as raised:
        estimate_study(write(tmp_path, "llava", "o/n"), RunOptions(tmp_path / "runs"))
    assert "\n" not in str(raised.value)


def test_a_base_that_cannot_be_loaded_is_told_in_one_line(tmp_path: Path) -> None:
    """Here and not in a process of its own, which takes seconds to begin."""
    folder = tmp_path / "base"
    folder.mkdir()
    for file in BASES["tiny_llava"].iterdir():
        content = file.read_bytes()
        cut = content[:-100] if file.suffix == ".safetensors" else content
        (folder / file.name).write_bytes(cut)
    study = read_study(write(tmp_path, "llava", str(folder)))
    told = measured._in_process(study, folder, {}, "cpu")
    assert isinstance(told, str)
    assert told.startswith(str(folder))
    assert "\n" not in told
