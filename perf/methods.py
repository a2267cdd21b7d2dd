"""Does a step cost more than the passes that its loss needs? Prints Markdown: `python perf/methods.py`.

Every method with steps trains the tiny LLaVA. After each of its steps, the forward and backward passes that
it took are taken once more, bare, on the same batches: the cross-entropy of the answers and its gradient
where the method's own pass had gradients, and a forward pass without them where it had none; where a method
goes only to some layer, as far as that. The ratio of a step is its time over that of its bare passes. Drawing
and building batches, references put in place, the loss beyond the model, clipping, the optimizer and the
schedule are in the step alone. Times are of the processor, so that other work on the machine counts less.

`python perf/methods.py NAME ...` takes these methods alone.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers.utils import logging as transformers_logging

from uqs import benchmarks, registry
from uqs.methods import rmu
from uqs.methods.base import Batches, Data, Method, Step
from uqs.methods.cards import CARDS
from uqs.methods.cards.card import MethodCard
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.settings import TrainerSettings
from uqs.methods.streams import Stream
from uqs.methods.unlearn import Seeds, unlearn
from uqs.models import adapter
from uqs.models.llava import Llava
from uqs.models.settings import BASES, AdapterSettings
from uqs.models.states import States, states_at
from uqs.models.vlm import VLM, Batch

BENCHMARK = "mllmu_bench:tiny"
ADAPTER = AdapterSettings(r=16, targets="language.all+projector")
STEPS, WARM = 64, 2
BATCH = 32
TARGET = 1.15


class Pass(NamedTuple):
    """A pass that was taken: the same again, bare, up to a scalar, and whether it had gradients."""

    again: Callable[[], Tensor]
    gradients: bool


class Timed(NamedTuple):
    """Seconds of one step and of its bare passes, and how many of these there were."""

    step: float
    bare: float
    training: int
    forward: int

    @property
    def ratio(self) -> float:
        return self.step / self.bare


@dataclass
class Watch:
    """Sees every pass that a model takes."""

    vlm: VLM
    passes: list[Pass] = field(default_factory=list)
    batches: dict[int, Batch] = field(default_factory=dict)
    on: bool = True

    def __post_init__(self) -> None:
        self.make = self.vlm.batch
        self.vlm.batch = self._batch  # type: ignore[method-assign]
        self.vlm.plain_model.register_forward_pre_hook(self._whole, with_kwargs=True)
        rmu.states_at = self._partial

    def _batch(self, *given: Any) -> Batch:
        made = self.make(*given)
        self.batches[id(made.inputs["input_ids"])] = made
        return made

    def _whole(self, _: Any, __: tuple[Any, ...], inputs: Mapping[str, Any]) -> None:
        if self.on:
            batch = self.batches[id(inputs["input_ids"])]
            again = partial(answer_cross_entropy, self.vlm, batch)
            self.passes.append(Pass(again, torch.is_grad_enabled()))

    def _partial(self, *given: Any) -> States:
        if not self.on:
            return states_at(*given)
        self.on = False
        self.passes.append(Pass(lambda: states_at(*given).made.mean(), torch.is_grad_enabled()))
        states = states_at(*given)
        self.on = True
        return states

    def taken(self) -> list[Pass]:
        """The passes since the last call."""
        found = list(self.passes)
        self.passes.clear()
        self.batches.clear()
        return found


class Interleaved(Method):
    """A method as it is, each of whose steps is followed by its bare passes."""

    def __init__(self, method: Method, watch: Watch) -> None:
        super().__init__(method.settings)
        self.method, self.watch, self.card = method, watch, method.card  # type: ignore[misc]
        self.times: list[Timed] = []
        self.began: float | None = None

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> Mapping[str, Stream]:
        return self.method.streams(vlm, data, generator)

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        ended = time.process_time()
        taken = self.watch.taken()
        if self.began is not None and step.number > WARM:
            self.times.append(self._timed(vlm, taken, ended - self.began))
        self.began = time.process_time()
        return self.method.loss(vlm, batches, step)

    def _timed(self, vlm: VLM, taken: list[Pass], seconds: float) -> Timed:
        self.watch.on = False
        begin = time.process_time()
        for one in taken:
            with torch.set_grad_enabled(one.gradients):
                loss = one.again()
            if one.gradients:
                loss.backward()
        bare = time.process_time() - begin
        vlm.model.zero_grad(set_to_none=True)
        self.watch.on = True
        training = sum(one.gradients for one in taken)
        return Timed(seconds, bare, training, len(taken) - training)

    def edit_gradients(self, vlm: VLM) -> None:
        self.method.edit_gradients(vlm)


def measured(card: MethodCard) -> list[Timed]:
    """The timed steps of one run."""
    vlm = Llava.load(BASES["tiny_llava"])
    adapter.attach(vlm, ADAPTER, seed=0)
    watch = Watch(vlm)
    settings = card.settings(steps=STEPS + WARM + 2, batch_size=BATCH)
    method = Interleaved(registry.get("method", card.name)(settings), watch)
    done = unlearn(
        vlm, method, benchmarks.load(BENCHMARK).unlearn, Seeds(0, 0), TrainerSettings(checks=1)
    )
    assert done.collapse is None, done.collapse
    return method.times


def row(card: MethodCard) -> str:
    times = measured(card)
    ratios = [one.ratio for one in times]
    low, middle, high = statistics.quantiles(ratios, n=4)
    counts = [statistics.fmean(getattr(one, k) for one in times) for k in ("training", "forward")]
    # a reference whose values are known from an earlier step takes no pass
    assert counts[0] == card.passes.training and counts[1] <= card.passes.forward, counts
    declared = f"{card.passes.training:g} + {card.passes.forward:g}"
    found = f"{counts[0]:g} + {counts[1]:g}"
    step, bare = (
        1000 * statistics.median(getattr(one, k) for one in times) for k in ("step", "bare")
    )
    return (
        f"| {card.name} | {declared} | {found} | {step:.1f} | {bare:.1f} | {middle:.3f} | "
        f"{low:.3f} to {high:.3f} | {'yes' if middle <= TARGET else 'no'} |"
    )


def main() -> None:
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
    asked = sys.argv[1:] or [
        name for name, card in CARDS.items() if card.passes.training and name != "retrain"
    ]
    print("# Time of a trainer step over the passes that its loss needs\n")
    print(
        f"""Python {platform.python_version()}, torch {torch.__version__}, one thread, no GPU.

Tiny LLaVA with an adapter of rank {ADAPTER.r} on {ADAPTER.targets}, batches of {BATCH} from {BENCHMARK},
{STEPS} steps per method, each followed by its passes alone (bare passes). Times are medians of processor
time. Passes are given as with gradients + without. If a reference's values are known from an earlier step,
fewer passes without gradients are taken than declared. On a model of under a million weights the fixed cost
of a step weighs more than on a large one.
"""
    )
    print(
        "| method | passes declared | taken | step, ms | bare passes, ms | ratio | quartiles | "
        f"at most {TARGET} |\n|---|---|---|---|---|---|---|---|"
    )
    for name in asked:
        print(row(CARDS[name]), flush=True)


if __name__ == "__main__":
    main()
