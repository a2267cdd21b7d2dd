"""Does tracing need more memory for more samples? Prints Markdown: `python perf/trace_memory.py`.

The questions of one benchmark again and again under new ids, traced and written part by part, each count in a
process of its own.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import platform
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from uqs import benchmarks
from uqs.records import Sample, Split

COUNTS = (320, 1280, 5120, 20480)


def samples(count: int) -> tuple[Sample, ...]:
    known = benchmarks.load("mllmu_bench:tiny").evaluate["retain"].samples
    return tuple(replace(known[i % len(known)], id=f"{i}") for i in range(count))


def child(count: int) -> None:
    from uqs.models.llava import Llava
    from uqs.models.settings import BASES
    from uqs.traces.file import write_traces
    from uqs.traces.one_pass import trace_parts
    from uqs.traces.settings import TraceSettings

    vlm = Llava.load(BASES["tiny_llava"])
    settings = TraceSettings(max_new_tokens=8)
    with tempfile.TemporaryDirectory() as folder:
        parts = trace_parts(vlm, Split("retain", samples(count)), settings)
        write_traces(parts, Path(folder), {})
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            print(f"| {count} | {float(line.split()[1]) / 1024:.0f} | {size / 2**20:.0f} |")


def main() -> None:
    print("# Memory of tracing\n")
    print(f"Python {platform.python_version()}, tiny LLaVA, one thread, batches of 64.\n")
    print("| samples | peak memory, MiB | written, MiB |\n|---|---|---|", flush=True)
    for count in COUNTS:
        subprocess.run(
            [sys.executable, __file__, str(count)], check=True, stderr=subprocess.DEVNULL
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(int(sys.argv[1]))
    else:
        main()
