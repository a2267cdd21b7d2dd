from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from uqs.records import Split
from uqs.traces.one_pass import TraceSettings, trace_split


def test_equals_plain_transformers_calls_one_sample_at_a_time(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    with torch.no_grad():  # larger weights, so that answers differ from sample to sample
        for parameter in vlm.model.parameters():
            parameter.mul_(2)
    settings = TraceSettings(batch_size=7, max_new_tokens=4)
    trace = trace_split(vlm, Split("forget", tuple(samples)), settings)
    import io

    from PIL import Image

    for i, sample in enumerate(samples):
        images = [Image.open(io.BytesIO(sample.picture.data))] if sample.picture else None
        asked = vlm.processor(text=vlm.prompt(sample), images=images, return_tensors="pt")
        out = vlm.model.generate(**asked, do_sample=False, max_new_tokens=4)
        new = out[0, asked["input_ids"].shape[1] :]
        assert trace.answers[i] == vlm.tokenizer.decode(new, skip_special_tokens=True).strip()
        full = vlm.processor(
            text=f"{vlm.prompt(sample)} {sample.answer}", images=images, return_tensors="pt"
        )
        with torch.no_grad():
            seen = vlm.model(**full, output_hidden_states=True)
        start, stop = trace.offsets[i], trace.offsets[i + 1]
        k = int(stop - start)
        gold = full["input_ids"][0, -k:]
        assert trace.gold_ids[start:stop].tolist() == gold.tolist()
        expected = seen.logits[0, -k - 1 : -1].log_softmax(-1)
        np.testing.assert_allclose(trace.log_probs[start:stop], expected, rtol=1e-5, atol=1e-5)
        for layer in settings.layers:
            pooled = seen.hidden_states[layer][0, -k:].mean(0)
            np.testing.assert_allclose(trace.activations[layer][i], pooled, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 5])
def test_batch_size_and_order_change_nothing(make_vlm, samples, batch_size) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    whole = trace_split(vlm, Split("forget", tuple(samples)), TraceSettings())
    other = trace_split(
        vlm, Split("forget", tuple(reversed(samples))), TraceSettings(batch_size=batch_size)
    )
    assert other.ids == tuple(reversed(whole.ids))
    assert other.answers == tuple(reversed(whole.answers))
    np.testing.assert_allclose(other.gold_losses()[::-1], whole.gold_losses(), atol=1e-5)
    for layer, values in whole.activations.items():
        np.testing.assert_allclose(other.activations[layer][::-1], values, atol=1e-5)


def test_a_picture_changes_what_the_model_sees(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    swapped = [dataclasses.replace(samples[0], picture=samples[3].picture)]
    before = trace_split(vlm, Split("s", (samples[0],)), TraceSettings())
    after = trace_split(vlm, Split("s", tuple(swapped)), TraceSettings())
    assert np.abs(before.log_probs - after.log_probs).max() > 1e-6
