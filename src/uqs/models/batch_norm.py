"""Batch normalisation: its running statistics, which a pass in training mode moves and no gradient does."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def hold(model: nn.Module) -> None:
    """Let every normalisation use its running statistics and leave them as they are, also in training."""
    for _, module in _normalisations(model):
        module.eval()


def statistics(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The running means, variances and numbers of batches by name, in place."""
    for name, module in _normalisations(model):
        for kind in ("running_mean", "running_var", "num_batches_tracked"):
            if (found := getattr(module, kind)) is not None:
                yield f"{name}.{kind}", found


def _normalisations(model: nn.Module) -> Iterator[tuple[str, _BatchNorm]]:
    for name, module in model.named_modules():
        if isinstance(module, _BatchNorm):
            yield name, module
