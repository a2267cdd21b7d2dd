"""Measures a study's base: loads it, times a few steps and traced questions, and reads the peak of memory.

Runs in a process of its own, which is set up like a worker.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from uqs import registry
from uqs.evaluation.evaluate import evaluate
from uqs.methods.base import trainable
from uqs.methods.settings import TrainerSettings
from uqs.methods.trainer import answers_right
from uqs.metrics.base import Evidence, References
from uqs.models import adapter
from uqs.models.encodings import MOST
from uqs.models.vlm import VLM
from uqs.records import Role, Split
from uqs.studies.estimate.costs import Costs
from uqs.studies.estimate.passes import timed_steps
from uqs.studies.estimate.probes import Probe, Probed
from uqs.studies.estimate.ranges import Range, total
from uqs.studies.spec import Study
from uqs.studies.work import quiet
from uqs.traces.file import ARRAYS
from uqs.traces.one_pass import trace_split
from uqs.traces.settings import TraceSettings
from uqs.traces.trace import BY_LAYER, Trace

SLOW = 20.0
"""Seconds after which a base is not loaded a second time."""
FIRST = 4
"""Questions of a split that are traced first, to see whether there is time for more."""
MOST_SECONDS = 30.0
"""After so long on a benchmark, the splits that were not traced are taken to cost as much as the others."""


def probe(study: Study, base: Path, probes: Mapping[str, Probe], device: str) -> Probed:
    """Everything, in a process that has done nothing before."""
    quiet(torch.device(device))
    torch.set_num_threads(1)
    clock = clock_of(device)
    first = clock()
    vlm = _loaded(study, base, device, study.model.dtype)
    load = clock() - first
    start = Range.timed([time.process_time()])
    if load < SLOW:  # the first time, libraries are imported too
        del vlm
        again = clock()
        vlm = _loaded(study, base, device, study.model.dtype)
        load = clock() - again
    adapter.attach(vlm, study.model.adapter, seed=0)
    checkpoint = sum(p.numel() * p.element_size() for p in trainable(vlm).values())
    trained = {name: _trained(vlm, one, study.trainer, clock) for name, one in probes.items()}
    training_peak = peak(device)
    if study.traces.precision != study.model.dtype:
        del vlm
        vlm = _loaded(study, base, device, study.traces.precision)
        adapter.attach(vlm, study.model.adapter, seed=0)
    vlm.model.requires_grad_(False)
    settings = TraceSettings(**study.traces.model_dump(exclude={"precision"}))
    costs = {
        name: Costs(**trained[name], **_traced(vlm, one, settings, study.metrics, clock))
        for name, one in probes.items()
    }
    peaks = training_peak, peak(device), peak("cpu")
    return Probed(costs, Range.timed([load]), start, checkpoint, *peaks)


def clock_of(device: str) -> Callable[[], float]:
    """Seconds: of the processor, so that other programs do not count, or of a GPU that is waited for."""
    if torch.device(device).type == "cpu":
        return time.process_time

    def waited() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return waited


def peak(device: str) -> int:
    """The most bytes held until now, by this process or in a GPU's memory."""
    if torch.device(device).type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _loaded(study: Study, base: Path, device: str, dtype: str) -> VLM:
    attention = {"attn_implementation": study.model.attention} if study.model.attention else {}
    vlm: VLM = registry.get("model", study.model.name).load(
        base,
        dtype=getattr(torch, dtype),
        load_in="4bit" if study.model.adapter.kind == "qlora" else study.model.load_in,
        options=attention,
    )
    vlm.model.to(device)
    return vlm


def _trained(
    vlm: VLM, one: Probe, trainer: TrainerSettings, clock: Callable[[], float]
) -> dict[str, Any]:
    begin = clock()
    encoded = vlm.encode(one.learn)
    encoding = (clock() - begin) / len(one.learn)
    steps = {
        step: timed_steps(vlm, step, one.learn, one.replay, trainer, one.seconds, clock)
        for step in one.steps
    }
    by_question = [seconds * (1 / (step.batch * step.training)) for step, seconds in steps.items()]
    size = min(max((step.batch for step in one.steps), default=8), len(one.learn))
    vlm.model.eval()
    with torch.no_grad():
        batch = vlm.batch(encoded, range(size))
        answers_right(vlm, batch)
        begin = clock()
        answers_right(vlm, batch)
        looking = (clock() - begin) / size
    return {
        "steps": steps,
        "trained": by_question[0] if by_question else Range(0, 0),
        "looked": Range.timed([looking]),
        "encoded": Range.timed([encoding]),
    }


def _traced(
    vlm: VLM,
    one: Probe,
    settings: TraceSettings,
    metrics: Sequence[str],
    clock: Callable[[], float],
) -> dict[str, Any]:
    """Each split by itself, for their questions cost differently, as long as there is time; then as the mean.

    Where a whole trace's pictures are too large to be kept, each model's questions are encoded again.
    """
    kept = _pictures(vlm, one) < MOST
    traces: dict[str, Trace] = {}
    found: dict[str, Range] = {}
    begin = clock()
    for name, samples in one.asked.items():
        if clock() - begin > MOST_SECONDS and traces:
            break
        few = Split(name, samples[:FIRST])
        traces[name], spent = _timed(vlm, few, settings, clock)
        found[name] = Range.timed([spent])
        if spent * len(samples) < one.seconds:
            some = Split(name, samples)
            traces[name], first = _timed(vlm, some, settings, clock)
            _, again = _timed(vlm, some, settings, clock)
            found[name] = Range.timed([again if kept else first])
    mean = total(found.values()) * (1 / len(found))
    whole = total(found.get(name, mean) * size for name, size in one.sizes.items())
    number = sum(one.sizes.values())
    held = sum(nbytes(trace) for trace in traces.values())
    share = sum(map(len, traces.values())) / number
    evidence = Evidence(traces)
    begin = clock()
    evaluate(
        metrics, evidence, References({0: evidence, 1: evidence}, evidence), role=Role.ORIGINAL
    )
    measuring = clock() - begin
    return {
        "traced": whole * (1 / number),
        "measuring": Range(measuring, measuring / share),
        "trace_bytes": Range.timed([held / sum(map(len, traces.values()))]),
    }


def _timed(
    vlm: VLM, split: Split, settings: TraceSettings, clock: Callable[[], float]
) -> tuple[Trace, float]:
    """A trace, and the seconds of a question."""
    begin = clock()
    trace = trace_split(vlm, split, settings)
    return trace, (clock() - begin) / len(split)


def _pictures(vlm: VLM, one: Probe) -> float:
    """Bytes of the pictures that a whole trace shows, as model inputs."""
    found = 0.0
    for name, samples in one.asked.items():
        encoded = vlm.encode(samples[:FIRST])
        held = sum(tensor.nbytes for shown in encoded.pictures for tensor in shown.values())
        found += held / len(samples[:FIRST]) * one.sizes[name]
    return found


def nbytes(trace: Trace) -> int:
    """Bytes of a trace's arrays, as its file holds them."""
    layers = sum(kept.nbytes for name in BY_LAYER for kept in getattr(trace, name).values())
    return int(layers + sum(getattr(trace, name).nbytes for name in ARRAYS))
