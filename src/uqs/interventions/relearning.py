"""Relearning: does fine-tuning on some of the forgotten entities bring back the others?

Source: Deeb and Roger 2024 (arXiv 2410.08827), who train on some facts and test on others that cannot be
guessed from them; Hu et al. 2024 (arXiv 2406.13356).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from uqs.errors import UserError
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.streams import Stream
from uqs.methods.trainer import BETAS
from uqs.models.vlm import VLM
from uqs.records import Split
from uqs.registry import nearest

GRADIENT_NORM = 1.0
Hook = Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]


@dataclass(frozen=True)
class RelearnSettings:
    """Optimizer steps after which the model is measured; AdamW's constant rate; samples per step; rank, scale
    and layers (a named set of the model family) of the trained LoRA factors."""

    steps: tuple[int, ...] = (0, 5, 10, 20, 40)
    lr: float = 1e-3
    batch_size: int = 16
    r: int = 8
    alpha: float = 16.0
    targets: str = "language.all"

    def __post_init__(self) -> None:
        if list(self.steps) != sorted({step for step in self.steps if step >= 0}):
            raise ValueError(f"steps {self.steps} do not rise from 0 or more")


class Halves(NamedTuple):
    """The entities that are trained on, and those that are not."""

    train: Split
    test: Split


def halves(split: Split, seed: int) -> Halves:
    """Split randomly by entity; the same entities and seed give the same halves, in any order.

    With an odd number the test half has one more. Raises UserError for a single entity.
    """
    entities = sorted(split.entities)
    if len(entities) < 2:
        raise UserError(f"split {split.name!r} has one entity; relearning needs two or more")
    order = torch.randperm(len(entities), generator=torch.Generator().manual_seed(seed)).tolist()
    trained = {entities[i] for i in order[: len(entities) // 2]}
    return Halves(
        Split(split.name, tuple(s for s in split.samples if s.entity in trained)),
        Split(split.name, tuple(s for s in split.samples if s.entity not in trained)),
    )


def relearn(
    vlm: VLM, train: Split, settings: RelearnSettings, generator: torch.Generator
) -> Generator[int, None, None]:
    """Fine-tune on `train`; at each of `settings.steps`, yield the number of steps so the caller can measure.

    New LoRA factors beside the layers learn the answers. The model's own weights, including an adapter's, are
    frozen; when the iterator ends or is closed the factors are removed. Dropout is off. The result depends
    only on the model, the samples, the settings and the generator. Raises UserError if a loss is not finite.
    """
    with _beside(vlm, settings, generator) as factors:
        batches = Stream.of(vlm.encode(train.samples), settings.batch_size)
        drawn = batches.batches(generator)
        optimizer = torch.optim.AdamW(factors, lr=settings.lr, betas=BETAS, weight_decay=0.0)
        done = 0
        for stop in settings.steps:
            while done < stop:
                done += 1
                loss = answer_cross_entropy(vlm, vlm.batch(batches.encoded, next(drawn)))
                value = float(loss.detach())
                if not math.isfinite(value):
                    raise UserError(f"relearning: the loss is {value} at step {done}")
                _step(loss, factors, optimizer)
            yield stop


def _step(loss: Tensor, factors: list[nn.Parameter], optimizer: torch.optim.Optimizer) -> None:
    for factor, gradient in zip(factors, torch.autograd.grad(loss, factors), strict=True):
        factor.grad = gradient
    torch.nn.utils.clip_grad_norm_(factors, GRADIENT_NORM)
    optimizer.step()


@contextmanager
def _beside(
    vlm: VLM, settings: RelearnSettings, generator: torch.Generator
) -> Iterator[list[nn.Parameter]]:
    """LoRA factors that add to the output of the target layers within the context.

    They are attached by hooks, so this works for models with and without an adapter and changes neither.
    """
    training = vlm.model.training
    vlm.model.eval()
    scale = settings.alpha / settings.r
    factors: list[nn.Parameter] = []
    hooks = []
    for layer in _targets(vlm, settings.targets).values():
        down, up = _factors(layer, settings.r, generator)
        factors += [down, up]
        hooks.append(layer.register_forward_hook(_adding(down, up, scale)))
    try:
        yield factors
    finally:
        for hook in hooks:
            hook.remove()
        vlm.model.train(training)


def _targets(vlm: VLM, targets: str) -> Mapping[str, Any]:
    if targets not in vlm.targets:
        raise UserError(f"unknown layers {targets!r}; {nearest(targets, list(vlm.targets))}")
    pattern = re.compile(vlm.targets[targets])
    found = {
        name: module for name, module in vlm.plain_model.named_modules() if pattern.fullmatch(name)
    }
    if not found:
        raise UserError(f"no layer of {vlm.name!r} is among {targets!r}")
    return found


def _factors(layer: Any, r: int, generator: torch.Generator) -> tuple[nn.Parameter, nn.Parameter]:
    """LoRA's initial factors (arXiv 2106.09685): (r, in) uniform within 1/sqrt(in), and (out, r) zeros."""
    device = next(layer.parameters()).device
    bound = layer.in_features**-0.5
    down = torch.empty(r, layer.in_features).uniform_(-bound, bound, generator=generator)
    up = torch.zeros(layer.out_features, r)
    return nn.Parameter(down.to(device)), nn.Parameter(up.to(device))


def _adding(down: Tensor, up: Tensor, scale: float) -> Hook:
    def hook(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        added = inputs[0].to(down.dtype) @ down.T @ up.T * scale
        return output + added.to(output.dtype)

    return hook
