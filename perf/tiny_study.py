"""What the tiny model's own ways save: a training step with the short pass, and a trace with merged adapters.

Each pair is made in turn in one process with one thread; processor seconds, medians.

    python perf/tiny_study.py > perf/tiny_study.md
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import torch

from uqs import benchmarks
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.streams import Stream
from uqs.models import adapter, short_pass
from uqs.models.settings import AdapterSettings
from uqs.models.tiny_llava import TinyLlava
from uqs.models.vlm import VLM
from uqs.studies.work import quiet
from uqs.traces import one_pass
from uqs.traces.settings import TraceSettings

PAIRS = 7
STEPS = 12
ADAPTER = AdapterSettings(kind="lora", r=16, alpha=32, targets="language.all+projector")
BENCHMARKS = ("mllmu_bench:tiny", "unlok_vqa:tiny", "mmubench:tiny")


@contextmanager
def without_short_pass() -> Iterator[None]:
    kept = short_pass.fits
    short_pass.fits = lambda _: False
    try:
        yield
    finally:
        short_pass.fits = kept


@contextmanager
def without_merging() -> Iterator[None]:
    kept = one_pass.merged
    one_pass.merged = lambda _: nullcontext()
    try:
        yield
    finally:
        one_pass.merged = kept


def seconds(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def model() -> TinyLlava:
    vlm = TinyLlava.load(TinyLlava.base_folder())
    adapter.attach(vlm, ADAPTER, seed=0)
    for name, parameter in vlm.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    return vlm


def steps(vlm: VLM, name: str) -> Callable[[], object]:
    """Forward and backward passes over the same batches of 32."""
    encoded = vlm.encode(benchmarks.load(name).learn["retain"].samples)
    drawn = Stream.of(encoded, 32).batches(torch.Generator().manual_seed(0))
    batches = [vlm.batch(encoded, next(drawn)) for _ in range(STEPS)]

    def work() -> None:
        for batch in batches:
            answer_cross_entropy(vlm, batch).backward()

    return work


def trace(vlm: VLM, name: str) -> Callable[[], object]:
    split = benchmarks.load(name).evaluate["forget"]
    return lambda: one_pass.trace_split(vlm, split, TraceSettings())


def main() -> None:
    quiet(torch.device("cpu"))
    torch.set_num_threads(1)
    print("# The tiny study's own ways\n")
    print("Made by `perf/tiny_study.py`. " + str(__doc__).split("\n\n")[1] + "\n")
    print("| what | benchmark | plain, ms | own way, ms | plain over own (range of pairs) |")
    print("|---|---|---:|---:|---:|")
    vlm = model()
    for what, work_of, plainly, per in (
        ("one training step of 32, passes alone", steps, without_short_pass, STEPS),
        ("trace of the forget split", trace, without_merging, 1),
    ):
        for name in BENCHMARKS:
            work = work_of(vlm, name)
            work()
            plain, own = [], []
            for _ in range(PAIRS):
                with plainly():
                    plain.append(seconds(work) / per)
                own.append(seconds(work) / per)
            ratios = sorted(one / other for one, other in zip(plain, own, strict=True))
            first, second = (1000 * statistics.median(found) for found in (plain, own))
            print(
                f"| {what} | {name} | {first:.0f} | {second:.0f} |"
                f" {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |"
            )


if __name__ == "__main__":
    main()
