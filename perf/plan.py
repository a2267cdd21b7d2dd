"""Is the forecast of `uqs run --plan` right? `python perf/plan.py > perf/plan.md`.

Forecasts a small study and runs it, with one worker, in a temporary folder; forecasts `studies/tiny.yaml`,
which takes minutes and is run too with `--tiny`; and counts `studies/llava15.yaml` from a configuration
without weights, on data that are made in the schema of the releases. Needs 0.3 GB of disk, with `--tiny` 1.5.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import benchmark_memory
import torch
from memory_7b import LLAVA_7B

from uqs.benchmarks import edition_path
from uqs.report.estimated import size
from uqs.report.estimated import time as spoken
from uqs.studies.estimate.ranges import Range

STUDIES = Path(__file__).parents[1] / "studies"
SMALL = """\
name: small
benchmarks: [unlok_vqa:tiny]
model: {name: tiny_llava, adapter: {kind: lora, r: 16, alpha: 32, targets: language.all+projector}}
training: {max_steps: 800, lr: 4.0e-3, batch_size: 32}
gates: {accuracy: 0, known: 1, entities: 1, share: 1}
methods: [{name: gradient_ascent, steps: 40}, {name: salun, steps: 40}, {name: npo, steps: 40}]
seeds: [42]
"""
LIMIT = 8


class Ran(NamedTuple):
    """Wall and processor seconds of a run, the most bytes of one of its processes, bytes on disk, and wall
    seconds of the jobs by kind."""

    wall: float
    processor: float
    memory: int
    disk: int
    kinds: dict[str, float]


def uqs(*words: str, folder: Path) -> str:
    program = str(Path(sys.executable).with_name("uqs"))
    done = subprocess.run(
        [program, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    return done.stdout


def forecast(study: Path, folder: Path, *options: str) -> list[Any]:
    told = uqs("run", str(study), "--plan", "--json", *options, folder=folder)
    return list(json.loads(told)["estimates"])


def ran(study: Path, folder: Path, *options: str) -> Ran:
    """Processor time is that of all processes; memory is read while they run."""
    begin, before = time.perf_counter(), os.times()
    uqs("run", str(study), "--plain", *options, folder=folder)
    after, wall = os.times(), time.perf_counter() - begin
    spent = (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )
    kinds: dict[str, float] = defaultdict(float)
    disk = 0
    for file in folder.glob("runs/*/jobs/*/manifest.json"):
        found = json.loads(file.read_text())
        kinds[found["kind"]] += found["seconds"]
        disk += sum(one["size"] for one in found["files"].values())
    return Ran(wall, spent, peak_of_children(), disk, dict(kinds))


def peak_of_children() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def span(tree: dict[str, float]) -> Range:
    return Range(tree["low"], tree["high"])


def beside(title: str, told: dict[str, Any], found: Ran | None, known: dict[str, str]) -> None:
    print(f"\n## {title}\n\n{told['how'][0]}; {told['workers']} workers.\n")
    print("| | forecast | real |\n|---|---:|---:|")
    for kind in told["kinds"]:
        real = "" if found is None else exactly(found.kinds.get(kind["kind"], 0.0))
        jobs = f"{kind['kind']} ({kind['to_make']} jobs)"
        print(f"| {jobs} | {spoken(span(kind['seconds']))} | {real} |")
    whole = {
        "all jobs": (spoken(span(told["seconds"])), found and exactly(found.processor)),
        "from beginning to end": (
            spoken(span(told["wall_seconds"])),
            found and exactly(found.wall),
        ),
        "disk": (size(span(told["disk_bytes"])), found and size(Range.exactly(found.disk))),
        "memory of the largest process": (
            size(span(told["memory_bytes_of_a_worker"])),
            found and size(Range.exactly(found.memory)),
        ),
    }
    for name, (one, other) in whole.items():
        print(f"| {name} | {one} | {other or known.get(name, '')} |")


def exactly(seconds: float) -> str:
    return spoken(Range.exactly(seconds))


def released(root: Path) -> Path:
    """The published grid: MLLMU-Bench of 500 people in the release's schema with small pictures, the other
    two with the files of the tiny editions, whose schema is theirs; the model's configuration alone."""
    (root / "data" / "mllmu_bench").mkdir(parents=True)
    benchmark_memory.SIDE = 32
    benchmark_memory.make(root / "data" / "mllmu_bench")
    for name in ("unlok_vqa", "mmubench"):
        shutil.copytree(edition_path(name, "tiny"), root / "data" / name)
    LLAVA_7B.architectures = ["LlavaForConditionalGeneration"]
    LLAVA_7B.save_pretrained(root / "llava")
    study = root / "llava15.yaml"
    text = (STUDIES / "llava15.yaml").read_text()
    study.write_text(text.replace("llava-hf/llava-1.5-7b-hf", "llava"))
    return study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="run studies/tiny.yaml too")
    given = parser.parse_args()
    print(
        f"# Forecasts\n\n`python perf/plan.py > perf/plan.md`; Python {platform.python_version()}, torch "
        f"{torch.__version__}, a busy machine with two cores. Forecasts of a CPU are in processor time, and "
        "so is `all jobs` of the real run, which has the starts of its processes too; the real seconds of a "
        "kind, and from beginning to end, are wall time, which is longer on a busy machine."
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        study = folder / "small.yaml"
        study.write_text(SMALL)
        options = "--limit", str(LIMIT), "--workers", "1"
        (told,) = forecast(study, folder, *options)
        beside(f"A small study: {LIMIT} entities a split", told, ran(study, folder, *options), {})
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        study = STUDIES / "tiny.yaml"
        (told,) = forecast(study, folder, "--workers", "2")
        found = ran(study, folder, "--workers", "2") if given.tiny else None
        known = {
            "all jobs": "11.2 min, on a quiet machine",
            "from beginning to end": "5.7 min, on a quiet machine",
        }
        beside("studies/tiny.yaml", told, found, known)
    with tempfile.TemporaryDirectory() as place:
        study = released(Path(place))
        shown = uqs("run", str(study), "--plan", "--workers", "1", folder=Path(place))
        print(
            "\n## studies/llava15.yaml, counted\n\nMLLMU-Bench of 500 people in the release's schema; "
            "UnLOK-VQA and MMUBench in the sizes of the tiny editions. No weights, no GPU.\n\n```text"
        )
        print(f"{shown.strip()}\n```")


if __name__ == "__main__":
    main()
