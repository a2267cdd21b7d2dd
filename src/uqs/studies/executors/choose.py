"""From what the user asked for to the executor that does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from uqs.errors import UserError
from uqs.studies.executors.base import Executor, WorkerSettings
from uqs.studies.executors.local import LocalProcesses
from uqs.studies.executors.placement import gpus, placements
from uqs.studies.jobs import Job

Name = Literal["local", "ray", "slurm"]


@dataclass(frozen=True)
class ExecutorOptions:
    """Who makes the jobs; none of it changes a result. `workers`: how many at most; `per_device`: how many
    share a GPU; `slurm`: a file that says what Slurm is asked for."""

    name: Name = "local"
    workers: int | None = None
    per_device: int = 1
    slurm: Path | None = None


def check_options(options: ExecutorOptions, device: str) -> None:
    """Raise UserError for options that do not go together."""
    if options.slurm is not None and options.name != "slurm":
        raise UserError("--slurm goes with --executor slurm")
    if options.per_device > 1 and device == "cpu":
        raise UserError("--per-device is about GPUs: it goes with --device cuda")
    if options.per_device > 1 and options.name == "slurm":
        raise UserError(
            "--per-device does not go with --executor slurm: there each worker has its own GPU"
        )


def executor_of(
    options: ExecutorOptions, settings: WorkerSettings, jobs: Sequence[Job]
) -> Executor:
    """The executor; UserError where it cannot be had. `jobs` are all of the study."""
    check_options(options, settings.device)
    match options.name:
        case "ray":
            from uqs.studies.executors.ray_tasks import RayTasks

            return RayTasks(settings, options.workers, options.per_device)
        case "slurm":
            from uqs.studies.executors.slurm import SlurmWorkers
            from uqs.studies.executors.slurm_settings import read_slurm_settings

            slurm = read_slurm_settings(options.slurm)
            if options.workers is not None:
                slurm = slurm.model_copy(update={"workers": options.workers})
            return SlurmWorkers(jobs, settings, slurm)
    visible = gpus() if settings.device == "cuda" else ()
    return LocalProcesses(
        placements(settings.device, options.workers, options.per_device, visible), settings
    )
