"""Each worker on GPUs sees one of those that the user left to the run, and no other."""

from __future__ import annotations

import pytest

from uqs.errors import UserError
from uqs.studies.executors.base import WorkerSettings
from uqs.studies.executors.placement import gpus, placements


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("0,1", ["0", "1"]),
        (" 3 , 1", ["3", "1"]),
        ("MIG-1a,GPU-2b", ["MIG-1a", "GPU-2b"]),
        ("2,-1,1", ["2"]),  # as CUDA reads it
    ],
)
def test_what_the_user_left_is_used(given: str, found: list[str]) -> None:
    assert gpus({"CUDA_VISIBLE_DEVICES": given}) == found


@pytest.mark.parametrize("given", ["", "-1"])
def test_no_gpu_is_one_line(given: str) -> None:
    with pytest.raises(
        UserError, match=r"--device cuda: there is no GPU \(CUDA_VISIBLE_DEVICES is"
    ):
        gpus({"CUDA_VISIBLE_DEVICES": given})


def seen(workers: int | None, per_device: int, visible: list[str]) -> list[str]:
    places = placements("cuda", workers, per_device, visible)
    assert all(place.keys() == {"CUDA_VISIBLE_DEVICES"} for place in places)
    return [place["CUDA_VISIBLE_DEVICES"] for place in places]


def test_one_worker_a_gpu_or_as_many_as_share_it() -> None:
    assert seen(None, 1, ["0", "1"]) == ["0", "1"]
    assert seen(None, 2, ["4", "7"]) == ["4", "7", "4", "7"]
    assert seen(3, 2, ["4", "7"]) == ["4", "7", "4"]
    assert seen(9, 1, ["0"]) == ["0"]


def test_on_the_cpu_nothing_is_set_for_a_worker_alone() -> None:
    assert placements("cpu", 3, 1) == [{}, {}, {}]


def test_cublas_is_told_to_be_deterministic_on_a_gpu() -> None:
    on_gpu = WorkerSettings(device="cuda").environment()
    assert on_gpu["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert "CUBLAS_WORKSPACE_CONFIG" not in WorkerSettings().environment()
    assert on_gpu["OMP_NUM_THREADS"] == "1"
