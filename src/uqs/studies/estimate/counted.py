"""Costs of a base whose weights are not here: operations and bytes, over what a device can do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from uqs.records import Sample
from uqs.studies.estimate.amounts import Questions, StepClass, step_of
from uqs.studies.estimate.costs import BaseCosts, Costs
from uqs.studies.estimate.ranges import Range, largest
from uqs.studies.estimate.shape import Shape
from uqs.studies.plan import Plan
from uqs.studies.spec import Study

TEMPLATE = 20
"""Tokens of a chat template around a question."""
CHARACTERS = Range(3.0, 5.0)
"""Characters of a token of English text."""
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
NF4 = 0.57
"""Bytes of a weight of LLaVA-1.5-7B in 4 bits, its other layers in 16 (perf/memory_7b.md)."""
PICTURE_SECONDS = Range(0.005, 0.03)
"""To decode and scale a photograph, on one core."""
MEASURING = Range(1e-4, 1e-3)
"""Seconds of a question in the metrics: they read traces, whatever the model's size."""
DISK = Range(0.5e9, 2e9)
"""Bytes a second."""
WORKSPACE = Range(0.5e9, 1.5e9)
"""Bytes that libraries hold beside the tensors."""


@dataclass(frozen=True)
class Device:
    """Operations and bytes of memory a second that are reached, by type of weights."""

    name: str
    operations: dict[str, Range]
    bandwidth: Range


GPU = Device(
    "one GPU of the A100's kind",
    # NVIDIA's data sheet: 312e12 in 16 bits, 19.5e12 in float32, 2.0e12 bytes a second; a fifth to a half of
    # the operations is reached, half to four fifths of the bandwidth
    {
        "float32": Range(0.2, 0.5) * 19.5e12,
        "bfloat16": Range(0.2, 0.5) * 312e12,
        "float16": Range(0.2, 0.5) * 312e12,
    },
    Range(1.0e12, 1.6e12),
)
CPU = Device(
    "one thread of a CPU",
    # AVX2 at 3 GHz: 96e9 in float32, of which a fifth to six tenths is reached; 16 bits are converted
    {
        "float32": Range(0.2, 0.6) * 96e9,
        "bfloat16": Range(0.05, 0.4) * 96e9,
        "float16": Range(0.05, 0.4) * 96e9,
    },
    Range(4e9, 12e9),
)


@dataclass(frozen=True)
class Tokens:
    """Means over questions: prompt tokens of text, answer tokens, tokens of all wrong answers, the share with
    a picture; and how many wrong answers there are."""

    text: Range
    answer: Range
    wrong: Range
    pictured: float

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> Tokens:
        found = list(samples)
        each = Range(1 / CHARACTERS.high, 1 / CHARACTERS.low) * (1 / len(found))
        text = sum(len(s.text) for s in found) * each
        answer = sum(len(s.answer) for s in found) * each
        wrong = sum(len(word) for s in found for word in s.wrong) * each
        one = Range.exactly(1)
        return cls(
            text + Range.exactly(TEMPLATE),
            answer + one,
            wrong,
            sum(s.picture is not None for s in found) / len(found),
        )

    def prompt(self, shape: Shape) -> Range:
        return self.text + Range.exactly(self.pictured * shape.picture)


def counted(
    plan: Plan, shape: Shape, questions: Mapping[str, Questions], device: Device
) -> BaseCosts:
    """Count a study on a device."""
    study = plan.study
    size = BYTES[study.model.dtype]
    full, quantised = (study.model.adapter.kind == kind for kind in ("full", "qlora"))
    held = NF4 if quantised else size
    steps = {
        name: [
            s for job in plan.jobs if job.params.get("benchmark") == name and (s := step_of(job))
        ]
        for name in questions
    }
    tokens = {
        name: Tokens.of(s for split in one.data.learn.values() for s in split.samples)
        for name, one in questions.items()
    }
    base = shape.weights * held
    trained = shape.trained * (size if full else 4)
    # gradients, two moments, the last good copy, a reference; an adapter's weights are no part of the base
    states = Range.exactly((5 if full else 6) * trained)
    return BaseCosts(
        device=device.name,
        how=_how(study, shape, device),
        benchmarks={
            name: _costs(study, shape, one, tokens[name], steps[name], device)
            for name, one in questions.items()
        },
        load=Range.exactly(shape.weights * size).over(DISK),
        start=Range(3, 15),
        checkpoint=trained,
        base=Range(0, shape.weights * size),
        training_memory=largest(
            _activations(study, shape, tokens[name], step)
            for name in questions
            for step in steps[name]
        )
        + states
        + WORKSPACE
        + Range.exactly(base),
        tracing_memory=largest(_cache(study, shape, tokens[name]) for name in questions)
        + WORKSPACE
        + Range.exactly(shape.weights * BYTES[study.traces.precision]),
        process=WORKSPACE,
    )


def _how(study: Study, shape: Shape, device: Device) -> tuple[str, ...]:
    types = dict.fromkeys((_arithmetic(study), study.traces.precision))
    rates = {name: device.operations[name] * 1e-12 for name in types}
    return (
        f"counted, not measured, from the configuration: {shape.weights / 1e9:.2f} billion weights, "
        f"{shape.trained / 1e6:.1f} million trained, {shape.picture} tokens a picture; "
        f"{CHARACTERS.low:g} to {CHARACTERS.high:g} characters a token",
        "jobs of an earlier run are not found without the weights, which their names depend on",
        f"assumed of {device.name}: "
        + ", ".join(f"{one.low:.3g} to {one.high:.3g} TFLOP/s in {n}" for n, one in rates.items())
        + f"; {device.bandwidth.low / 1e9:g} to {device.bandwidth.high / 1e9:g} GB a second from memory",
    )


def forward(shape: Shape, prompt: Range, answer: Range, pictured: float) -> Range:
    """Operations of a forward pass over a question: two a weight and token, and those of attention."""
    whole = prompt + answer
    attention = whole * whole * (2.0 * shape.layers * shape.width)
    text = whole * (2.0 * shape.language) + answer * (2.0 * shape.head)
    return text + attention + Range.exactly(2.0 * shape.vision * shape.patches * pictured)


def training(study: Study, shape: Shape, tokens: Tokens) -> Range:
    """Operations of a question forward and backward.

    A backward pass costs as much again for the activations, and once more for the weights only where they
    are trained: of a frozen base with an adapter, four a weight and token in all, not six. With gradient
    checkpointing the forward pass is taken twice.
    """
    pictures = Range.exactly(2.0 * shape.vision * shape.patches * tokens.pictured)
    whole = forward(shape, tokens.prompt(shape), tokens.answer, tokens.pictured)
    text = Range(whole.low - pictures.low, whole.high - pictures.high)
    again = float(study.trainer.gradient_checkpointing)
    back = 2.0 if study.model.adapter.kind == "full" else 1.0
    seen = 1.0 + (back if shape.trains_vision else 0.0)
    return text * (1.0 + again + back) + pictures * seen


def _costs(
    study: Study,
    shape: Shape,
    one: Questions,
    learnt: Tokens,
    steps: Iterable[StepClass],
    device: Device,
) -> Costs:
    rate = device.operations[_arithmetic(study)]
    trained = training(study, shape, learnt).over(rate)
    looked = forward(shape, learnt.prompt(shape), learnt.answer, learnt.pictured).over(rate)
    asked = Tokens.of(s for split in one.asked.values() for s in split.samples)
    optimizer = Range.exactly(28.0 * shape.trained).over(device.bandwidth)
    return Costs(
        steps={
            step: trained * (step.batch * step.training)
            + looked * (step.batch * step.forward)
            + optimizer
            for step in steps
        },
        trained=trained,
        looked=looked,
        encoded=PICTURE_SECONDS * learnt.pictured,
        traced=_traced(study, shape, asked, device),
        measuring=MEASURING * one.number,
        trace_bytes=_trace_bytes(study, shape, asked),
    )


def _arithmetic(study: Study) -> str:
    """The type in which steps are computed."""
    return "bfloat16" if study.trainer.precision == "bfloat16" else study.model.dtype


def _traced(study: Study, shape: Shape, tokens: Tokens, device: Device) -> Range:
    """Prompt, gold and wrong answers are read, and an answer of between gold's and the greatest length is
    written token by token: each reads all weights, for the whole batch, from memory."""
    traces = study.traces
    rate = device.operations[traces.precision]
    prompt = tokens.prompt(shape)
    read = forward(shape, prompt, tokens.answer + tokens.wrong, tokens.pictured).over(rate)
    written = Range(tokens.answer.low, max(tokens.answer.high, traces.max_new_tokens))
    language = shape.language + shape.head
    weights = Range.exactly(language * BYTES[traces.precision]).over(device.bandwidth)
    computed = Range.exactly(2.0 * language).over(rate)
    batch = Range(1 / _batch(study, prompt.low), 1 / _batch(study, prompt.high))
    by_token = weights * batch
    each = Range(max(by_token.low, computed.low), max(by_token.high, computed.high))
    return read + written * each + PICTURE_SECONDS * tokens.pictured


def _batch(study: Study, prompt: float) -> int:
    """Questions of a traced batch."""
    traces = study.traces
    return max(1, min(traces.batch_size, int(traces.batch_tokens / prompt)))


def _trace_bytes(study: Study, shape: Shape, tokens: Tokens) -> Range:
    """Bytes of a question's trace: activations of some layers, and distributions at each answer token."""
    traces = study.traces
    layers = len(traces.layers_of(shape.layers + 1))
    whole = shape.vocabulary <= traces.whole_vocabulary
    by_token = (4 * shape.vocabulary if whole else 8 * traces.top_k) + 40
    return Range.exactly(8 * layers * shape.width) + tokens.answer * by_token


def _activations(study: Study, shape: Shape, tokens: Tokens, step: StepClass) -> Range:
    """Bytes that are kept for the backward pass of a step, all of its passes at once.

    With checkpointing the input of each layer and what one layer keeps, else what all keep: some ten widths
    and three inner widths a token. Held against counted allocations in a test.
    """
    trainer = study.trainer
    size = BYTES[_arithmetic(study)]
    width, inner, layers = shape.width, shape.inner, shape.layers
    batch = step.batch / trainer.accumulate
    number = (tokens.prompt(shape) + tokens.answer) * (batch * step.training * size)
    one = float(10 * width + 3 * inner)
    if trainer.gradient_checkpointing:
        kept = number * float(layers * width) + number * one
    else:
        kept = number * (layers * one)
    return kept * Range(0.8, 1.3)


def _cache(study: Study, shape: Shape, tokens: Tokens) -> Range:
    """Bytes of the keys and values of a traced batch; where there is less memory, batches are halved."""
    traces = study.traces
    prompt = tokens.prompt(shape)
    by_token = 2.0 * shape.layers * shape.key_values * BYTES[traces.precision]
    held = [_batch(study, one) * (one + traces.max_new_tokens) for one in (prompt.low, prompt.high)]
    return Range(min(held), max(held)) * by_token
