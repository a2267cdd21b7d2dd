"""A Ray cluster makes the jobs: one task a job, on the nodes that the cluster has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from uqs.errors import UserError
from uqs.studies.executors.base import Outcomes, WorkerSettings
from uqs.studies.executors.elsewhere import Elsewhere, attempt_elsewhere
from uqs.studies.jobs import Job
from uqs.studies.progress import Progress
from uqs.studies.schedule import Schedule
from uqs.studies.store import Store
from uqs.studies.worker import JobFailure

LOOK = 5.0
"""Seconds after which the cluster is asked for new nodes, where no job ended before."""


class Slot(NamedTuple):
    """Room for one task: the n-th of a node."""

    node: str
    number: int


@dataclass
class RayTasks:
    """Tasks on the cluster that `RAY_ADDRESS` names or that runs on this machine; else Ray starts one here.

    A task declares one core or, on GPUs, one `per_device`-th of a GPU. `most` tasks run at a time. A task is
    sent to the node, and so to its memory and caches, where its inputs were made, if the schedule allows.
    """

    settings: WorkerSettings
    most: int | None = None
    per_device: int = 1
    _ray: Any = field(init=False)

    def __post_init__(self) -> None:
        if find_spec("ray") is None:
            raise UserError("ray is not installed; --executor ray needs: pip install 'uqs[ray]'")
        self._ray = import_module("ray")
        try:
            self._ray.init(
                log_to_driver=False,
                logging_level="warning",
                include_dashboard=False,
                ignore_reinit_error=True,
            )
        except (ConnectionError, ValueError) as error:
            raise UserError(f"--executor ray: {' '.join(str(error).split())}") from None
        if not self.workers:
            kind = "GPU" if self.settings.device == "cuda" else "core"
            raise UserError(f"--executor ray: no node of the cluster has a {kind}")

    @property
    def workers(self) -> int:
        return len(list(self._slots()))

    def run(self, schedule: Schedule, store: Store, progress: Progress) -> list[JobFailure]:
        try:
            return self._drive(Outcomes(schedule, progress), Elsewhere.of(store, self.settings))
        finally:
            self._ray.shutdown()

    def _drive(self, outcomes: Outcomes, place: Elsewhere) -> list[JobFailure]:
        running: dict[Any, tuple[Slot, Job]] = {}
        made: dict[Slot, set[str]] = {}
        while True:
            busy = {slot for slot, _ in running.values()}
            for slot in self._slots():
                own = made.setdefault(slot, set())
                if slot not in busy and (job := outcomes.take(own)):
                    running[self._begin(place, slot, job)] = (slot, job)
            if not running:
                return outcomes.failures
            ended, _ = self._ray.wait(list(running), num_returns=1, timeout=LOOK)
            for reference in ended:
                slot, job = running.pop(reference)
                try:
                    outcomes.came(job, self._ray.get(reference))
                    made[slot].add(job.key)
                except self._ray.exceptions.RayError as error:
                    outcomes.lost(job, f"was lost: {' '.join(str(error).split())[:200]}")

    def _slots(self) -> Iterator[Slot]:
        """Room on the living nodes, the first of every node before the second of any."""
        kind, each = ("GPU", self.per_device) if self.settings.device == "cuda" else ("CPU", 1)
        rooms = {
            node["NodeID"]: int(node["Resources"].get(kind, 0)) * each
            for node in self._ray.nodes()
            if node["Alive"]
        }
        found = sorted(
            (Slot(node, number) for node, room in rooms.items() for number in range(room)),
            key=lambda slot: (slot.number, slot.node),
        )
        yield from found[: self.most]

    def _begin(self, place: Elsewhere, slot: Slot, job: Job) -> Any:
        strategies = import_module("ray.util.scheduling_strategies")
        on_gpu = self.settings.device == "cuda"
        task = self._ray.remote(attempt_elsewhere).options(
            num_cpus=1,
            num_gpus=1 / self.per_device if on_gpu else 0,
            max_retries=0,  # a job that lost its worker is counted, and begun again, by us
            runtime_env={"env_vars": self.settings.environment()},
            # soft: elsewhere, if the node died meanwhile
            scheduling_strategy=strategies.NodeAffinitySchedulingStrategy(slot.node, soft=True),
        )
        return task.remote(place, job)
