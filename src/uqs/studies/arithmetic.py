"""Which instructions a study computes with, so that its bits do not depend on the processor.

A matrix product rounds differently with wider instructions, and training amplifies the last bit. With these
variables torch, MKL and oneDNN use AVX2 even where a processor has more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

Arithmetic = Literal["avx2", "native"]
AVX2 = {"MKL_CBWR": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
PROCESSOR = Path("/proc/cpuinfo")


def available(wanted: Arithmetic, processor: Path = PROCESSOR) -> Arithmetic:
    """What this machine computes with: `native` where it does not have AVX2, or does not say so."""
    try:
        described = processor.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "native"
    has = any("avx2" in line.split() for line in described.splitlines() if line.startswith("flags"))
    return wanted if has else "native"


def variables(arithmetic: Arithmetic) -> Mapping[str, str]:
    """The environment of a process that computes so. What the user set stays for `native`."""
    return {} if arithmetic == "native" else AVX2


@contextmanager
def environment(given: Mapping[str, str]) -> Iterator[None]:
    """Processes that are started in the block have these variables; libraries read them when they are
    loaded."""
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
