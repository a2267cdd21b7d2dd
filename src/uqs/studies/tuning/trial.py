"""A trial: one method at one setting on the validation part of a benchmark; runs in worker processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uqs.models.vlm import VLM
from uqs.records import Split
from uqs.studies import work
from uqs.studies.jobs import Job
from uqs.studies.tuning.validation import validation
from uqs.traces.judged import judged_by, scores
from uqs.traces.one_pass import trace_split
from uqs.traces.settings import TraceSettings

TRIAL = "trial.json"


def run(job: Job, inputs: work.Inputs, out: Path, state: Path | None = None) -> None:
    """Do one job: a trial, or a base or an original as a study makes them."""
    if job.kind != "trial":
        work.run(job, inputs, out, state)
        return
    work.quiet(work.device_of(job))
    params = job.params
    data = work.benchmark_of(job)
    judges = data.judges
    parts = validation(data, params["validation_seed"], params["questions"])
    settings = TraceSettings(max_new_tokens=params["max_new_tokens"])
    made = work.unlearned(job, inputs, parts.unlearn, state)
    found: dict[str, Any] = {"collapse": made.training.collapse, "steps": made.training.steps}
    if made.training.collapse is None:
        found |= {
            "forget_accuracy": accuracy(made.vlm, parts.forget, settings, judges),
            "retain_accuracy": accuracy(made.vlm, parts.retain, settings, judges),
        }
    (out / TRIAL).write_text(json.dumps(found))


def accuracy(vlm: VLM, split: Split, settings: TraceSettings, judges: Mapping[str, str]) -> float:
    """Mean score of the greedy answers under the benchmark's rules."""
    trace = judged_by(trace_split(vlm, split, settings), judges)
    return float(scores(trace).mean())
