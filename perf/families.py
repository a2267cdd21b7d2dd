"""One study file from end to end on a tiny random model of every family; only the model line differs.

    python perf/families.py [--family NAME ...] [--out perf/families.md]

Base, original, two oracles, one unlearned model, traces and measurement of each, on four entities of a tiny
edition. The models know nothing and learn nothing in two steps: this shows that the way is open. Writes the
table only if every family was run.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from uqs.models import corpus
from uqs.models.families import family_of

HERE = Path(__file__).parent
STUDY = """\
name: families
benchmarks: [unlok_vqa:tiny]
model: {{name: {name}, path: {path}, adapter: {{r: 4, alpha: 8, targets: language.all}}}}
training: {{max_steps: 2, check_every: 2, check_questions: 4, batch_size: 4, lr: 1.0e-3}}
originals: shared
oracles: {{seeds: [0, 1]}}
methods: [{{name: gradient_ascent, steps: 2, batch_size: 4}}]
seeds: [42]
metrics: [forget_accuracy, activation_distance, jensen_shannon, oracle_distance]
gates: {{accuracy: 0, known: 1, entities: 1, share: 1}}
traces: {{max_new_tokens: 8}}
"""
METRICS = ("AD", "JS", "oracle_distance")
NO_TEXT = {"text_lm"}
"""Reads no pictures, and every tiny edition has some."""


class Found(NamedTuple):
    """What came of one family: rows of the unlearned model by metric, and seconds of the whole run."""

    family: str
    model: str
    seconds: float
    values: dict[str, float]


def builders() -> Any:
    path = HERE.parent / "scripts" / "tiny_families.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(tiny: Any, model: str, root: Path) -> Found:
    folder = tiny.write(model, root / model, corpus.words())
    family = family_of(folder).name
    study, runs = root / f"{model}.yaml", root / "runs" / model
    study.write_text(STUDY.format(name=family, path=folder))
    begin = time.perf_counter()
    uqs = str(Path(sys.executable).with_name("uqs"))
    command = [uqs, "run", str(study), "--limit", "4", "--workers", "1"]
    done = subprocess.run(
        [*command, "--plain", "--runs", str(runs)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{model}: {done.stderr[-3000:]}")
    rows = pd.read_parquet(next(runs.glob("*/results.parquet")))
    own = rows[rows["role"] == "unlearned"]
    told = own[own["metric"].isin(METRICS)]
    assert set(told["metric"]) == set(METRICS), (model, sorted(own["metric"]))
    # a random model may say nothing, and then has no values
    assert set(told["status"]) <= {"ok", "collapsed"}, (model, sorted(told["status"]))
    values = told.dropna(subset=["value"]).groupby("metric")["value"].mean().to_dict()
    assert all(value > 0 for value in values.values()), (model, values)
    trained = {file.read_bytes() for file in runs.glob("*/jobs/*/adapter_model.safetensors")}
    assert len(trained) == 4, model  # original, two oracles and the unlearned model all differ
    return Found(family, model, time.perf_counter() - begin, values)


def page(found: list[Found]) -> str:
    lines = [
        "# One study on every family",
        "",
        f"`python perf/families.py`: {len(found)} models of {len({one.family for one in found})} families, "
        "tiny and random, in the hub's layout. The same study file, but for the model line, from the base to "
        "the results table: 14 jobs each. AD, JS and the distance to the oracles are of models that learnt "
        "nothing in two steps; they only show that something was computed. A random model that says nothing, "
        "or the same to everything, is rightly called collapsed and has no value; its adapters differ all "
        "the same. Seconds are of a busy machine.",
        "",
        "| model | family | seconds | AD | JS | oracle_distance |",
        "|---|---|---|---|---|---|",
    ]
    for one in found:
        three = " | ".join(
            f"{one.values[m]:.3g}" if m in one.values else "collapsed" for m in METRICS
        )
        lines.append(f"| {one.model} | {one.family} | {one.seconds:.0f} | {three} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    tiny = builders()
    every = [name for name in tiny.BUILDERS if name not in NO_TEXT]
    parser.add_argument("--family", nargs="*", choices=every, default=every)
    parser.add_argument("--out", type=Path, default=HERE / "families.md")
    given = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as root:
        for model in given.family:
            found.append(run(tiny, model, Path(root)))
            print(found[-1], flush=True)
    if len(found) == len(every):
        given.out.write_text(page(found))


if __name__ == "__main__":
    main()
