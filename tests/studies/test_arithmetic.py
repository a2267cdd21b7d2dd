"""The environment that fixes the arithmetic of workers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from uqs.studies.arithmetic import AVX2, available, environment, variables


def test_avx2_is_used_where_the_processor_says_that_it_has_it(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(
        "processor\t: 0\nmodel name\t: avx2 machine\nflags\t\t: fpu sse4_2 avx avx2 fma\n"
    )
    assert available("avx2", file) == "avx2"
    assert available("native", file) == "native"
    file.write_text("processor\t: 0\nmodel name\t: avx2 machine\nflags\t\t: fpu sse4_2 avx avx2x\n")
    assert available("avx2", file) == "native"
    assert available("avx2", tmp_path / "none") == "native"


def test_the_environment_is_as_it_was_behind_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)
    with environment(variables("avx2")):
        assert {name: os.environ.get(name) for name in AVX2} == AVX2
    assert os.environ["MKL_CBWR"] == "COMPATIBLE"
    assert "ATEN_CPU_CAPABILITY" not in os.environ
    with environment(variables("native")):
        assert os.environ["MKL_CBWR"] == "COMPATIBLE"
