"""A study whose jobs write a few bytes, and can be told to dawdle, to fail or to die.

Beside the folder of runs, rules.json says what (label part -> action), and every job begun is noted in
`journal`. Run as a script, it runs the toy study: toy.py RUNS WORKERS, or under submitit's local executor:
toy.py RUNS WORKERS SLURM_FILE.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from uqs.errors import UserError
from uqs.evaluation.evaluate import Evaluation
from uqs.evaluation.record import Recording
from uqs.metrics.base import MetricResult, PerSample
from uqs.records import Measurement
from uqs.studies.jobs import TRAINING, Job
from uqs.studies.plan import Plan, make_plan
from uqs.studies.references import TAUGHT
from uqs.studies.run import RunOptions, run_plan
from uqs.studies.spec import Gates, MethodChoice, Model, Oracles, Study

BENCHMARKS = ("mmubench:tiny", "unlok_vqa:tiny")


def plan(gates: Gates = Gates()) -> Plan:  # noqa: B008  frozen
    study = Study(
        name="toy",
        benchmarks=BENCHMARKS,
        model=Model(name="tiny_llava"),
        oracles=Oracles(seeds=(0, 1)),
        methods=(
            MethodChoice(name="salun", hyperparameters={"lr": 0.1}),
            MethodChoice(name="salun", strength="weak", hyperparameters={"lr": 0.01}),
        ),
        seeds=(42, 7),
        metrics=("forget_accuracy", "activation_distance"),
        gates=gates,
    )
    return make_plan(study, {name: f"data of {name}" for name in BENCHMARKS}, "base")


def run(job: Job, inputs: dict[str, Path], out: Path, state: Path | None = None) -> None:
    """What a toy job does: its content follows from its key and its inputs."""
    bench = out.parents[3]
    with (bench / "journal").open("a") as journal:
        journal.write(f"{job.key} {os.getpid()}\n")
    seen = [(role, (folder / "digest").read_text()) for role, folder in sorted(inputs.items())]
    digest = hashlib.sha256(json.dumps([job.key, seen]).encode()).hexdigest()
    (out / "digest").write_text(digest)
    failed, dropped, answered = False, [], 1.0
    for part, action in json.loads((bench / "rules.json").read_text()).items():
        if part in job.label:
            failed |= action == "fail gates"
            dropped += action.split()[1:] if action.startswith("drop ") else []
            answered = 0.5 if action == "learn half" else answered
            _act(action, job, out)
    (out / "more").write_text(digest * 10)
    if job.kind == "gates":
        (out / "gates.json").write_text(json.dumps(_gates(failed, dropped)))
    if job.kind == "measure":
        dropped = json.loads((inputs["gates"] / "gates.json").read_text())["dropped"]
        standing = [s for s in job.params["oracle_seeds"] if f"oracle_{s}" not in dropped]
        Evaluation(_measurements(standing, digest), {}).write(out)
    if job.kind == "trace":
        Recording({}).write(out)
    if job.kind == "train":
        (out / TAUGHT).write_text(json.dumps({"share": job.params.get("share")}))
        outcome = {"steps": 30, "stop": None, "collapse": None, "answered": answered}
        (out / TRAINING).write_text(json.dumps({**outcome, "losses": [1.0]}))


def _act(action: str, job: Job, out: Path) -> None:
    match action.split():
        case ["sleep", seconds]:
            time.sleep(float(seconds))
        case ["user"]:
            raise UserError("lower lr (0.1)")
        case ["bug"]:
            raise ZeroDivisionError("a fault")
        case ["threads"]:
            threads = [os.environ.get(name) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")]
            (out / "threads").write_text(json.dumps(threads))
        case ["die"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["die", times]:
            begun = (out.parents[3] / "journal").read_text().count(f"{job.key} ")
            if begun <= int(times):
                os.kill(os.getpid(), signal.SIGKILL)


def _gates(failed: bool, dropped: list[str]) -> dict[str, object]:
    gate = "original_forget_accuracy"
    return {
        "passed": not failed,
        "stop": [gate] if failed else [],
        "dropped": {model: ["oracle_forget_entities"] for model in dropped},
        "checks": [{"gate": gate, "passed": not failed}],
    }


def _measurements(seeds: list[int], digest: str) -> list[MetricResult]:
    value = int(digest[:8], 16) / 16**8
    accuracy = MetricResult(
        Measurement("FA", "forget", value, None, 10),
        None,
        PerSample(("1", "2"), ("a", "b"), np.array([value, value / 2])),
    )
    distances = [
        MetricResult(Measurement("AD", "forget", value + seed, None, 10), seed) for seed in seeds
    ]
    return [accuracy, *distances]


if __name__ == "__main__":
    # a shell's background jobs, and what they start, ignore it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        options = RunOptions(Path(sys.argv[1]), int(sys.argv[2]), plain=True, work="toy:run")
        if len(sys.argv) > 3:
            options = replace(options, executor="slurm", slurm=Path(sys.argv[3]))
        run_plan(plan(), options, Console(stderr=True))
    except KeyboardInterrupt:
        sys.exit(130)
