"""Batch normalisation: its running statistics, which a pass in training mode moves and no gradient does."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def hold(model: nn.Module) -> None:
    """Let every normalisation use its running statistics and leave them as they are, also in training."""
    for module in _normalisations(model):
        module.eval()


def statistics(model: nn.Module) -> Iterator[Tensor]:
    """The running means and variances, in place."""
    for module in _normalisations(model):
        yield from (one for one in (module.running_mean, module.running_var) if one is not None)


def _normalisations(model: nn.Module) -> Iterator[_BatchNorm]:
    return (module for module in model.modules() if isinstance(module, _BatchNorm))
