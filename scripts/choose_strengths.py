"""Choose the learning rate of every method by one declared rule, and write what was tried.

    python scripts/choose_strengths.py [--out docs/strengths.md]

The rule: every method gets the same trials (the learning rates of GRID, its default steps and batch size)
on the tiny editions, from originals of a seed that no study uses. Of each method the largest rate is taken
that keeps, on average over the benchmarks, at least KEPT of the original's accuracy on *validation* retain
questions, which no study measures; if none does, the smallest. Forget questions are never consulted, so
forget accuracy comes out as it will. The rates found are the defaults in src/uqs/methods/settings.py.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Iterator
from pathlib import Path

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
from uqs.records import Benchmark, Split
from uqs.study.spec import read_study
from uqs.traces.one_pass import TraceSettings, trace_split

GRID = (1e-4, 2e-4, 4e-4, 8e-4, 1.6e-3, 3.2e-3)
KEPT = 0.9
SEED = 7
STUDY = Path("studies/tiny.yaml")


def validation(data: Benchmark, limit: int) -> Split:
    """Taught retain questions that are not measured; all of them where the study measures every one."""
    measured = {(s.entity, s.text) for s in data.evaluate["retain"].samples}
    rest = [s for s in data.learn["retain"].samples if (s.entity, s.text) not in measured]
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
    method = Retrain(study.training.batch_size, study.training.replay)
    learn = (*data.learn["forget"].samples, *data.learn["retain"].samples)
    parts = {
        "learn": Split("learn", learn),
        "replay": Split("replay", tuple(corpus.samples("base"))),
    }
    generator = torch.Generator().manual_seed(SEED)
    streams = method.streams(vlm, parts, generator)
    train(vlm, method, streams, Schedule(study.training.steps, study.training.lr), generator)
    return vlm


def trials(name: str) -> Iterator[tuple[str, float, float, float]]:
    """(method, lr, validation accuracy, forget accuracy) of every trial on one benchmark."""
    data = benchmarks.load(name)
    start, held = original(data), validation(data, 300)
    yield "original", 0.0, accuracy(start, held), accuracy(start, data.evaluate["forget"])
    for method_name in SETTINGS:
        for lr in GRID:
            vlm = TinyLlava(copy.deepcopy(start.model), start.processor)
            method = registry.get("method", method_name)(SETTINGS[method_name](lr=lr))
            generator = torch.Generator().manual_seed(SEED)
            streams = dict(method.streams(vlm, data.unlearn, generator))
            train(vlm, method, streams, Schedule(method.settings.steps, lr), generator)
            yield method_name, lr, accuracy(vlm, held), accuracy(vlm, data.evaluate["forget"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs/strengths.md"))
    out = parser.parse_args().out
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    names = [name for name in read_study(STUDY).benchmarks]
    found = {name: {(m, lr): (kept, fa) for m, lr, kept, fa in trials(name)} for name in names}
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
            lr: np.mean([found[n][method, lr][0] / found[n]["original", 0.0][0] for n in names])
            for lr in GRID
        }
        chosen = max((lr for lr in GRID if kept[lr] >= KEPT), default=GRID[0])
        for lr in GRID:
            mark = f"**{lr:g}**" if lr == chosen else f"{lr:g}"
            forgets = " | ".join(f"{found[n][method, lr][1]:.2f}" for n in names)
            lines.append(f"| {method} | {mark} | {kept[lr]:.0%} | {forgets} |")
        print(f"{method}: lr {chosen:g}", flush=True)
    out.write_text("\n".join(lines) + "\n")
    print(f"written: {out}")


if __name__ == "__main__":
    main()
