"""The file that says what Slurm is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from uqs.studies.spec import described
from uqs.yamlfile import read_mapping

Positive = Annotated[int, Field(ge=1)]


class SlurmSettings(BaseModel):
    """What one worker gets. `minutes`: its time limit; a worker that reaches it is queued again. `setup`:
    shell lines before it starts. `further`: options of sbatch by their long names. `cluster: local` starts
    the workers on this machine, to try a file out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    cluster: Literal["slurm", "local"] = "slurm"
    workers: Positive = 4
    minutes: Positive = 720
    gpus: Annotated[int, Field(ge=0)] | None = None
    cores: Positive = 1
    memory_gb: Positive | None = None
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    setup: Annotated[tuple[str, ...], Field(strict=False)] = ()
    further: Mapping[str, str | int] = Field(default_factory=dict)

    def parameters(self, *, on_gpu: bool) -> dict[str, Any]:
        """As submitit names them; of what is not set the cluster's own default holds."""
        gpus = self.gpus if self.gpus is not None else int(on_gpu)
        general: dict[str, Any] = {
            "name": "uqs",
            "timeout_min": self.minutes,
            "cpus_per_task": self.cores,
            "gpus_per_node": gpus or None,
            "mem_gb": self.memory_gb,
        }
        slurm = {
            "slurm_partition": self.partition,
            "slurm_account": self.account,
            "slurm_qos": self.qos,
            "slurm_constraint": self.constraint,
            "slurm_setup": list(self.setup) or None,
            "slurm_array_parallelism": self.workers,
            "slurm_additional_parameters": dict(self.further) or None,
        }
        own = slurm if self.cluster == "slurm" else {}
        return {name: value for name, value in {**general, **own}.items() if value is not None}


def read_slurm_settings(file: Path | None) -> SlurmSettings:
    """The settings of a YAML file, or the defaults; DataError names file and key."""
    if file is None:
        return SlurmSettings()
    raw = read_mapping(file)
    try:
        return SlurmSettings.model_validate(raw)
    except ValidationError as error:
        raise described(error, SlurmSettings, "", file) from None
