"""Traces of a classifier against a plain loop over its own outputs."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import cross_entropy

from uqs.models.resnet import build
from uqs.records import Picture, Sample, Split
from uqs.traces.one_pass import trace_split
from uqs.traces.settings import TraceSettings

CLASSES = ("cat", "dog", "bird", "fish")


def sample(i: int) -> Sample:
    pixels = np.random.default_rng(i).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    answer = CLASSES[i % 4]
    wrong = tuple(name for name in CLASSES if name != answer)
    picture = Picture(f"{i}.png", stream.getvalue())
    return Sample(f"p{i}", f"p{i}", "short", "What is shown?", answer, picture, wrong=wrong)


@pytest.fixture(scope="module")
def vlm():
    found = build(CLASSES, (4, 6), (1, 1), 16, seed=3)
    with torch.no_grad():  # a head that does not say the same of every picture
        found._head.weight.mul_(30)
    return found


@pytest.fixture(scope="module")
def split():
    return Split("forget", tuple(sample(i) for i in range(9)))


def test_every_reading_against_a_plain_loop(vlm, split):
    trace = trace_split(vlm, split, TraceSettings(batch_size=4))
    encoded = vlm.encode(split.samples)
    assert trace.vocabulary == len(CLASSES)
    assert trace.golds == tuple(one.answer for one in split.samples)
    assert len(set(trace.answers)) > 1
    start = 0
    for i, one in enumerate(split.samples):
        pixels = encoded.shown([i])["pixel_values"]
        out = vlm.model(pixels, output_hidden_states=True)
        log_probs = out.logits[0].log_softmax(0).detach().numpy()
        gold = CLASSES.index(one.answer)
        assert trace.answers[i] == CLASSES[int(log_probs.argmax())]
        np.testing.assert_allclose(trace.gold_log_probs[i], log_probs[gold], atol=1e-5)
        assert trace.gold_ranks[i] == (log_probs > log_probs[gold]).sum()
        np.testing.assert_allclose(trace.top_log_probs[i], log_probs, atol=1e-5)
        losses = trace.candidate_losses[start : start + 3]
        others = [-log_probs[CLASSES.index(name)] for name in one.wrong]
        np.testing.assert_allclose(losses, others, atol=1e-5)
        start += 3
        vlm.model.zero_grad()
        cross_entropy(vlm.model(pixels).logits, torch.tensor([gold])).backward()
        norm = float(vlm._head.weight.grad.norm())
        np.testing.assert_allclose(trace.gradient_norms[i], norm, rtol=1e-4, atol=1e-5)
        features = out.hidden_states[-1].mean((2, 3))[0].detach().numpy()
        for layer in (-1, -2):
            np.testing.assert_allclose(trace.prompt_activations[layer][i], features, atol=1e-5)
            np.testing.assert_allclose(trace.answer_activations[layer][i], features, atol=1e-5)
        np.testing.assert_allclose(trace.lens_log_probs[-1][i], log_probs[gold], atol=1e-5)
    assert set(trace.lens_log_probs) == {-1}
    assert trace.offsets.tolist() == list(range(10))


def test_the_size_of_batches_changes_nothing(vlm, split):
    one, many = (trace_split(vlm, split, TraceSettings(batch_size=n)) for n in (1, 9))
    np.testing.assert_allclose(one.gold_log_probs, many.gold_log_probs, atol=1e-5)
    np.testing.assert_allclose(one.gradient_norms, many.gradient_norms, atol=1e-5)
    assert one.answers == many.answers
