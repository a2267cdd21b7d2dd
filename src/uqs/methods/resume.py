"""Everything that a step of training changes: what a killed run needs to go on as if nothing had happened.

What a method computes before its first step (labels, masks, directions, copies of the original) is no part
of it. It is computed again from the same original by the same draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from uqs.computation import described
from uqs.methods.base import Method
from uqs.methods.state_files import SavedState
from uqs.methods.streams import Draws
from uqs.models.reference import Reference

_WEIGHT, _GOOD, _OPTIMIZER, _METHOD, _GENERATOR = (
    "weight/",
    "good/",
    "optimizer/",
    "method/",
    "generator/",
)


@dataclass(frozen=True)
class LiveState:
    """The objects of a run that its steps change; between two steps no gradient is pending.

    `statistics`: of batch normalisation. `good`: weights and statistics of the last good check. `order`: the
    generator behind `draws`; further draws, those of dropout, come from torch's own generators.
    """

    device: torch.device
    parameters: Mapping[str, nn.Parameter]
    statistics: Mapping[str, Tensor]
    optimizer: torch.optim.Optimizer
    good: Reference
    draws: Mapping[str, Draws]
    order: torch.Generator
    method: Method

    def identity(self) -> dict[str, Any]:
        """What must be the same where a state is used, in addition to the training's key."""
        return {"device": self.device.type, **described(("training", "unlearning"))}

    def numbers(self) -> dict[str, Any]:
        """Where the draws are, JSON-able."""
        return {"draws": {name: one.position for name, one in self.draws.items()}}

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor by name, one at a time."""
        yield from self._fixed()
        for name, parameter in self.parameters.items():
            for field, value in self.optimizer.state.get(parameter, {}).items():
                yield f"{_OPTIMIZER}{field}/{name}", value
        yield f"{_GENERATOR}order", self.order.get_state()
        yield f"{_GENERATOR}cpu", torch.get_rng_state()
        if self.device.type == "cuda":
            yield f"{_GENERATOR}cuda", torch.cuda.get_rng_state(self.device)

    def _fixed(self) -> Iterator[tuple[str, Tensor]]:
        """The tensors that exist from the beginning and are changed in place."""
        moved = {**self.parameters, **self.statistics}
        for name, tensor in moved.items():
            yield f"{_WEIGHT}{name}", tensor.detach()
        for name, kept in zip(moved, self.good.kept, strict=True):
            yield f"{_GOOD}{name}", kept
        for name, tensor in self.method.changing().items():
            yield f"{_METHOD}{name}", tensor

    def fits(self, saved: SavedState) -> bool:
        """Whether a state has every tensor of this run, in its shape."""
        return all(saved.shapes.get(name) == tuple(one.shape) for name, one in self._fixed())

    @torch.no_grad()
    def restore(self, saved: SavedState) -> None:
        """Put a state that `fits` in place of the current one."""
        for name, tensor in self._fixed():
            tensor.copy_(saved.tensor(name))
        for name in saved.shapes:
            if name.startswith(_OPTIMIZER):
                field, _, owner = name.removeprefix(_OPTIMIZER).partition("/")
                parameter = self.parameters[owner]
                value = saved.tensor(name).to(parameter.device)
                self.optimizer.state.setdefault(parameter, {})[field] = value
        for name, draws in self.draws.items():
            draws.go_to(saved.numbers["draws"][name])
        self.order.set_state(saved.tensor(f"{_GENERATOR}order"))
        torch.set_rng_state(saved.tensor(f"{_GENERATOR}cpu"))
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(saved.tensor(f"{_GENERATOR}cuda"), self.device)
