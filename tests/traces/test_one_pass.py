from __future__ import annotations

import copy
import dataclasses
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import Parameter
from torch.nn.functional import cross_entropy

from uqs.errors import UserError
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.models.vlm import VLM
from uqs.records import Picture, Sample, Split
from uqs.traces import prefix, readings
from uqs.traces.one_pass import HalvedBatch, TraceSettings, trace_parts, trace_split
from uqs.traces.trace import Trace

LIMIT = 5
TIE = 2e-5
"""Nats within which rounding decides which of two tokens is the likelier one."""
SETTINGS = TraceSettings(max_new_tokens=LIMIT)
FAMILIES = ("llava", "qwen2_vl", "qwen2_5_vl", "blip2")
Make = Callable[[int], VLM]


def wide(picture: Picture, width: int) -> Picture:
    """The picture, stretched, so that families with pictures of any size get prompts of many lengths."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(picture.data)).resize((width, 32)).save(buffer, "PNG")
    return Picture(f"{width}-{picture.name}", buffer.getvalue())


@pytest.fixture
def asked(samples: list[Sample]) -> list[Sample]:
    """Questions of many lengths; up to three wrong answers each, some without any."""
    wrong = ("green is", "red of the thing", "What")
    return [
        dataclasses.replace(
            sample,
            picture=sample.picture and wide(sample.picture, (32, 64, 48)[i // 3 % 3]),
            wrong=wrong[: i % 4],
        )
        for i, sample in enumerate(samples)
    ]


@pytest.fixture(params=FAMILIES)
def make(request, make_vlm, make_qwen, make_blip2) -> Make:  # type: ignore[no-untyped-def]
    """Random models of one architecture, by seed."""
    ways: dict[str, Make] = {"llava": make_vlm, "blip2": make_blip2}
    return ways.get(request.param, lambda seed: make_qwen(seed, request.param))


def speaking(model: Any) -> Any:
    """The part of a model that holds the output layer and generates."""
    return model.language_model if model.config.model_type == "blip-2" else model


@pytest.fixture
def vlm(make: Make, asked: list[Sample]) -> VLM:
    """A model whose answers are whole words that differ from question to question, some short."""
    found = make(1)
    loudness = 3 if found.name == "tiny_llava" else 4
    speaker = speaking(found.model)
    words = [token for token in found.tokenizer.get_vocab() if len(token) > 2 and token.isalpha()]
    # an output layer of its own: tied weights would say the last token again and again
    head = torch.randn(speaker.lm_head.weight.shape, generator=torch.Generator().manual_seed(0))
    volume = torch.full((len(head), 1), 0.01)
    volume[found.tokenizer.convert_tokens_to_ids(words)] = 0.1
    with torch.no_grad():
        for name, parameter in found.model.named_parameters():
            parameter.mul_(1 if "norm" in name else loudness)
        found.model.get_input_embeddings().weight.mul_(3)
    speaker.lm_head.weight = Parameter(volume * head)
    # a random model seldom ends an answer: let what it often says later end it too
    set_ends(found, [])
    said = [plain_answer(found, sample).split() for sample in asked]
    begun = {words[0] for words in said}
    later = Counter(word for words in said for word in {*words[2:]} - begun)
    set_ends(found, [word for word, _ in later.most_common(2)])
    return found


def set_ends(vlm: VLM, words: Sequence[str]) -> None:
    """Let these words end an answer, as the end mark does."""
    ends = [vlm.tokenizer.eos_token_id, *vlm.tokenizer.convert_tokens_to_ids(list(words))]
    for model in (vlm.model, speaking(vlm.model)):
        model.generation_config.eos_token_id = ends


def traced(vlm: VLM, samples: Sequence[Sample], settings: TraceSettings = SETTINGS) -> Trace:
    return trace_split(vlm, Split("forget", tuple(samples)), settings)


def plain_inputs(vlm: VLM, sample: Sample, text: str) -> dict[str, Any]:
    """What the family's own processor makes of one text with its picture."""
    images = [Image.open(io.BytesIO(sample.picture.data))] if sample.picture else None
    if vlm.name != "qwen_vl":
        return dict(vlm.processor(text=text, images=images, return_tensors="pt"))
    # without torchvision there is no Qwen2VLProcessor: its few lines by hand
    shown = dict(vlm.processor.image_processor(images, return_tensors="pt")) if images else {}
    if images:
        pads = int(shown["image_grid_thw"].prod()) // 4
        text = text.replace("<|image_pad|>", "<|image_pad|>" * pads)
    found = dict(vlm.tokenizer(text, return_tensors="pt"))
    found["mm_token_type_ids"] = (
        found["input_ids"] == vlm.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    ).int()
    return found | shown


def plain_answer(vlm: VLM, sample: Sample) -> str:
    inputs = plain_inputs(vlm, sample, vlm.prompt(sample))
    model = vlm.model if "pixel_values" in inputs else speaking(vlm.model)
    out = model.generate(**inputs, do_sample=False, max_new_tokens=LIMIT)
    new = out[0, inputs["input_ids"].shape[1] :].tolist()
    ends = vlm.model.generation_config.eos_token_id
    cut = new[:-1] if new[-1] in ends else new
    text: str = vlm.tokenizer.decode(cut, skip_special_tokens=True)
    return text.strip()


def with_known_answers(vlm: VLM, samples: Sequence[Sample]) -> list[Sample]:
    """The samples, three of four with the model's own answer as the gold one, where it has one."""
    found = []
    for i, sample in enumerate(samples):
        answer = plain_answer(vlm, sample) if i % 4 else ""
        if answer and sample.task != "classification":
            wrong = tuple(word for word in sample.wrong if word != answer)
            sample = dataclasses.replace(sample, answer=answer, wrong=wrong)
        found.append(sample)
    return found


@dataclasses.dataclass
class Plain:
    """One sample by plain transformers calls: tokens (k,) of an answer, log-probabilities (k, vocabulary)
    that predict them, and hidden states (layers, 1 + k, width) at the last prompt token and the answer's."""

    tokens: list[int]
    log_probs: np.ndarray
    states: torch.Tensor
    gradient_norm: float


def plain(vlm: VLM, sample: Sample, answer: str) -> Plain:
    prompt = vlm.prompt(sample)
    start = plain_inputs(vlm, sample, prompt)["input_ids"].shape[1]
    inputs = plain_inputs(vlm, sample, f"{prompt}{vlm.answer_prefix}{answer}")
    model = copy.deepcopy(vlm.model)
    # the gradient through the output layer alone, also where the input layer shares its weights
    head = speaking(model).lm_head
    head.weight = Parameter(head.weight.detach().clone())
    out = (model if sample.picture else speaking(model))(**inputs, output_hidden_states=True)
    hidden = getattr(out, "language_model_outputs", out).hidden_states
    tokens, logits = inputs["input_ids"][0, start:], out.logits[0, start - 1 : -1]
    cross_entropy(logits, tokens).backward()
    return Plain(
        tokens.tolist(),
        logits.detach().double().log_softmax(-1).numpy(),
        torch.stack([states[0, start - 1 :].detach() for states in hidden]),
        float(head.weight.grad.norm()),
    )


def by_lens(vlm: VLM, state: torch.Tensor, layer: int) -> np.ndarray:
    """Log-probabilities that the final norm and the output layer read from one state."""
    with torch.no_grad():
        if layer != -1:
            inner = speaking(vlm.model).model
            blip2 = vlm.name == "blip2"
            state = (inner.decoder.final_layer_norm if blip2 else inner.language_model.norm)(state)
        logits = speaking(vlm.model).lm_head(state).double()
    return logits.log_softmax(-1).numpy()  # type: ignore[no-any-return]


def close(found: Any, expected: Any, name: str = "") -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4, err_msg=name)


def check_rank(rank: int, log_probs: Any, own: float) -> None:
    """How many tokens are likelier; those within rounding of `own` may count or not."""
    likelier = (log_probs > own + TIE).sum()
    assert likelier <= rank <= (log_probs >= own - TIE).sum() - 1


def check_positions(trace: Trace, i: int, expected: Plain) -> None:
    at = slice(*trace.offsets[i : i + 2])
    log_probs, probs = expected.log_probs, np.exp(expected.log_probs)
    assert trace.gold_ids[at].tolist() == expected.tokens
    gold = log_probs[np.arange(len(log_probs)), expected.tokens]
    mean = (probs * log_probs).sum(1)
    close(trace.gold_log_probs[at], gold)
    for rank, row, own in zip(trace.gold_ranks[at], log_probs, gold, strict=True):
        check_rank(rank, row, own)
    close(trace.means[at], mean)
    close(trace.variances[at], (probs * (log_probs - mean[:, None]) ** 2).sum(1))
    k = trace.top_log_probs.shape[1]
    if trace.complete:
        close(trace.top_log_probs[at], log_probs)
    else:
        order = np.argsort(-log_probs, axis=1)[:, :k]
        found = trace.top_ids[at]
        assert all(len(set(row)) == k for row in found.tolist())
        # tokens within rounding of each other may change places
        close(np.take_along_axis(log_probs, found, 1), np.take_along_axis(log_probs, order, 1))
        close(trace.top_log_probs[at], np.take_along_axis(log_probs, order, 1))
        rest = np.sort(probs, axis=1)[:, : probs.shape[1] - k]
        close(trace.tail_masses[at], rest.sum(1))


def check_layers(vlm: VLM, trace: Trace, i: int, expected: Plain) -> None:
    first = expected.tokens[0]
    for layer in trace.layers:
        states = expected.states[layer]
        close(trace.prompt_activations[layer][i], states[0])
        close(trace.answer_activations[layer][i], states[1:].mean(0))
        read = by_lens(vlm, states[0], layer)
        close(trace.lens_log_probs[layer][i], read[first])
        check_rank(trace.lens_ranks[layer][i], read, read[first])


@pytest.mark.parametrize("top", [{"top_k": 5, "whole_vocabulary": 0}, {}])
def test_equals_plain_transformers_calls_one_sample_at_a_time(
    vlm: VLM, asked: list[Sample], top: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []
    decode = prefix._decode
    monkeypatch.setattr(
        prefix, "_decode", lambda *args: (decoded.append(len(args[1])), decode(*args))
    )
    samples = with_known_answers(vlm, asked)
    everything = tuple(range(-vlm.hidden_states, 0))
    settings = TraceSettings(max_new_tokens=LIMIT, batch_size=7, layers=everything, **top)
    trace = traced(vlm, samples, settings)
    assert trace.layers == everything[::-1]
    assert trace.complete == (not top)
    assert trace.vocabulary == len(vlm.tokenizer)
    for i, sample in enumerate(samples):
        assert trace.answers[i] == plain_answer(vlm, sample)
        expected = plain(vlm, sample, sample.answer)
        check_positions(trace, i, expected)
        check_layers(vlm, trace, i, expected)
        close(trace.gradient_norms[i], expected.gradient_norm)
        losses = []
        for wrong in sample.wrong:
            other = plain(vlm, sample, wrong)
            at = np.arange(len(other.tokens))
            losses.append(-other.log_probs[at, other.tokens].mean())
        start = sum(map(len, trace.candidates[:i]))
        close(trace.candidate_losses[start : start + len(losses)], losses)
    # some answers were known from the gold pass, others were decoded
    said = sum(answer != "" for answer in trace.answers)
    assert said - 3 >= sum(decoded) >= 3
    assert len(set(trace.answers)) >= 3


def same(found: Trace, expected: Trace) -> None:
    """Words and counts equal, ranks but for a tie; all else within 1e-5, or that share of a large number."""
    for field in dataclasses.fields(Trace):
        mine, theirs = getattr(found, field.name), getattr(expected, field.name)
        if not isinstance(theirs, dict | np.ndarray):
            assert mine == theirs, field.name
            continue
        parts = theirs if isinstance(theirs, dict) else {0: theirs}
        assert list(mine if isinstance(mine, dict) else {0: mine}) == list(parts)
        for key, values in parts.items():
            own = mine[key] if isinstance(mine, dict) else mine
            assert own.dtype == values.dtype, field.name
            if values.dtype.kind == "f":
                np.testing.assert_allclose(own, values, rtol=1e-5, atol=1e-5, err_msg=field.name)
            elif field.name in ("gold_ranks", "lens_ranks"):
                np.testing.assert_allclose(own, values, rtol=0, atol=1, err_msg=field.name)
            else:
                np.testing.assert_array_equal(own, values, err_msg=field.name)


WAYS = (
    {"batch_size": 1},
    {"batch_size": 5},
    {"padding": "right"},
    {"padding": "right", "batch_size": 5},
    {"batch_size": 3, "window": 1, "workers": 2},
    {"batch_size": 4, "window": 2, "workers": 1, "padding": "right"},
    {"batch_tokens": 90},
)


def test_how_it_is_run_changes_nothing(
    vlm: VLM, asked: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = with_known_answers(vlm, asked)
    whole = traced(vlm, samples)
    monkeypatch.setattr(readings, "NUMBERS_AT_ONCE", 1000)  # many pieces of work a batch
    same(traced(vlm, samples), whole)
    monkeypatch.undo()
    backwards = range(len(samples))[::-1]
    for way in WAYS:
        settings = SETTINGS.model_copy(update=way)
        same(traced(vlm, samples, settings), whole)
        same(traced(vlm, samples[::-1], settings).take(backwards), whole)


def test_parts_follow_each_other(vlm: VLM, asked: list[Sample]) -> None:
    settings = TraceSettings(batch_size=2, window=2)
    parts = list(trace_parts(vlm, Split("forget", tuple(asked)), settings))
    assert [len(part) for part in parts] == [4, 4, 4, 4, 2]
    assert [id for part in parts for id in part.ids] == [s.id for s in asked]


def test_as_many_likeliest_tokens_as_there_are_is_the_whole_distribution(
    vlm: VLM, asked: list[Sample]
) -> None:
    settings = SETTINGS.model_copy(update={"whole_vocabulary": 0, "top_k": 10_000})
    same(traced(vlm, asked[:3], settings), traced(vlm, asked[:3]))


def test_an_end_mark_within_the_gold_answer_ends_the_greedy_answer(
    vlm: VLM, asked: list[Sample]
) -> None:
    """The gold answer is what the model would say if its second token were no end mark."""
    set_ends(vlm, [])
    words = next(
        words
        for words in (plain_answer(vlm, sample).split() for sample in asked[::3])
        if len(words) == LIMIT and words[0] not in (words[1], words[3])
    )
    (sample,) = [one for one in asked[::3] if plain_answer(vlm, one).split() == words][:1]
    sample = dataclasses.replace(sample, answer=" ".join(words[:3]), wrong=())
    set_ends(vlm, [words[1], words[3]])
    assert traced(vlm, [sample]).answers == (words[0],) == (plain_answer(vlm, sample),)


@pytest.fixture
def small_memory(vlm: VLM, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Exception], None]:
    """Let the model fail on batches of more than so many rows."""
    run = vlm.run

    def limit(rows: int, error: Exception) -> None:
        def failing(inputs: Mapping[str, Any]) -> Any:
            if len(inputs["input_ids"]) > rows:
                raise error
            return run(inputs)

        monkeypatch.setattr(vlm, "run", failing)

    return limit


OUT_OF_MEMORY = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"),
)


@pytest.mark.parametrize("error", OUT_OF_MEMORY)
def test_a_batch_that_does_not_fit_is_halved(
    vlm: VLM,
    asked: list[Sample],
    small_memory: Callable[[int, Exception], None],
    error: Exception,
) -> None:
    whole = traced(vlm, asked)
    small_memory(5, error)
    told: list[HalvedBatch] = []
    split = Split("forget", tuple(asked))
    same(trace_split(vlm, split, SETTINGS, told.append), whole)
    longest = max(map(len, vlm.encode(asked).prompts))
    assert [one.samples for one in told] == [18, 9, 9]
    assert told[0] == HalvedBatch("forget", 18, longest)
    with pytest.raises(
        UserError, match=r"split 'forget': one sample of \d+ prompt tokens does not"
    ):
        small_memory(0, error)
        traced(vlm, asked)


def test_another_error_is_not_taken_for_a_lack_of_memory(
    vlm: VLM, asked: list[Sample], small_memory: Callable[[int, Exception], None]
) -> None:
    small_memory(5, RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes do not match"):
        traced(vlm, asked)


def test_bfloat16_agrees_with_float32(make: Make, asked: list[Sample]) -> None:
    vlm = make(0)
    whole = traced(vlm, asked)
    vlm.model = vlm.model.bfloat16()
    half = traced(vlm, asked)
    assert half.gold_log_probs.dtype == np.float32
    for name in ("gold_log_probs", "means", "top_log_probs", "candidate_losses"):
        np.testing.assert_allclose(getattr(half, name), getattr(whole, name), atol=0.1)
    np.testing.assert_allclose(half.gradient_norms, whole.gradient_norms, rtol=0.05)


def test_a_fresh_adapter_changes_nothing(make: Make, asked: list[Sample]) -> None:
    vlm = make(0)
    whole = traced(vlm, asked)
    attach(vlm, AdapterSettings(r=2, targets="language.all+projector"), seed=0)
    same(traced(vlm, asked), whole)


def test_a_picture_changes_what_the_model_sees(vlm: VLM, asked: list[Sample]) -> None:
    swapped = dataclasses.replace(asked[0], picture=asked[9].picture)
    before, after = traced(vlm, asked[:1]), traced(vlm, [swapped])
    assert np.abs(before.top_log_probs - after.top_log_probs).max() > 1e-3
