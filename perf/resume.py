"""A training whose worker gets SIGKILL and is started again: what is lost, and what keeping states costs.

    python perf/resume.py > perf/resume.md

One original of a small study is trained by a real worker process (`uqs.studies`): left alone, killed with no
state kept, and killed with a state every three seconds. Each kill comes after two thirds of the time that the
training takes alone, start of the worker aside. `lost` is the time of both processes less that of the
training left alone. Whether it ends the same is looked up in the hashes of all files of its job. Seconds
depend on what else the machine does; how many steps are taken again does not.

Then the time that one state takes, for an adapter and for full fine-tuning of the shipped base, and its share
of the default interval.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from rich.console import Console

from uqs.io import PART
from uqs.methods.base import trainable
from uqs.methods.resume import LiveState
from uqs.methods.retrain import Retrain
from uqs.methods.settings import DEFAULT_TRAINER
from uqs.methods.state_files import StateFolder
from uqs.models import adapter
from uqs.models.reference import Reference
from uqs.models.settings import AdapterSettings
from uqs.models.tiny_llava import TinyLlava
from uqs.studies.jobs import Job
from uqs.studies.plan import Plan
from uqs.studies.run import RunOptions, make_jobs, plan_study
from uqs.studies.store import Store

STEPS = 120
EVERY = 3.0  # seconds
STUDY = """
name: resume
benchmarks: [unlok_vqa:tiny]
model: {{name: tiny_llava, adapter: {{kind: lora, r: 16, alpha: 32, targets: language.all+projector}}}}
training: {{criterion: 1.0, check_every: {steps}, max_steps: {steps}, lr: 1.0e-4, batch_size: 16}}
trainer: {{save_every_minutes: {minutes}}}
originals: shared
oracles: {{seeds: [0, 1]}}
methods: [{{name: gradient_ascent, steps: 1, lr: 1.0e-4}}]
seeds: [1]
"""


def plan(folder: Path) -> tuple[Plan, Job, Job]:
    """The study's plan, and its two first jobs: the base and the original."""
    found = plan_study(folder / "study.yaml")
    base = next(job for job in found.jobs if job.kind == "base")
    original = next(job for job in found.jobs if job.params.get("role") == "original")
    return found, base, original


def make(folder: Path) -> None:
    """Make both jobs, as `uqs run` does, or what is missing of them."""
    found, base, original = plan(folder)
    store = Store(folder / "runs")
    with store.lock():
        store.clean()
        options, console = RunOptions(folder / "runs", 1, plain=True), Console(stderr=True)
        make_jobs("resume", [base, original], store, options, console, found.study.arithmetic)


def started(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, __file__, "make", str(folder)], stderr=subprocess.PIPE, text=True
    )


def worker_of(process: subprocess.Popen[str]) -> int:
    """The worker is the child that was spawned with the pipe of its jobs."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in children:
        if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text():
            return int(child)
    raise RuntimeError("no worker process")


def wait_for(store: Store, key: str, process: subprocess.Popen[str]) -> float:
    """The moment at which the job begins."""
    while not any(store.jobs.glob(f"{PART}{key}-*")):
        if process.poll() is not None:
            raise RuntimeError(f"the training failed: {process.communicate()[1]}")
        time.sleep(0.01)
    return time.monotonic()


def prepared(top: Path, name: str, minutes: float) -> Path:
    folder = top / name
    folder.mkdir()
    (folder / "study.yaml").write_text(STUDY.format(steps=STEPS, minutes=minutes))
    return folder


def left_alone(folder: Path) -> float:
    """Seconds that the training took."""
    process = started(folder)
    process.communicate()
    manifest = Store(folder / "runs").manifest(plan(folder)[2].key)
    if manifest is None:
        raise RuntimeError("the training failed")
    return manifest.seconds


def killed(folder: Path, after: float) -> tuple[float, float, str]:
    """Seconds of the worker until it is killed and of the one that ends the work, and how that began."""
    key, store = plan(folder)[2].key, Store(folder / "runs")
    process = started(folder)
    begun = wait_for(store, key, process)
    time.sleep(max(0.0, begun + after - time.monotonic()))
    os.kill(worker_of(process), signal.SIGKILL)
    first = time.monotonic() - begun
    process.communicate()
    process = started(folder)
    begun = wait_for(store, key, process)
    while not store.folder(key).is_dir():
        time.sleep(0.01)
        if process.poll() not in (None, 0):
            raise RuntimeError("the training failed")
    second = time.monotonic() - begun
    _, told = process.communicate()
    lines = [line.partition(": ")[2] for line in told.splitlines() if "goes on after" in line]
    return first, second, lines[0] if lines else "starts anew"


def files(folder: Path) -> object:
    manifest = Store(folder / "runs").manifest(plan(folder)[2].key)
    return manifest and manifest.files


def cost(kind: str) -> tuple[float, float]:
    """Megabytes of a state of the shipped base, and the median seconds of writing one, of seven."""
    vlm = TinyLlava.load(TinyLlava.base_folder())
    adapter.attach(vlm, AdapterSettings(kind=kind, targets="language.all+projector"), seed=0)
    parameters = trainable(vlm)
    optimizer = torch.optim.AdamW(parameters.values(), fused=True)
    for parameter in parameters.values():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    live = LiveState(
        vlm.model.device,
        parameters,
        optimizer,
        Reference(vlm),
        {},
        torch.Generator(),
        Retrain(8, 0.0),
    )
    seconds = []
    with TemporaryDirectory() as folder:
        kept = StateFolder(Path(folder) / "state", "key", 5.0, print)
        for step in range(7):
            begin = time.perf_counter()
            kept.write(step, live.identity(), live.numbers(), live.tensors())
            seconds.append(time.perf_counter() - begin)
        size = sum(file.stat().st_size for file in kept.folder.iterdir()) / 1e6
    return size, sorted(seconds)[3]


def main() -> None:
    torch.set_num_threads(1)
    print("# Killed trainings\n")
    print((__doc__ or "").split("\n\n", 2)[2])
    with TemporaryDirectory() as name:
        top = Path(name)
        alone = prepared(top, "alone", 1000)
        whole = left_alone(alone)
        print(f"Left alone: {STEPS} steps in {whole:.1f} s, load of the base included.\n")
        print("| states | killed after (s) | then | further (s) | lost (s) | same files |")
        print("|---|---|---|---|---|---|")
        for label, minutes in (("none", 1000), (f"every {EVERY:g} s", EVERY / 60)):
            folder = prepared(top, label.replace(" ", "_"), minutes)
            first, second, how = killed(folder, whole * 2 / 3)
            lost, same = first + second - whole, files(folder) == files(alone)
            print(
                f"| {label} | {first:.1f} | {how} | {second:.1f} | {lost:.1f} | {'yes' if same else 'NO'} |"
            )
    print("\n| what is trained | a state (MB) | one takes (s) | of 5 minutes |")
    print("|---|---|---|---|")
    for kind in ("lora", "full"):
        size, seconds = cost(kind)
        share = seconds / 60 / DEFAULT_TRAINER.save_every_minutes
        print(f"| {kind} | {size:.1f} | {seconds:.3f} | {share:.3%} |")


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        make(Path(sys.argv[2])) if sys.argv[1:2] == ["make"] else main()
