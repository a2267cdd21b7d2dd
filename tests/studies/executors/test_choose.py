"""What cannot be had, or does not go together, is one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from uqs.errors import DataError, UserError
from uqs.studies.executors import choose, ray_tasks, slurm
from uqs.studies.executors.base import Device, WorkerSettings
from uqs.studies.executors.choose import ExecutorOptions, executor_of
from uqs.studies.executors.local import LocalProcesses
from uqs.studies.executors.slurm import SlurmWorkers
from uqs.studies.executors.slurm_settings import SlurmSettings, read_slurm_settings


@pytest.mark.parametrize(
    ("options", "device", "said"),
    [
        (ExecutorOptions(slurm=Path("x")), "cpu", "--slurm goes with --executor slurm"),
        (ExecutorOptions(per_device=2), "cpu", "--per-device is about GPUs"),
        (ExecutorOptions("slurm", per_device=2), "cuda", "each worker has its own GPU"),
    ],
)
def test_what_does_not_go_together(options: ExecutorOptions, device: Device, said: str) -> None:
    with pytest.raises(UserError, match=said):
        executor_of(options, WorkerSettings(device=device), [])


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((ray_tasks, "ray"), (slurm, "slurm")):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
        with pytest.raises(
            UserError, match=rf"--executor {name} needs: pip install 'uqs\[{name}\]'"
        ):
            executor_of(choose.ExecutorOptions(name), WorkerSettings(), [])  # type: ignore[arg-type]


def test_local_workers_are_as_many_as_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    on_cpu = executor_of(ExecutorOptions(workers=3), WorkerSettings(), [])
    on_gpu = executor_of(ExecutorOptions(per_device=2), WorkerSettings(device="cuda"), [])
    assert isinstance(on_cpu, LocalProcesses)
    assert (on_cpu.workers, on_gpu.workers) == (3, 4)


def test_slurm_is_asked_for_what_the_file_says(tmp_path: Path) -> None:
    file = tmp_path / "slurm.yaml"
    file.write_text(
        "workers: 8\nminutes: 90\npartition: gpu\nmemory_gb: 64\n"
        "setup: [module load cuda]\nfurther: {gres: 'gpu:a100:1'}\n"
    )
    found = executor_of(ExecutorOptions("slurm", slurm=file), WorkerSettings(device="cuda"), [])
    assert isinstance(found, SlurmWorkers)
    assert found.workers == 8
    assert found.slurm.parameters(on_gpu=True) == {
        "name": "uqs",
        "timeout_min": 90,
        "cpus_per_task": 1,
        "gpus_per_node": 1,
        "mem_gb": 64,
        "slurm_partition": "gpu",
        "slurm_setup": ["module load cuda"],
        "slurm_array_parallelism": 8,
        "slurm_additional_parameters": {"gres": "gpu:a100:1"},
    }
    assert "gpus_per_node" not in SlurmSettings().parameters(on_gpu=False)
    fewer = executor_of(ExecutorOptions("slurm", workers=2, slurm=file), WorkerSettings(), [])
    assert fewer.workers == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("worker: 8", r"field 'worker': unknown key; .*workers"),
        ("workers: 0", "field 'workers': should be greater"),
        ("minutes: '90'", "field 'minutes': should be a valid integer"),
        ("cluster: pbs", "field 'cluster': should be 'slurm' or 'local'"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "slurm.yaml"
    file.write_text(text)
    with pytest.raises(DataError, match=said) as caught:
        read_slurm_settings(file)
    assert str(file) in str(caught.value)
