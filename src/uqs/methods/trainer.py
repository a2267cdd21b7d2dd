"""The loop that all training shares: original, oracle and every method."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import NamedTuple, TypeVar

import torch
from accelerate import Accelerator
from torch import Tensor

from uqs.errors import UserError
from uqs.methods.base import Batches, Method, Step, trainable
from uqs.methods.losses import answer_cross_entropy, answer_lengths
from uqs.methods.resume import LiveState
from uqs.methods.settings import DEFAULT_TRAINER, TrainerSettings
from uqs.methods.state_files import StateFolder
from uqs.methods.streams import Stream
from uqs.models.batch_norm import hold, statistics
from uqs.models.reference import Reference
from uqs.models.vlm import IGNORED, VLM, Batch, Encoding

Seen = TypeVar("Seen")
Progress = Callable[[int, int, float], None]
"""Called after each step with the number of steps taken, the total, and the step's loss."""
BETAS = (0.9, 0.95)  # a second moment that a run of some hundred steps can follow
LOOKED_AT = 8  # questions in memory at a time when a check reads answers


@dataclass(frozen=True)
class Schedule:
    """Optimizer steps and AdamW's peak learning rate; warm-up, then a decay by the step."""

    steps: int
    lr: float
    decay: str = "cosine"
    warmup: float = 0.1

    def factor(self, step: int) -> float:
        """Share of the peak rate at `step` (from 0)."""
        warmup = max(1, round(self.warmup * self.steps)) if self.warmup else 0
        if step < warmup:
            return (step + 1) / warmup
        done = (step - warmup) / max(1, self.steps - warmup)
        match self.decay:
            case "cosine":
                return 0.5 * (1 + math.cos(math.pi * done))
            case "linear":
                return 1 - done
        return 1.0


@dataclass(frozen=True)
class Criterion:
    """A run ends once the model answers at least the share `at` of `taught` correctly; checked every `every`
    steps.
    """

    taught: Encoding
    at: float
    every: int


@dataclass(frozen=True)
class MonitoredQuestions:
    """Questions that are checked during a run. `answers` must not fall silent. The loss of `withheld`, which
    no step reads, may stop a run. The answers to the taught questions may finish it."""

    answers: Encoding | None = None
    withheld: Encoding | None = None
    criterion: Criterion | None = None


NOTHING = MonitoredQuestions()


@dataclass
class Training:
    """The outcome of a run: the loss of every step, and the steps whose weights the model has now.

    `collapse`: why later weights were discarded. `stop`: why a run ended early as planned. `answered`: the
    share of the criterion's questions answered correctly at the last check, None without a criterion.
    """

    losses: list[float] = field(default_factory=list)
    steps: int = 0
    collapse: str | None = None
    stop: str | None = None
    answered: float | None = None


def train(
    vlm: VLM,
    method: Method,
    streams: Mapping[str, Stream],
    schedule: Schedule,
    order: torch.Generator,
    settings: TrainerSettings = DEFAULT_TRAINER,
    watched: MonitoredQuestions = NOTHING,
    progress: Progress | None = None,
    states: StateFolder | None = None,
) -> Training:
    """Minimise the method's loss over the trainable weights, in place; `order` draws the batches.

    If a loss is not finite, or the model falls silent, the run ends with the weights of the last good check,
    or those of the start. Several processes, as started by `torchrun`, share each batch and average their
    gradients. Dropout, if any, is drawn from the seed of `order` too.

    `states` keeps a state from time to time; a run that finds one goes on from there, and ends bit for bit as
    if it had never been killed. The caller removes it when the result is safe. Several processes keep none.
    """
    return _Run(vlm, method, streams, schedule, order, settings, watched, progress, states).train()


class _Run:
    def __init__(
        self,
        vlm: VLM,
        method: Method,
        streams: Mapping[str, Stream],
        schedule: Schedule,
        order: torch.Generator,
        settings: TrainerSettings,
        watched: MonitoredQuestions,
        progress: Progress | None,
        states: StateFolder | None,
    ) -> None:
        self.vlm, self.method, self.streams = vlm, method, streams
        self.schedule, self.settings, self.watched = schedule, settings, watched
        self.progress, self.order = progress, order
        self.processes = Accelerator(cpu=vlm.model.device.type == "cpu")
        self.states = states if self.processes.num_processes == 1 else None
        self.parameters = list(trainable(vlm).values())
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=schedule.lr,
            betas=BETAS,
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self.drawing = {name: stream.batches(order) for name, stream in streams.items()}
        self.dropout_seed = order.initial_seed() + self.processes.process_index
        self.every = math.ceil(schedule.steps / settings.checks)
        self.training = Training()

    def train(self) -> Training:
        self.good = Reference(self.vlm)
        self.fault_at_start = self._fault()
        with self._in_training():
            for number in range(self._resume(), self.schedule.steps):
                self._take(Step(number, self.schedule.steps))
                if self.training.collapse or self.training.stop:
                    break
                self._save()
        return self.training

    def _resume(self) -> int:
        """The number of steps that are done: those of a state, if there is one, which is put in place."""
        live = self._live()
        saved = self.states.read(live.identity()) if self.states is not None else None
        if self.states is None or saved is None:
            return 0
        if not live.fits(saved):
            self.states.discard("its weights are those of another model")
            return 0
        live.restore(saved)
        self.training = Training(**saved.numbers["training"])
        done = len(self.training.losses)
        self.states.tell(f"goes on after step {done} of {self.schedule.steps}")
        return done

    def _save(self) -> None:
        """Keep the state, if it is time to."""
        if self.states is None or not self.states.is_due:
            return
        live = self._live()
        numbers = {**live.numbers(), "training": asdict(self.training)}
        self.states.write(len(self.training.losses), live.identity(), numbers, live.tensors())

    def _live(self) -> LiveState:
        return LiveState(
            self.vlm.model.device,
            trainable(self.vlm),
            dict(statistics(self.vlm.model)),
            self.optimizer,
            self.good,
            self.drawing,
            self.order,
            self.method,
        )

    @contextmanager
    def _in_training(self) -> Iterator[None]:
        """Turn on dropout (with its own draws) and gradient checkpointing within the context."""
        from peft.helpers import disable_input_dtype_casting

        model = self.vlm.model
        cuda = [model.device] if model.device.type == "cuda" else []
        # under autocast an adapter's input need not be copied to the adapter's precision first, and then kept
        casting = disable_input_dtype_casting(model, active=self.settings.precision == "bfloat16")
        with torch.random.fork_rng(cuda), casting:
            torch.manual_seed(self.dropout_seed)
            self._checkpointing(True)
            self._train_mode()
            try:
                yield
            finally:
                model.eval()
                self._checkpointing(False)
                self.optimizer.zero_grad(set_to_none=True)

    def _train_mode(self) -> None:
        self.vlm.model.train()
        if not self.method.moves_statistics:
            hold(self.vlm.model)

    def _take(self, step: Step) -> None:
        """One optimizer step, and possibly a check after it."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._backward(step)
        self.training.losses.append(loss)
        if self.progress is not None:
            self.progress(step.number + 1, step.of, loss)
        if not math.isfinite(loss):
            self._collapse(f"the loss is {loss} at step {step.number + 1} of {step.of}")
            return
        self._average_gradients()
        self.method.edit_gradients(self.vlm)
        torch.nn.utils.clip_grad_norm_(self.parameters, self.settings.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.lr * self.schedule.factor(step.number)
        self.optimizer.step()
        done = step.number + 1
        if done % self.every == 0 or done == step.of:
            self._check(done, step.of)
        criterion = self.watched.criterion
        if criterion is not None and (done % criterion.every == 0 or done == step.of):
            self._examine(criterion, done, step.of)

    def _backward(self, step: Step) -> float:
        """The step's loss; accumulates gradients part by part."""
        total = torch.zeros((), device=self.vlm.model.device)
        for batches in self._parts():
            with self._arithmetic():
                loss = self.method.loss(self.vlm, batches, step) / self.settings.accumulate
            loss.backward()
            total = total + loss.detach()
        return self._mean(total)

    def _parts(self) -> Iterator[Batches]:
        """The parts of the step's batches that this process computes, in sequence."""
        drawn: dict[str, Sequence[int]] = {}
        shares = self.settings.accumulate * self.processes.num_processes
        first = self.processes.process_index * self.settings.accumulate
        for part in range(first, first + self.settings.accumulate):
            yield Batches(self.vlm, self.streams, _share(self._draw, drawn, part, shares))

    def _draw(self, name: str) -> Sequence[int]:
        return next(self.drawing[name])

    def _arithmetic(self) -> AbstractContextManager[object]:
        if self.settings.precision == "float32":
            return nullcontext()
        # no cache: a reference puts other weights into the same parameters
        return torch.autocast(self.vlm.model.device.type, dtype=torch.bfloat16, cache_enabled=False)

    def _mean(self, value: Tensor) -> float:
        if self.processes.num_processes > 1:
            value = self.processes.reduce(value, "mean")
        return float(value)

    def _average_gradients(self) -> None:
        """Average over processes; a weight has gradient 0 in processes that did not use it."""
        if self.processes.num_processes == 1:
            return
        used = torch.tensor([p.grad is not None for p in self.parameters], dtype=torch.float32)
        used = self.processes.reduce(used.to(self.vlm.model.device), "sum")
        for parameter, processes in zip(self.parameters, used.tolist(), strict=True):
            if processes:
                own = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                parameter.grad = self.processes.reduce(own, "mean")

    def _checkpointing(self, on: bool) -> None:
        if not self.settings.gradient_checkpointing:
            return
        model = self.vlm.plain_model
        if on:
            model.activation_checkpointing_enable({"use_reentrant": False})
            # otherwise gradients would go through frozen embeddings and the frozen vision tower
            model.disable_input_require_grads()
        else:
            model.activation_checkpointing_disable()

    def _check(self, done: int, of: int) -> None:
        """Keep the weights if they are good, else go back; stop if a rule says so."""
        fault = self._fault()
        if fault is not None and fault != self.fault_at_start:
            self._collapse(f"{fault} after step {done} of {of}")
            return
        self.good.update()
        self.training.steps = done
        stop = self.settings.stop
        if stop is not None and self.watched.withheld is not None:
            loss = self._mean_loss(self.watched.withheld)
            if loss >= stop.at:
                self.training.stop = f"forget loss {loss:.3g} of {stop.at:g} nats after step {done}"

    def _examine(self, criterion: Criterion, done: int, of: int) -> None:
        """Finish the run if the criterion is met."""
        if self.training.collapse:
            return
        size = max(sum(stream.counts) for stream in self.streams.values())
        batches = self._looked_at(answers_right, criterion.taught, size)
        right = [one for batch in batches for one in batch]
        self.training.answered = sum(right) / len(right)
        if self.training.answered < criterion.at:
            return
        if self.training.steps < done:
            self._check(done, of)
        if not self.training.collapse:
            self.training.stop = f"{self.training.answered:.1%} of what is taught is answered right"

    def _collapse(self, why: str) -> None:
        self.good.restore()
        self.training.collapse = why

    def _fault(self) -> str | None:
        """What is wrong with the current model, or None."""
        answers = self.watched.answers
        seen = self._looked_at(first_words, answers) if answers is not None else []
        weights = all(bool(torch.isfinite(p).all()) for p in self.parameters)
        if not weights or not all(one.finite for one in seen):
            return "the model's numbers are not finite"
        if seen and all(one.silent for one in seen):
            return "the model answers nothing"
        return None

    def _mean_loss(self, encoded: Encoding) -> float:
        """Mean cross-entropy (nats) over all answer tokens."""
        sums = self._looked_at(_loss_and_tokens, encoded)
        return sum(loss for loss, _ in sums) / sum(tokens for _, tokens in sums)

    def _looked_at(
        self, look: Callable[[VLM, Batch], Seen], encoded: Encoding, size: int = LOOKED_AT
    ) -> list[Seen]:
        """The results of a check, batch by batch, with the model in evaluation mode."""
        training = self.vlm.model.training
        self.vlm.model.eval()
        starts = range(0, len(encoded), size)
        with torch.no_grad(), self._arithmetic():
            found = [
                look(self.vlm, self.vlm.batch(encoded, range(len(encoded))[k : k + size]))
                for k in starts
            ]
        if training:
            self._train_mode()
        return found


def _share(
    draw: Callable[[str], Sequence[int]], drawn: dict[str, Sequence[int]], part: int, shares: int
) -> Callable[[str], Sequence[int]]:
    """Every `shares`-th position of a stream's batch, which is drawn once per step."""

    def indices(name: str) -> Sequence[int]:
        if name not in drawn:
            drawn[name] = draw(name)
        if len(drawn[name]) < shares:
            raise UserError(
                f"a batch of {len(drawn[name])} {name} questions cannot be split into {shares} parts"
            )
        return drawn[name][part::shares]

    return indices


class FirstWords(NamedTuple):
    """For a batch: whether its logits are finite, and whether every answer would be empty."""

    finite: bool
    silent: bool


def first_words(vlm: VLM, batch: Batch) -> FirstWords:
    """What the model predicts as the first token of each answer."""
    logits, labels = vlm.answer_logits(batch)
    first = (labels != IGNORED).int().argmax(1)
    begun = logits[torch.arange(len(first), device=logits.device), first]
    ends = torch.isin(begun.argmax(-1), torch.tensor(vlm.end_ids, device=logits.device))
    return FirstWords(bool(torch.isfinite(begun).all()), bool(ends.all()))


def answers_right(vlm: VLM, batch: Batch) -> list[bool]:
    """For each question of a batch, whether greedy decoding would give the answer and then end.

    Every token is predicted from the right ones before it, so one forward pass is enough.
    """
    logits, labels = vlm.answer_logits(batch)
    right = (logits.argmax(-1) == labels) | (labels == IGNORED)
    found: list[bool] = right.all(1).tolist()
    return found


def _loss_and_tokens(vlm: VLM, batch: Batch) -> tuple[float, int]:
    tokens = int(answer_lengths(batch).sum())
    return float(answer_cross_entropy(vlm, batch)) * tokens, tokens
