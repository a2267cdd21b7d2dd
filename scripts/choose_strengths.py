"""Choose the learning rate of every method by one declared rule, and write what was tried.

    python scripts/choose_strengths.py [--out docs/strengths.md]

The rule: every method gets the same trials (the learning rates of GRID, its default steps and batch size)
on the tiny editions, from originals of a seed that no study uses. Of each method the largest rate is taken
that keeps, on average over the benchmarks, at least KEPT of the original's accuracy on *validation* retain
questions, which no study measures; if none does, the smallest. Forget questions are never consulted, so
forget accuracy comes out as it will. The rates found are the defaults in src/uqs/methods/settings.py.
GRID was extended once, downwards to 5e-5: in a first pass no rate of gradient ascent kept enough.
"""

from __future__ import annotations

import argparse
import copy
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from transformers.utils import logging

from uqs import benchmarks, registry
from uqs.methods.retrain import Retrain
from uqs.methods.settings import SETTINGS
from uqs.methods.trainer import Schedule, train
from uqs.metrics.accuracy import right_answers
from uqs.models import adapter, corpus
from uqs.models.tiny_llava import TinyLlava
from uqs.models.vlm import VLM
from uqs.records import Benchmark, Picture, Sample, Split
from uqs.study.spec import read_study
from uqs.traces.one_pass import TraceSettings, trace_split

GRID = (5e-5, 1e-4, 2e-4, 4e-4, 8e-4, 1.6e-3, 3.2e-3)
KEPT = 0.9
SEED = 7
STUDY = Path("studies/tiny.yaml")


def validation(data: Benchmark, limit: int) -> Split:
    """Taught retain questions that the study does not measure."""

    def what(sample: Sample) -> tuple[str, str, Picture | None]:
        return sample.entity, sample.text, sample.picture

    measured = set(map(what, data.evaluate["retain"].samples))
    rest = [s for s in data.learn["retain"].samples if what(s) not in measured]
    rng = np.random.default_rng(SEED)
    picked = sorted(rng.choice(len(rest), min(limit, len(rest)), replace=False))
    return Split("validation", tuple(rest[i] for i in picked))


def accuracy(vlm: VLM, split: Split) -> float:
    return float(right_answers(trace_split(vlm, split, TraceSettings())).mean())


def original(data: Benchmark) -> VLM:
    """An original of the tuning seed, trained as the study trains its own."""
    study = read_study(STUDY)
    vlm = TinyLlava.load(TinyLlava.base_folder())
    adapter.attach(vlm, study.model.adapter, seed=study.training.init_seed)
    training = study.training.on(data.name)
    method = Retrain(training.batch_size, training.replay)
    learn = (*data.learn["forget"].samples, *data.learn["retain"].samples)
    parts = {
        "learn": Split("learn", learn),
        "replay": Split("replay", tuple(corpus.samples("base"))),
    }
    generator = torch.Generator().manual_seed(SEED)
    streams = method.streams(vlm, parts, generator)
    train(vlm, method, streams, Schedule(training.steps, training.lr), generator)
    return vlm


class Trial(NamedTuple):
    """One trial on one benchmark; method `original` is the untouched start."""

    method: str
    lr: float
    validation_accuracy: float
    forget_accuracy: float


def trials(name: str) -> list[Trial]:
    """Every trial on one benchmark."""
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    data = benchmarks.load(name)
    start, held = original(data), validation(data, 300)
    found = [
        Trial("original", 0.0, accuracy(start, held), accuracy(start, data.evaluate["forget"]))
    ]
    for method_name in SETTINGS:
        for lr in GRID:
            vlm = TinyLlava(copy.deepcopy(start.model), start.processor)
            method = registry.get("method", method_name)(SETTINGS[method_name](lr=lr))
            generator = torch.Generator().manual_seed(SEED)
            streams = dict(method.streams(vlm, data.unlearn, generator))
            train(vlm, method, streams, Schedule(method.settings.steps, lr), generator)
            after = accuracy(vlm, held), accuracy(vlm, data.evaluate["forget"])
            found.append(Trial(method_name, lr, *after))
            print(name, *found[-1], flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs/strengths.md"))
    out = parser.parse_args().out
    names = read_study(STUDY).benchmarks
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        found = {
            name: {(trial.method, trial.lr): trial for trial in of}
            for name, of in zip(names, pool.map(trials, names), strict=True)
        }
    lines = [
        "# Strengths of the built-in methods",
        "",
        *(line.strip() for line in (__doc__ or "").split("\n\n", 2)[2].strip().splitlines()),
        "",
        f"GRID = {', '.join(f'{lr:g}' for lr in GRID)}; KEPT = {KEPT:.0%}; seed {SEED}. Forget accuracy "
        "stands here for the reader alone.",
        "",
        "| method | lr | validation accuracy kept | " + " | ".join(f"FA {n}" for n in names) + " |",
        "|---|---|---|" + "---|" * len(names),
    ]
    for method in SETTINGS:
        kept = {
            lr: np.mean(
                [
                    found[n][method, lr].validation_accuracy
                    / found[n]["original", 0.0].validation_accuracy
                    for n in names
                ]
            )
            for lr in GRID
        }
        chosen = max((lr for lr in GRID if kept[lr] >= KEPT), default=GRID[0])
        for lr in GRID:
            mark = f"**{lr:g}**" if lr == chosen else f"{lr:g}"
            forgets = " | ".join(f"{found[n][method, lr].forget_accuracy:.2f}" for n in names)
            lines.append(f"| {method} | {mark} | {kept[lr]:.0%} | {forgets} |")
        print(f"{method}: lr {chosen:g}", flush=True)
    out.write_text("\n".join(lines) + "\n")
    print(f"written: {out}")


if __name__ == "__main__":
    main()
