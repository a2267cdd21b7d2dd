"""Does a step cost more than the passes that its loss needs? Prints Markdown: `python perf/methods.py`.

Every method trains the tiny LLaVA. After each of its steps, the forward and backward passes that it took are
taken once more, bare, on the same batches: the cross-entropy of the answers and its gradient where the
method's own pass had gradients, and a forward pass under `no_grad` where it had none. The ratio of a step is
its time over that of its bare passes. Choosing and building batches, references put in place, the loss beyond
the model, clipping, the optimizer and the schedule are in the step alone.

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
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers.utils import logging as transformers_logging

from uqs import benchmarks, registry
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
from uqs.models.vlm import VLM, Batch

BENCHMARK = "mllmu_bench:tiny"
ADAPTER = AdapterSettings(r=16, targets="language.all+projector")
STEPS, WARM = 64, 8
TARGET = 1.15


class Pass(NamedTuple):
    batch: Batch
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
    """Sees every batch that a model makes and every pass that it takes."""

    batches: dict[int, Batch] = field(default_factory=dict)
    passes: list[Pass] = field(default_factory=list)
    on: bool = True

    def __init__(self, vlm: VLM) -> None:
        self.batches, self.passes, self.on = {}, [], True
        make = vlm.batch

        def batch(*given: Any) -> Batch:
            made = make(*given)
            self.batches[id(made.inputs["input_ids"])] = made
            return made

        vlm.batch = batch  # type: ignore[method-assign]
        vlm.plain_model.register_forward_pre_hook(self._seen, with_kwargs=True)

    def _seen(self, _: Any, __: tuple[Any, ...], inputs: Mapping[str, Any]) -> None:
        if self.on:
            batch = self.batches[id(inputs["input_ids"])]
            self.passes.append(Pass(batch, torch.is_grad_enabled()))

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
                loss = answer_cross_entropy(vlm, one.batch)
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
    settings = card.settings(steps=STEPS + WARM + 2)
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
        name for name, card in CARDS.items() if "steps" in card.settings.model_fields
    ]
    print("# Time of a trainer step over the passes that its loss needs\n")
    print(f"Python {platform.python_version()}, torch {torch.__version__}, one thread, no GPU.\n")
    print(
        "| method | passes declared | taken | step, ms | bare passes, ms | ratio | quartiles | "
        f"at most {TARGET} |\n|---|---|---|---|---|---|---|---|"
    )
    for name in asked:
        print(row(CARDS[name]), flush=True)


if __name__ == "__main__":
    main()
