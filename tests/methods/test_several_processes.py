from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).with_name("several_processes.py")


def script():  # type: ignore[no-untyped-def]
    spec = importlib.util.spec_from_file_location("several_processes", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_processes_give_the_weights_of_one(tmp_path, one_thread) -> None:  # type: ignore[no-untyped-def]
    """At every step one of the two has the text and the other the picture."""
    with subprocess.Popen(
        [sys.executable, SCRIPT, tmp_path],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    ) as both:
        alone = script().trained()
        _, errors = both.communicate()
    assert both.returncode == 0, errors[-3000:]
    assert alone["processes"] == 1
    halves = []
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert found["processes"] == 2
        assert found["losses"] == pytest.approx(alone["losses"], rel=1e-6)
        assert found["collapse"] == alone["collapse"] == "the loss is nan at step 4 of 5"
        kept = (found["weights"], alone["weights"])
        for ours, theirs in (kept, *zip(found["gradients"], alone["gradients"], strict=True)):
            assert ours.keys() == theirs.keys()
            assert any("projector" in name for name in ours)
            assert all(float((ours[k] - theirs[k]).abs().max()) <= 1e-6 for k in theirs)
        halves.append(found["parts"])
    for one, other, both_of_them in zip(*halves, alone["parts"], strict=True):
        assert [*one, *other] == both_of_them
        assert len(one) == len(other) == 1
