"""Every family from a folder in the hub's layout, against transformers' own processor and forward pass."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from uqs.models import adapter
from uqs.models.families import family_of
from uqs.models.settings import AdapterSettings
from uqs.models.vlm import VLM
from uqs.records import Picture, Sample, Split
from uqs.traces.one_pass import TraceSettings, trace_split


def _script(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tiny = _script(Path(__file__).parents[2] / "scripts" / "tiny_families.py")
WORDS = (
    "What",
    "colour",
    "is",
    "it",
    "Which",
    "red",
    "green",
    "blue",
    "pink",
    "The",
    "of",
    "thing",
)
NEW = 4
# PaliGemma's processor makes labels of tensors by NumPy
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module", params=sorted(tiny.BUILDERS))
def folder(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    request.addfinalizer(lambda: torch.set_num_threads(before))
    found: Path = tiny.write(request.param, tmp_path_factory.mktemp("family"), WORDS, seed=1)
    return found


@pytest.fixture(scope="module")
def vlm(folder: Path) -> Iterator[VLM]:
    yield family_of(folder).load(folder)


@pytest.fixture
def asked(vlm: VLM, samples: list[Sample]) -> list[Sample]:
    """Questions of several lengths on pictures of several sizes, and without a picture."""
    if not vlm.sees_pictures:
        return [dataclasses.replace(one, picture=None) for one in samples[:6]]
    sizes = ((32, 32), (64, 32), (40, 90))
    return [_sized(one, *sizes[i // 2 % 3]) for i, one in enumerate(samples[:6])]


def _sized(sample: Sample, width: int, height: int) -> Sample:
    if sample.picture is None:
        return sample
    buffer = io.BytesIO()
    Image.open(io.BytesIO(sample.picture.data)).resize((width, height)).save(buffer, "PNG")
    return dataclasses.replace(
        sample, picture=Picture(f"{width}-{sample.picture.name}", buffer.getvalue())
    )


class Plain:
    """One question at a time by transformers' own processor and model."""

    def __init__(self, vlm: VLM) -> None:
        self.vlm, self.processor = vlm, vlm.processor
        if vlm.name in ("qwen_vl", "qwen3_vl"):
            kind = {"qwen_vl": "Qwen2VLProcessor", "qwen3_vl": "Qwen3VLProcessor"}[vlm.name]
            parts = (vlm.processor.image_processor, vlm.tokenizer)
            self.processor = tiny._silent(getattr(tiny.hf, kind))(*parts)

    def inputs(self, sample: Sample, answer: str | None = None) -> dict[str, Any]:
        images = [Image.open(io.BytesIO(sample.picture.data))] if sample.picture else None
        if self.vlm.name == "paligemma" and images:
            end = self.vlm.tokenizer.eos_token
            ending = {} if answer is None else {"suffix": answer}
            found = dict(
                self.processor(
                    text=f"<image>{sample.text}", images=images, return_tensors="pt", **ending
                )
            )
            assert answer is None or self.vlm.tokenizer.decode(found["input_ids"][0][-1]) == end
            found.pop("labels", None)
            return found
        text = self.vlm.prompt(sample)
        if answer is not None:
            text += f"{self.vlm.answer_prefix}{answer}{self.vlm.tokenizer.eos_token}"
        if images is None:
            found = dict(self.vlm.tokenizer(text, return_tensors="pt"))
            if self.vlm.name == "paligemma":
                length = len(self.vlm.tokenizer(self.vlm.prompt(sample))["input_ids"])
                types = torch.arange(found["input_ids"].shape[1]) >= length
                found["token_type_ids"] = types[None].long()
            else:
                found.pop("token_type_ids", None)
            return found
        return dict(self.processor(text=[text], images=images, return_tensors="pt"))

    def model(self, sample: Sample) -> Any:
        """BLIP-2's own pass needs a picture; without one its language model is asked."""
        alone = self.vlm.name in ("blip2", "instructblip") and sample.picture is None
        return self.vlm.model.language_model if alone else self.vlm.model


def _spoken(vlm: VLM, sample: Sample) -> dict[str, Any]:
    """The inputs of an answer; where the answer is spelled, the Q-Former reads the question alone."""
    plain = Plain(vlm)
    found = plain.inputs(sample, sample.answer)
    for name, value in plain.inputs(sample).items():
        if name.startswith("qformer"):
            found[name] = value
    return found


def test_prompts_and_pictures_are_the_processors_own(vlm: VLM, asked: list[Sample]) -> None:
    encoded = vlm.encode(asked)
    plain = Plain(vlm)
    for i, sample in enumerate(asked):
        expected = plain.inputs(sample)
        assert list(encoded.prompts[i]) == expected["input_ids"][0].tolist()
        whole = plain.inputs(sample, sample.answer)["input_ids"][0].tolist()
        assert [*encoded.prompts[i], *encoded.answers[i]] == whole
        for name, value in encoded.shown([i]).items():
            if name in expected:
                assert torch.equal(value, torch.as_tensor(expected[name]))
    seen = {(one.picture, vlm.shown_with(one)) for one in asked if one.picture}
    assert len(encoded.pictures) == len(seen)  # each once


def test_a_batch_gives_what_the_models_own_pass_gives_one_by_one(
    vlm: VLM, asked: list[Sample]
) -> None:
    encoded = vlm.encode(asked)
    with torch.no_grad():
        together, labels = vlm.answer_logits(vlm.batch(encoded, range(len(asked))))
        for i, sample in enumerate(asked):
            out = Plain(vlm).model(sample)(**_spoken(vlm, sample))
            k = len(encoded.answers[i])
            assert tuple(labels[i, -k:].tolist()) == encoded.answers[i]
            torch.testing.assert_close(
                together[i, -k:], out.logits[0, -k - 1 : -1], atol=2e-4, rtol=1e-4
            )


def test_a_trace_has_the_answers_and_likelihoods_of_the_plain_calls(
    vlm: VLM, asked: list[Sample]
) -> None:
    found = trace_split(
        vlm, Split("forget", tuple(asked)), TraceSettings(max_new_tokens=NEW, batch_size=4)
    )
    plain = Plain(vlm)
    seen = set()
    for i, sample in enumerate(asked):
        with torch.no_grad():
            model, inputs = plain.model(sample), _spoken(vlm, sample)
            logits = model(**inputs).logits[0]
            said = model.generate(
                **plain.inputs(sample), do_sample=False, max_new_tokens=NEW, min_new_tokens=0
            )[0]
        at = slice(*found.offsets[i : i + 2])
        k = at.stop - at.start
        tokens = inputs["input_ids"][0, -k - 1 : -1]
        expected = logits[-k - 2 : -2].log_softmax(-1).gather(1, tokens[:, None])[:, 0]
        np.testing.assert_allclose(found.gold_log_probs[at], expected, atol=2e-4, rtol=1e-4)
        new = said[plain.inputs(sample)["input_ids"].shape[1] :].tolist()
        ends = [j for j, token in enumerate(new) if token in vlm.end_ids]
        cut = new[: ends[0]] if ends else new
        assert found.answers[i] == vlm.tokenizer.decode(cut, skip_special_tokens=True).strip()
        seen.add(found.answers[i])
    assert len(seen) > 1  # the model does not say the same to everything


def test_a_picture_matters(vlm: VLM, asked: list[Sample]) -> None:
    if not vlm.sees_pictures:
        pytest.skip("reads text only")
    pictured = [one for one in asked if one.picture]
    other = dataclasses.replace(pictured[0], picture=pictured[-1].picture)
    with torch.no_grad():
        one, two = (
            vlm.answer_logits(vlm.batch(vlm.encode([s]), [0]))[0] for s in (pictured[0], other)
        )
    assert (one - two).abs().max() > 1e-3


@pytest.mark.parametrize("targets", ["language.attention", "language.all"])
def test_an_adapter_trains_language_layers_alone(
    folder: Path, asked: list[Sample], targets: str
) -> None:
    vlm = family_of(folder).load(folder)
    vlm.model.requires_grad_(False)
    adapter.attach(vlm, AdapterSettings(r=2, alpha=4.0, targets=targets), seed=0)
    inside = {id(one) for one in vlm.decoder.layers.parameters()}
    trained = [p for p in vlm.model.parameters() if p.requires_grad]
    assert trained
    assert all(id(p) in inside for p in trained)
    # two factors of four matrices of attention in two layers, and of what an MLP has
    more = 0 if targets == "language.attention" else 2 if vlm.name == "blip2" else 3
    assert len(trained) == 2 * 2 * (4 + more)
    logits, labels = vlm.answer_logits(vlm.batch(vlm.encode(asked), range(len(asked))))
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten()).backward()
    assert all(bool(p.grad.any()) for n, p in vlm.model.named_parameters() if "lora_B" in n)
