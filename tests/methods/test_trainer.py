from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import pytest
import torch
from torch.nn.functional import cross_entropy

from uqs.errors import UserError
from uqs.methods.base import Method, trainable
from uqs.methods.losses import answer_cross_entropy, kl_divergence, reference_log_probs
from uqs.methods.settings import StopAtForgetLoss, TrainerSettings
from uqs.methods.streams import Stream
from uqs.methods.trainer import NOTHING, MonitoredQuestions, Schedule, first_words, train
from uqs.models.adapter import attach
from uqs.models.reference import Reference
from uqs.models.settings import AdapterSettings
from uqs.models.vlm import IGNORED

LORA = AdapterSettings(r=4, targets="language.all+projector")
FULL = AdapterSettings(kind="full")
LEVEL = {"schedule": "constant", "warmup": 0.0}


def level(steps: int, lr: float = 1e-3) -> Schedule:
    return Schedule(steps, lr, "constant", 0.0)


class Learn(Method):
    """Cross-entropy of the one stream there is; keeps what it saw."""

    def __init__(self, name: str = "retain") -> None:
        super().__init__(None)
        self.name = name
        self.batches: list = []  # type: ignore[type-arg]
        self.indices: list = []  # type: ignore[type-arg]
        self.gradients: list = []  # type: ignore[type-arg]

    def loss(self, vlm, batches, step):  # type: ignore[no-untyped-def]
        self.batches.append(batches[self.name])
        self.indices.append(list(batches.indices(self.name)))
        return answer_cross_entropy(vlm, batches[self.name])

    def edit_gradients(self, vlm) -> None:  # type: ignore[no-untyped-def]
        grads = {n: p.grad.clone() for n, p in trainable(vlm).items() if p.grad is not None}
        self.gradients.append(grads)


def adapted(make, settings: AdapterSettings = LORA, double: bool = False):  # type: ignore[no-untyped-def]
    """A model with an adapter whose factors are both other than 0, so that every weight has a gradient."""
    vlm = make()
    attach(vlm, settings, seed=0)
    generator = torch.Generator().manual_seed(1)
    for name, parameter in trainable(vlm).items():
        if "lora_B" in name:
            parameter.data = torch.randn(parameter.shape, generator=generator) / 20
    if double:
        vlm.model.double()
    return vlm


def weights(vlm) -> dict[str, torch.Tensor]:  # type: ignore[no-untyped-def]
    return {name: p.detach().clone() for name, p in trainable(vlm).items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def furthest(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    assert one.keys() == other.keys()
    return max(float((one[k] - other[k]).abs().max()) for k in one)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def run(  # type: ignore[no-untyped-def]
    vlm, method, samples, schedule, *, batch_size=6, seed=0, watched=NOTHING, **settings
):
    streams = {method.name: Stream.of(vlm.encode(samples), batch_size)}
    return train(vlm, method, streams, schedule, seeded(seed), TrainerSettings(**settings), watched)


# what is trained


@pytest.mark.parametrize("settings", [LORA, FULL])
def test_it_learns_and_touches_only_what_is_trained(make_vlm, samples, settings) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, settings, seed=0)
    names = set(trainable(vlm))
    frozen = {n: p.detach().clone() for n, p in vlm.model.named_parameters() if n not in names}
    before = weights(vlm)
    done = run(vlm, Learn(), samples, Schedule(60, 3e-3 if settings is FULL else 1e-2))
    assert done.losses[-1] < 0.8 * done.losses[0]
    assert (done.steps, done.collapse, done.stop) == (60, None, None)
    assert len(done.losses) == 60
    assert all(torch.equal(p, frozen[n]) for n, p in vlm.model.named_parameters() if n in frozen)
    if settings is LORA:
        assert frozen and all("lora_" in name for name in names)
    else:
        assert not frozen
    # of the vision tower's last layer norm only the class token's output would be read
    unused = {name for name in names if torch.equal(trainable(vlm)[name], before[name])}
    assert all("post_layernorm" in name for name in unused)


def test_the_same_seed_gives_the_same_weights_whatever_ran_before(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    found = []
    for noise in range(2):
        torch.manual_seed(noise)
        vlm = adapted(make_vlm)
        run(vlm, Learn(), samples, Schedule(3, 1e-3))
        found.append(weights(vlm))
    assert same(*found)


def test_dropout_is_the_order_seeds_and_leaves_the_global_state_alone(make_blip2, samples) -> None:  # type: ignore[no-untyped-def]
    found = []
    for noise, seed in ((0, 0), (1, 0), (0, 1)):
        vlm = adapted(make_blip2)
        assert vlm.plain_model.config.text_config.dropout > 0
        torch.manual_seed(noise)
        state = torch.random.get_rng_state()
        # one batch of all: only dropout differs by seed
        found.append(
            run(vlm, Learn(), samples, level(2), batch_size=len(samples), seed=seed).losses
        )
        assert torch.equal(torch.random.get_rng_state(), state)
        assert not vlm.model.training
    assert found[0] == found[1]
    assert found[0] != pytest.approx(found[2], rel=1e-5)


def test_no_gradients_are_left_behind(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = adapted(make_vlm)
    run(vlm, Learn(), samples, level(1))
    assert all(p.grad is None for p in vlm.model.parameters())


@pytest.mark.parametrize("family", ["make_vlm", "make_qwen", "make_blip2"])
def test_labels_are_the_answers_tokens_alone(request, samples, family) -> None:  # type: ignore[no-untyped-def]
    vlm = adapted(request.getfixturevalue(family), AdapterSettings(r=2))
    encoded, method = vlm.encode(samples), Learn()
    run(vlm, method, samples, level(2), batch_size=len(samples))
    tokenizer = vlm.tokenizer
    pad = tokenizer.pad_token_id
    mark = tokenizer.convert_tokens_to_ids(vlm.image_token)
    pictured = padded = 0
    for batch, indices in zip(method.batches, method.indices, strict=True):
        ids, mask = batch.inputs["input_ids"], batch.inputs["attention_mask"]
        assert batch.labels.shape == ids.shape
        for row, index in enumerate(indices):
            sample, width = samples[index], ids.shape[1]
            text = [*tokenizer(f"{vlm.answer_prefix}{sample.answer}")["input_ids"]]
            answer = [i for i in text if i != tokenizer.bos_token_id or family != "make_vlm"]
            if family == "make_blip2":
                answer = answer[1:]  # OPT's mark of a beginning, which is its end mark too
            answer.append(tokenizer.eos_token_id)
            start = width - len(answer)
            for place in range(width):
                label = int(batch.labels[row, place])
                if place < start:
                    assert label == IGNORED
                else:
                    assert label == int(ids[row, place]) == answer[place - start]
                    assert label not in (pad, mark)
                    assert mask[row, place]
            before = ids[row, :start].tolist()
            assert before.count(mark) == encoded.prompts[index].count(mark)
            assert (mark in before) == (sample.picture is not None)
            pictured += mark in before
            padded += pad in before
    assert pictured and padded


# the arithmetic of a step


def plain_run(vlm, encoded, indices, accumulate, rates, clip, decay) -> list[float]:  # type: ignore[no-untyped-def]
    """A plain loop over given batches: answers' cross-entropy sample by sample, and AdamW written out."""
    parameters = list(trainable(vlm).values())
    first = [torch.zeros_like(p) for p in parameters]
    second = [torch.zeros_like(p) for p in parameters]
    taken = [0] * len(parameters)
    losses = []
    for batch, rate in zip(indices, rates, strict=True):
        parts = []
        for k in range(accumulate):
            tokens = []
            for i in batch[k::accumulate]:
                ids = torch.tensor([encoded.prompts[i] + encoded.answers[i]])
                inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
                logits = vlm.model(**inputs, **encoded.shown([i])).logits[0]
                start = len(encoded.prompts[i])
                for k_token, token in enumerate(encoded.answers[i]):
                    tokens.append(-logits[start + k_token - 1].log_softmax(-1)[token])
            parts.append(torch.stack(tokens).mean())
        loss = torch.stack(parts).mean()
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        norm = math.sqrt(sum((g**2).sum().item() for g in gradients if g is not None))
        scale = min(1.0, clip / (norm + 1e-6))
        with torch.no_grad():
            for k, (p, g) in enumerate(zip(parameters, gradients, strict=True)):
                if g is None:
                    continue  # the projector, of questions in text alone
                taken[k] += 1
                m, v = first[k], second[k]
                m.mul_(0.9).add_(0.1 * scale * g)
                v.mul_(0.95).add_(0.05 * (scale * g) ** 2)
                step = (m / (1 - 0.9 ** taken[k])) / ((v / (1 - 0.95 ** taken[k])).sqrt() + 1e-8)
                p.sub_(rate * (decay * p + step))
    return losses


@pytest.mark.parametrize(
    ("accumulate", "clip", "decay"), [(1, 1e9, 0.0), (3, 1e9, 0.0), (2, 0.05, 0.1)]
)
def test_equals_a_plain_loop_with_adamw_written_out(
    make_vlm, samples, accumulate, clip, decay
) -> None:  # type: ignore[no-untyped-def]
    method, vlm = Learn(), adapted(make_vlm, double=True)
    done = run(
        vlm,
        method,
        samples,
        Schedule(4, 1e-2, "linear", 0.25),
        accumulate=accumulate,
        clip=clip,
        weight_decay=decay,
    )
    slow = adapted(make_vlm, double=True)
    # every part saw its share of one batch of 6, like samples dealt out to unlike parts
    whole = []
    for step in range(4):
        parts = method.indices[step * accumulate : (step + 1) * accumulate]
        assert {len(part) for part in parts} == {6 // accumulate}
        batch: list[int] = [0] * 6
        for k, part in enumerate(parts):
            batch[k::accumulate] = part
        whole.append(batch)
    rates = [1e-2, 1e-2, 1e-2 * 2 / 3, 1e-2 / 3]
    losses = plain_run(slow, slow.encode(samples), whole, accumulate, rates, clip, decay)
    assert done.losses == pytest.approx(losses, rel=1e-7)
    assert furthest(weights(vlm), weights(slow)) < 1e-8


def test_parts_give_the_weights_of_the_whole_where_answers_are_of_equal_length(
    make_vlm, samples
) -> None:  # type: ignore[no-untyped-def]
    alike = [s for s in samples if s.task != "cloze"]  # one token and the end mark each
    found = []
    for accumulate in (1, 2, 6):
        method, vlm = Learn(), adapted(make_vlm, double=True)
        done = run(vlm, method, alike, level(4, 1e-2), accumulate=accumulate)
        assert {len(a) for a in vlm.encode(alike).answers} == {2}
        found.append((weights(vlm), method.gradients, done.losses))
    for others in found[1:]:
        assert furthest(found[0][0], others[0]) < 1e-8
        assert all(furthest(a, b) < 1e-12 for a, b in zip(found[0][1], others[1], strict=True))
        assert found[0][2] == pytest.approx(others[2], rel=1e-7)


def test_unequal_answers_weigh_by_part(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    """The loss is the mean of the parts' means, which is not the mean of all tokens."""
    found = []
    for accumulate in (1, 5):
        vlm = adapted(make_vlm, double=True)
        settings = {"accumulate": accumulate, "batch_size": len(samples)}
        found.append(run(vlm, Learn(), samples, level(1), **settings).losses[0])
    assert found[0] != pytest.approx(found[1], rel=1e-6)


def test_a_batch_smaller_than_its_parts_is_an_error(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = adapted(make_vlm)
    with pytest.raises(UserError, match="a batch of 2 retain questions cannot be split into 3"):
        run(vlm, Learn(), samples[:2], level(1), accumulate=3)
    assert not vlm.model.training


# the rate


@pytest.mark.parametrize(("warmup", "warm"), [(0.0, 0), (0.1, 4), (0.25, 10)])
@pytest.mark.parametrize("decay", ["cosine", "linear", "constant"])
def test_the_rate_is_its_closed_form(decay: str, warmup: float, warm: int) -> None:
    schedule = Schedule(40, 3.0, decay, warmup)
    for step in range(40):
        if step < warm:
            expected = (step + 1) / warm
        else:
            x = (step - warm) / (40 - warm)
            expected = {"cosine": math.cos(math.pi * x / 2) ** 2, "linear": 1 - x, "constant": 1}[
                decay
            ]
        assert schedule.factor(step) == pytest.approx(expected, abs=1e-12)
    assert schedule.factor(40) == pytest.approx(1 if decay == "constant" else 0, abs=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_short_runs_have_a_rate(steps: int) -> None:
    for decay in ("cosine", "linear", "constant"):
        assert Schedule(steps, 1.0, decay).factor(0) == 1
        assert all(Schedule(steps, 1.0, decay).factor(step) > 0 for step in range(steps))


def first_weight(vlm) -> float:  # type: ignore[no-untyped-def]
    return next(iter(trainable(vlm).values())).flatten()[0].item()


class Slope(Learn):
    """The sum of all trainable weights: its gradient is 1 everywhere, so AdamW moves each by the rate."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def loss(self, vlm, batches, step):  # type: ignore[no-untyped-def]
        self.seen.append(first_weight(vlm))
        return sum(p.sum() for p in trainable(vlm).values())


@pytest.mark.parametrize("decay", ["cosine", "linear", "constant"])
def test_the_optimizer_moves_by_the_rate(make_vlm, samples, decay) -> None:  # type: ignore[no-untyped-def]
    vlm, method = adapted(make_vlm, double=True), Slope()
    schedule = Schedule(10, 1e-2, decay, 0.2)
    run(vlm, method, samples, schedule)
    path = [*method.seen, first_weight(vlm)]
    moved = [a - b for a, b in pairwise(path)]
    assert moved == pytest.approx([1e-2 * schedule.factor(k) for k in range(10)], rel=1e-4)


# memory and precision


class Distilled(Learn):
    """Ascent beside a divergence from the original, which is looked at in the middle of a pass."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[torch.Tensor] = []

    def loss(self, vlm, batches, step):  # type: ignore[no-untyped-def]
        if step.number == 0:
            self.reference = Reference(vlm)
        batch = batches[self.name]
        logits, labels = vlm.answer_logits(batch)
        said = reference_log_probs(vlm, self.reference, batch)
        self.said.append(said)
        now = logits[labels != IGNORED].float().log_softmax(-1)
        return cross_entropy(logits.flatten(0, 1), labels.flatten()) + kl_divergence(said, now)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_reference_is_the_original_however_far_the_model_is(make_vlm, samples, precision) -> None:  # type: ignore[no-untyped-def]
    vlm, method = adapted(make_vlm), Distilled()
    batch_size = len(samples)  # every step the same batch, in some order
    original, encoded = adapted(make_vlm), vlm.encode(samples)
    streams = {"retain": Stream.of(encoded, batch_size)}
    order = list(next(streams["retain"].batches(seeded())))
    batch = original.batch(encoded, order)
    dtype = torch.bfloat16
    with torch.no_grad(), torch.autocast("cpu", dtype, enabled=precision == "bfloat16"):
        logits, labels = original.answer_logits(batch)
        expected = logits[labels != IGNORED].float().log_softmax(-1)
    settings = TrainerSettings(precision=precision)
    done = train(vlm, method, streams, level(6, 1e-2), seeded(), settings)
    assert torch.equal(method.said[0], expected)
    near = (
        1e-4 if precision == "float32" else 0.1
    )  # a sample may stand at another place of the batch
    for said in method.said[1:]:
        torch.testing.assert_close(said.sort(0).values, expected.sort(0).values, rtol=0, atol=near)
    assert done.collapse is None
    with torch.no_grad():
        logits, labels = vlm.answer_logits(batch)
        now = logits[labels != IGNORED].log_softmax(-1)
    assert float((now - expected).abs().max()) > 0.5


def test_bfloat16_computes_coarsely_and_keeps_the_weights_whole(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    losses = {}
    for precision in ("float32", "bfloat16"):
        vlm = adapted(make_vlm)
        losses[precision] = run(
            vlm, Learn(), samples, Schedule(15, 1e-2), precision=precision
        ).losses
        assert {p.dtype for p in trainable(vlm).values()} == {torch.float32}
    assert losses["bfloat16"][0] == pytest.approx(losses["float32"][0], rel=0.02)
    assert losses["bfloat16"] != losses["float32"]
    assert losses["bfloat16"][-1] < 0.85 * losses["bfloat16"][0]


def test_bfloat16_with_a_base_in_bfloat16(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    vlm.model.to(torch.bfloat16)
    attach(vlm, LORA, seed=0)
    assert {p.dtype for p in trainable(vlm).values()} == {torch.float32}
    done = run(vlm, Distilled(), samples, Schedule(8, 1e-2), precision="bfloat16")
    assert done.collapse is None and done.losses[-1] < done.losses[0]


def test_adapters_on_a_coarse_base_get_the_gradients_of_a_plain_pass(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    """The trainer spares adapters a copy of their inputs; that must not change a bit."""
    found = []
    for trained in (True, False):
        vlm = make_vlm()
        vlm.model.to(torch.bfloat16)
        attach(vlm, AdapterSettings(r=4, targets="language.all"), seed=0)
        generator = torch.Generator().manual_seed(1)
        for name, parameter in trainable(vlm).items():
            if "lora_B" in name:
                parameter.data = torch.randn(parameter.shape, generator=generator) / 20
        if trained:
            method = Learn()
            run(vlm, method, samples, level(1), precision="bfloat16")
            found.append(method.gradients[0])
            indices = method.indices[0]
            layer = next(m for m in vlm.model.modules() if hasattr(m, "cast_input_dtype_enabled"))
            assert layer.cast_input_dtype_enabled
            continue
        with torch.autocast("cpu", torch.bfloat16):
            logits, labels = vlm.answer_logits(vlm.batch(vlm.encode(samples), indices))
            loss = cross_entropy(logits.flatten(0, 1), labels.flatten())
        loss.backward()
        found.append({name: p.grad for name, p in trainable(vlm).items()})
    assert all(float(g.abs().max()) > 0 for g in found[1].values())
    assert same(*found)


def test_checkpointing_leaves_what_is_frozen_without_gradients(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = adapted(make_vlm, AdapterSettings(r=4))
    tower, embedding = vlm.plain_model.model.vision_tower, vlm.plain_model.get_input_embeddings()
    seen: list[bool] = []
    tower.register_forward_hook(lambda _, __, out: seen.append(out.last_hidden_state.requires_grad))
    embedding.register_forward_hook(lambda _, __, out: seen.append(out.requires_grad))
    run(vlm, Learn(), samples[:2], level(1), batch_size=2, gradient_checkpointing=True)
    assert seen and not any(seen)
    assert len(embedding._forward_hooks) == 1  # the one above


class Counting:
    """How often each layer of the language model computes."""

    def __init__(self, vlm) -> None:  # type: ignore[no-untyped-def]
        self.calls = 0
        for layer in vlm.decoder.layers:
            layer.self_attn.register_forward_hook(self._count)

    def _count(self, *_) -> None:  # type: ignore[no-untyped-def]
        self.calls += 1


@pytest.mark.parametrize("settings", [AdapterSettings(r=4), FULL])
@pytest.mark.parametrize("family", ["make_vlm", "make_qwen", "make_blip2"])
def test_checkpointing_gives_the_same_gradients(request, samples, family, settings) -> None:  # type: ignore[no-untyped-def]
    found = []
    for on in (False, True):
        vlm, method = adapted(request.getfixturevalue(family), settings), Distilled()
        counting = Counting(vlm)
        run(vlm, method, samples, level(2), gradient_checkpointing=on)
        layers = len(vlm.decoder.layers)
        assert counting.calls == 2 * layers * (3 if on else 2)  # model, reference, and once more
        assert not any(getattr(m, "gradient_checkpointing", False) for m in vlm.model.modules())
        assert not vlm.model.training
        found.append(method.gradients)
    for one, other in zip(*found, strict=True):
        assert furthest(one, other) <= 1e-6


# which batches


class Alternating(Method):
    """Forget and retain in turn, as SCRUB's max and min steps."""

    def __init__(self) -> None:
        super().__init__(None)
        self.seen: dict[str, list[list[int]]] = {"forget": [], "retain": []}

    def loss(self, vlm, batches, step):  # type: ignore[no-untyped-def]
        name = ("forget", "retain")[step.number % 2]
        self.seen[name].append(list(batches.indices(name)))
        return answer_cross_entropy(vlm, batches[name])


def test_a_stream_that_is_not_asked_for_draws_nothing(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm, method = adapted(make_vlm, AdapterSettings(r=2)), Alternating()
    streams = {
        "forget": Stream.of(vlm.encode(samples[:5]), 2),
        "retain": Stream.of(vlm.encode(samples[5:]), 4),
    }
    windows = 6 * streams["forget"].window * streams["retain"].window
    train(vlm, method, streams, level(2 * windows), seeded())
    for name, size in (("forget", 5), ("retain", 13)):
        assert len(method.seen[name]) == windows
        counts = Counter(i for batch in method.seen[name] for i in batch)
        assert set(counts) == set(range(size))
        assert max(counts.values()) - min(counts.values()) <= 1  # no batch was drawn and lost


def test_retain_is_covered_evenly(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm, method = adapted(make_vlm, AdapterSettings(r=2)), Learn()
    run(vlm, method, samples, level(24), batch_size=5)
    counts: Counter[int] = Counter()
    for number, batch in enumerate(method.indices, start=1):
        counts.update(batch)
        spread = max(counts.values()) - min(counts[i] for i in range(len(samples)))
        # three batches are drawn at a time: of 18 samples these hold none oftener than twice
        assert spread <= (1 if number % 3 == 0 else 3)


def test_the_parts_of_a_step_share_one_batch(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    found = []
    for accumulate in (1, 3):
        vlm, method = adapted(make_vlm, AdapterSettings(r=2)), Learn()
        run(vlm, method, samples, level(4), accumulate=accumulate)
        steps = [method.indices[k * accumulate : (k + 1) * accumulate] for k in range(4)]
        found.append([sorted(i for part in parts for i in part) for parts in steps])
    assert found[0] == found[1]


# collapse


class Breaking(Learn):
    """Ordinary until a step whose loss (or gradient) is not finite."""

    def __init__(self, at: int, value: float = float("nan"), gradient: bool = False) -> None:
        super().__init__()
        self.at, self.value, self.gradient, self.calls = at, value, gradient, 0

    def loss(self, vlm, batches, step):  # type: ignore[no-untyped-def]
        loss = super().loss(vlm, batches, step)
        self.calls += 1
        return loss if self.gradient or self.calls <= self.at else loss * self.value

    def edit_gradients(self, vlm) -> None:  # type: ignore[no-untyped-def]
        if self.gradient and self.calls > self.at:
            next(iter(trainable(vlm).values())).grad.fill_(self.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("settings", [LORA, FULL])
def test_a_first_loss_that_is_not_finite_leaves_the_weights_alone(  # type: ignore[no-untyped-def]
    make_vlm, samples, settings, value
) -> None:
    vlm = adapted(make_vlm, settings)
    before = weights(vlm)
    done = run(vlm, Breaking(0, value), samples, level(3))
    assert done.collapse == f"the loss is {value} at step 1 of 3"
    assert done.steps == 0 and len(done.losses) == 1
    assert same(weights(vlm), before)
    assert not vlm.model.training


@pytest.mark.parametrize("breaking", [Breaking(5), Breaking(5, gradient=True), Breaking(11)])
def test_a_later_one_goes_back_to_the_last_good_check(make_vlm, samples, breaking) -> None:  # type: ignore[no-untyped-def]
    accumulate = 2 if breaking.at == 11 else 1  # step 6's second part
    vlm = adapted(make_vlm)
    done = run(vlm, breaking, samples, level(10), checks=5, accumulate=accumulate)
    if breaking.gradient:
        assert done.collapse == "the model's numbers are not finite after step 6 of 10"
    else:
        assert done.collapse == "the loss is nan at step 6 of 10"
    assert done.steps == 4
    shorter = adapted(make_vlm)
    run(shorter, Learn(), samples, level(4), accumulate=accumulate)
    assert same(weights(vlm), weights(shorter))


def test_infinite_gradients_in_the_last_step_are_found(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = adapted(make_vlm)
    done = run(vlm, Breaking(2, float("inf"), gradient=True), samples, level(3), checks=1)
    assert done.collapse == "the model's numbers are not finite after step 3 of 3"
    assert same(weights(vlm), weights(adapted(make_vlm)))


class Silence(Learn):
    """Every answer's first token becomes the end mark."""

    def loss(self, vlm, batches, step):  # type: ignore[no-untyped-def]
        logits, labels = vlm.answer_logits(batches[self.name])
        first = (labels != IGNORED).int().argmax(1)
        end = torch.full_like(first, vlm.tokenizer.eos_token_id)
        return cross_entropy(logits[torch.arange(len(first)), first], end)


def test_a_model_that_falls_silent_has_collapsed(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = adapted(make_vlm)
    watched = MonitoredQuestions(answers=vlm.encode(samples))
    done = run(vlm, Silence(), samples, level(40, 1e-2), watched=watched, checks=20)
    assert done.collapse is not None
    assert done.collapse.startswith("the model answers nothing after step ")
    at = int(done.collapse.split()[-3])
    assert (done.steps, len(done.losses)) == (at - 2, at)
    batch = vlm.batch(watched.answers, range(len(samples)))
    with torch.no_grad():
        assert not first_words(vlm, batch).silent
    # without the watch it goes on, and is silent; what was silent from the start is no collapse
    vlm = adapted(make_vlm)
    assert run(vlm, Silence(), samples, level(40, 1e-2)).collapse is None
    generated = vlm.model.generate(
        **{k: v for k, v in vlm.batch(watched.answers, [0]).inputs.items() if "position" not in k}
        | {
            "input_ids": torch.tensor([watched.answers.prompts[0]]),
            "attention_mask": torch.ones(1, len(watched.answers.prompts[0]), dtype=torch.long),
        },
        max_new_tokens=1,
        do_sample=False,
    )
    assert int(generated[0, -1]) == vlm.tokenizer.eos_token_id
    again = run(vlm, Silence(), samples, level(2, 1e-4), watched=watched)
    assert (again.collapse, again.steps) == (None, 2)


class Ascent(Learn):
    def loss(self, vlm, batches, step):  # type: ignore[no-untyped-def]
        return -super().loss(vlm, batches, step)


def test_it_stops_once_the_withheld_loss_is_reached(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    """Checked against losses computed one answer at a time, in a run that never stops."""
    withheld = samples[:11]  # more than are looked at together, answers of unlike length
    vlm = adapted(make_vlm)
    encoded = vlm.encode(withheld)

    def loss_of(model) -> float:  # type: ignore[no-untyped-def]
        total = count = 0.0
        with torch.no_grad():
            for i, answer in enumerate(encoded.answers):
                logits, labels = model.answer_logits(model.batch(encoded, [i]))
                total += float(cross_entropy(logits[0], labels[0], reduction="sum"))
                count += len(answer)
        return total / count

    path = []
    for steps in (2, 4, 6):
        free = adapted(make_vlm)
        run(free, Ascent(), samples[11:], level(steps, 1e-2))
        path.append(loss_of(free))
    assert path == sorted(path)
    at = (path[0] + path[1]) / 2
    stop = StopAtForgetLoss(at=at)
    done = run(
        vlm,
        Ascent(),
        samples[11:],
        level(20, 1e-2),
        watched=MonitoredQuestions(withheld=encoded),
        checks=10,
        stop=stop,
    )
    assert done.steps == len(done.losses) == 4
    assert done.stop == f"forget loss {path[1]:.3g} of {at:g} nats after step 4"
    assert done.collapse is None
    assert loss_of(vlm) == pytest.approx(path[1], rel=1e-6)


@pytest.mark.parametrize(("steps", "checks"), [(9, 5), (10, 5), (3, 5), (7, 1), (11, 4)])
def test_there_are_at_most_so_many_checks(make_vlm, samples, monkeypatch, steps, checks) -> None:  # type: ignore[no-untyped-def]
    vlm = adapted(make_vlm, AdapterSettings(r=2))
    kept = []
    update = Reference.update
    monkeypatch.setattr(Reference, "update", lambda self: (kept.append(1), update(self)))
    run(vlm, Learn(), samples[:4], level(steps), batch_size=2, checks=checks)
    assert 1 <= len(kept) <= checks
