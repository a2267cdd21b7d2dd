"""Gates on models with something planted: train one as `studies/tiny.yaml` does, print what gates read of it.

    python perf/gates_planted.py mllmu_bench:tiny oracle 0 --forget 0.25
    python perf/gates_planted.py mllmu_bench:tiny oracle 0 --holdout 1

A share of the forget entities (by the questions that originals learn) or of the holdout entities (by the
questions that are measured) is added to the training set. `ATEN_CPU_CAPABILITY=default` and
`MKL_CBWR=COMPATIBLE` stand in for other processors. One line of perf/gates_planted.md a call.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from uqs import benchmarks, registry
from uqs.methods.retrain import Retrain
from uqs.methods.settings import TrainerSettings
from uqs.methods.trainer import Schedule, train
from uqs.models import adapter, corpus
from uqs.records import Role, Sample, Split
from uqs.studies.gates import SHUFFLED, Limits, knowledge, shuffled_pictures
from uqs.studies.jobs import Job
from uqs.studies.spec import read_study
from uqs.studies.work import job_seed, quiet
from uqs.traces.one_pass import trace_split
from uqs.traces.settings import TraceSettings

STUDY = Path(__file__).parents[1] / "studies" / "tiny.yaml"


def part(split: Split, share: float, seed: int) -> tuple[Sample, ...]:
    """All questions of a share of the entities."""
    entities = sorted(split.entities)
    order = np.random.default_rng(seed).permutation(len(entities))
    chosen = {entities[i] for i in order[: round(share * len(entities))]}
    return tuple(sample for sample in split.samples if sample.entity in chosen)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("benchmark")
    parser.add_argument("role", choices=["original", "oracle"])
    parser.add_argument("seed", type=int)
    parser.add_argument("--forget", type=float, default=0.0)
    parser.add_argument("--holdout", type=float, default=0.0)
    asked = parser.parse_args()
    quiet()
    torch.set_num_threads(1)
    study, data = read_study(STUDY), benchmarks.load(asked.benchmark)
    training = study.training.on(asked.benchmark.partition(":")[0])
    share = 1.0 if asked.role == Role.ORIGINAL else asked.forget
    learn = (
        *part(data.learn["forget"], share, 0),
        *part(data.evaluate["holdout"], asked.holdout, 1),
        *data.learn["retain"].samples,
    )
    family = registry.get("model", study.model.name)
    vlm = family.load(family.base_folder(), quantised=False)
    adapter.attach(vlm, study.model.adapter, seed=training.init_seed)
    method = Retrain(training.batch_size, training.replay)
    parts = {
        "learn": Split("learn", learn),
        "replay": Split("replay", tuple(corpus.samples("base"))),
    }
    about = {"benchmark": asked.benchmark, "role": asked.role, "seed": asked.seed}
    generator = torch.Generator().manual_seed(job_seed(Job("train", "", about, {})))
    streams = method.streams(vlm, parts, generator)
    train(vlm, method, streams, Schedule(training.steps, training.lr), generator, TrainerSettings())
    both = Split(SHUFFLED, (*data.evaluate["forget"].samples, *data.evaluate["retain"].samples))
    shuffled = shuffled_pictures(both, np.random.default_rng(0))
    splits = [data.evaluate[name] for name in ("forget", "retain", "holdout")]
    settings = TraceSettings()
    named = zip(("forget", "retain", "holdout"), splits, strict=True)
    traces = {name: trace_split(vlm, Split(name, one.samples), settings) for name, one in named}
    traces[SHUFFLED] = trace_split(vlm, shuffled, settings)
    found = knowledge(traces, Limits())
    accuracy = " | ".join(f"{found.accuracy[name]:.3f}" for name in ("forget", "retain", "holdout"))
    known = " | ".join(f"{found.entities[name]:.2f}" for name in ("forget", "holdout"))
    print(f"| {asked.benchmark} {asked.role} {asked.seed} | {accuracy} | {known} |")


if __name__ == "__main__":
    main()
