"""A job: one node of a study's graph, named by the hash of everything its content depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from uqs.computation import Computation, described

Kind = Literal["base", "train", "unlearn", "alter", "trace", "gates", "cross", "measure", "trial"]

TRAINING = "training.json"
"""Where a job that trains writes what came of it."""
COMPUTATIONS: Mapping[Kind, tuple[Computation, ...]] = {
    "base": (),
    "train": ("training",),
    "unlearn": ("training", "unlearning"),
    "alter": ("training", "unlearning"),
    "trace": ("tracing",),
    "gates": ("gates",),
    "cross": ("tracing",),
    "measure": ("measuring",),
    "trial": ("training", "unlearning", "tracing"),
}
"""What a kind of job computes; a trace job that makes further models intervenes too."""


@dataclass(frozen=True)
class Job:
    """`params` is JSON-able; `inputs` gives by role the keys of the jobs that this one waits for and reads.

    `after` are the keys of jobs that this one waits for and does not read. `source` is where a base or its
    replay lies. `save_every_minutes` is how often a training keeps a state. They and the `label`, which is
    for people, are no part of the key.
    """

    kind: Kind
    label: str
    params: Mapping[str, Any]
    inputs: Mapping[str, str]
    after: tuple[str, ...] = ()
    source: str = ""
    save_every_minutes: float = 5.0

    @property
    def sources(self) -> frozenset[str]:
        """The keys of all jobs that this one waits for."""
        return frozenset((*self.inputs.values(), *self.after))

    @cached_property
    def computation(self) -> dict[str, Any]:
        """Code and library versions that decide what the job writes, JSON-able."""
        further: tuple[Computation, ...] = (
            ("interventions",) if "interventions" in self.params.get("needs", ()) else ()
        )
        return described((*COMPUTATIONS[self.kind], *further))

    @cached_property
    def key(self) -> str:
        """16 hex digits."""
        identity = {
            "kind": self.kind,
            "params": dict(self.params),
            "inputs": dict(self.inputs),
            "computation": self.computation,
        }
        text = json.dumps(identity, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
