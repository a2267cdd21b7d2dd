import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from uqs.checkpoints.find import Checkpoint
from uqs.checkpoints.open import Models
from uqs.errors import DataError, UserError
from uqs.methods.base import Batches, Data, Method, Step
from uqs.methods.cards.look_up import method_class
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.retrain import Retrain
from uqs.methods.settings import TrainerSettings
from uqs.methods.state_files import StateFolder
from uqs.methods.streams import Stream
from uqs.methods.trainer import Schedule, train
from uqs.methods.unlearn import Seeds, unlearn
from uqs.models import adapter
from uqs.models.families import base_folder, family_of
from uqs.models.image_classifier import ClassifierProcessor, ImageClassifier
from uqs.models.reference import Reference
from uqs.models.resnet import ResNet, build
from uqs.models.settings import BASES, CLASSIFIERS, AdapterSettings
from uqs.models.update import effective_update
from uqs.models.vlm import VLM
from uqs.records import Picture, Sample, Split

CLASSES = ("cat", "dog", "bird")


def drawn(seed: int) -> Picture:
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 9, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return Picture(f"{seed}.png", stream.getvalue())


def asked(count: int) -> list[Sample]:
    return [
        Sample(f"p{i}", f"p{i}", "short", "What is shown?", CLASSES[i % 3], drawn(i))
        for i in range(count)
    ]


def tiny(seed: int = 0) -> ResNet:
    return build(CLASSES, (4, 6), (1, 1), 16, seed)


@pytest.fixture
def vlm() -> ResNet:
    return tiny()


def tracked(vlm: VLM) -> list[int]:
    """How many batches each normalisation has followed."""
    return [int(b) for name, b in vlm.model.named_buffers() if "num_batches_tracked" in name]


def statistics(vlm: VLM) -> Mapping[str, torch.Tensor]:
    return {n: b.clone() for n, b in vlm.model.named_buffers() if "running" in n}


class Plain(Method):
    """A method that only trains."""

    card = Retrain.card

    def __init__(self) -> None:
        super().__init__(None)

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        return {"mixed": Stream.of(vlm.encode(data["learn"].samples), 4)}

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> torch.Tensor:
        return answer_cross_entropy(vlm, batches["mixed"])


def trained(vlm: ResNet, method: Method, steps: int = 6, **further: Any) -> Any:
    adapter.attach(vlm, AdapterSettings(kind="full"), seed=0)
    data = {"learn": Split("learn", tuple(asked(8))), "replay": Split("replay", ())}
    generator = torch.Generator().manual_seed(0)
    streams = method.streams(vlm, data, generator)
    schedule, settings = Schedule(steps, 1e-2), TrainerSettings(checks=3)
    return train(vlm, method, streams, schedule, generator, settings, **further)


def test_logits_are_those_of_the_plain_model_on_plain_pixels(vlm):
    some = asked(5)
    batch = vlm.batch(vlm.encode(some), [3, 1])
    logits, labels = vlm.answer_logits(batch)
    pixels = []
    for sample in (some[3], some[1]):
        image = Image.open(io.BytesIO(sample.picture.data)).resize(
            (16, 16), Image.Resampling.BILINEAR
        )
        pixels.append((np.asarray(image, dtype=np.float64) / 255 - 0.5) / 0.5)
    wanted = vlm.model(torch.tensor(np.stack(pixels)).permute(0, 3, 1, 2).float()).logits
    assert logits.shape == (2, 1, 3)
    assert torch.allclose(logits[:, 0], wanted, atol=1e-5)
    assert labels.tolist() == [[0], [1]]


def test_the_last_state_is_what_the_head_reads_and_the_others_are_means_over_space(vlm):
    inputs = vlm.encode(asked(3)).shown([0, 1, 2])
    with torch.no_grad():
        glance = vlm.look(inputs)
        raw = vlm.model(**inputs, output_hidden_states=True)
    assert vlm.hidden_states == len(glance.states) == 4
    assert {one.shape for one in glance.states} == {(3, 6)}
    assert torch.allclose(glance.states[1][:, :4], raw.hidden_states[1].mean((2, 3)))
    assert not glance.states[1][:, 4:].any()
    assert torch.equal(vlm.lens(glance.states[-1], -1), raw.logits)
    assert not vlm.has_lens(-2)


def test_what_a_classifier_cannot_answer_is_one_line(vlm):
    sample = asked(1)[0]
    with pytest.raises(
        UserError, match="'p0': 'frog' is no class of the model; its classes: cat, dog, bird"
    ):
        vlm.encode([Sample("p0", "p0", "short", "What?", "frog", sample.picture)])
    with pytest.raises(UserError, match="'p0' has no picture, and 'resnet' reads nothing else"):
        vlm.encode([Sample("p0", "p0", "short", "What?", "cat")])
    with pytest.raises(UserError, match="no layers for adapters"):
        adapter.attach(vlm, AdapterSettings(), seed=0)


def test_a_model_without_one_head_or_with_doubled_classes_is_refused(vlm):
    vlm.model.config.id2label = dict(enumerate(("cat", "cat", "bird")))
    with pytest.raises(UserError, match="does not name each class once"):
        ResNet(vlm.model, vlm.processor)
    vlm.model.config.id2label = dict(enumerate(CLASSES))
    vlm.model.other = torch.nn.Linear(6, 3)
    with pytest.raises(UserError, match="one linear layer with an output for each of its 3"):
        ResNet(vlm.model, vlm.processor)


def test_the_head_is_drawn_anew_from_its_seed_alone(vlm):
    def parts() -> list[torch.Tensor]:
        return [p.detach().clone() for p in vlm.model.parameters()]

    found = {}
    for seed in (1, 2, 1):
        vlm.first_weights(seed)
        found.setdefault(seed, []).append(parts())
    assert all(map(torch.equal, *found[1]))
    changed = [not torch.equal(a, b) for a, b in zip(found[1][0], found[2][0], strict=True)]
    assert changed == [False] * (len(changed) - 2) + [True, True]


def test_a_saved_model_computes_the_same_statistics_included(vlm, tmp_path):
    trained(vlm, Retrain(4, 0.0))
    adapter.save(vlm, tmp_path / "model")
    vlm.processor.image_processor.save_pretrained(tmp_path / "model")
    family = family_of(tmp_path / "model")
    assert family is ResNet
    again = family.load(tmp_path / "model")
    assert statistics(again).keys() == statistics(vlm).keys()
    assert any(bool(one.any()) for one in statistics(again).values())
    batch = vlm.batch(vlm.encode(asked(3)), [0, 1, 2])
    assert torch.equal(vlm.answer_logits(batch)[0], again.answer_logits(batch)[0])


def test_the_update_has_every_kernel_and_the_head(tmp_path):
    start, end = tiny(0), tiny(1)
    for name, one in (("start", start), ("end", end)):
        one.model.save_pretrained(tmp_path / name)
    update = effective_update(tmp_path / "end", tmp_path / "start")
    before = start.model.state_dict()
    wanted = {
        name.removesuffix(".weight"): (after - before[name]).double().flatten(1).numpy()
        for name, after in end.model.state_dict().items()
        if after.dim() in (2, 4)
    }
    assert set(update) == set(wanted)
    assert "resnet.embedder.embedder.convolution" in update
    for layer, values in wanted.items():
        assert update.shapes[layer] == values.shape
        np.testing.assert_allclose(update[layer], values, atol=1e-7)


def test_training_from_the_base_moves_the_statistics_once_a_step_and_a_method_never(vlm):
    assert not trained(vlm, Retrain(4, 0.0), steps=6).collapse
    assert set(tracked(vlm)) == {6}  # looking at answers between the steps moves nothing
    before = statistics(vlm)
    assert not trained(vlm, Plain(), steps=6).collapse
    assert set(tracked(vlm)) == {6}
    assert all(torch.equal(before[name], one) for name, one in statistics(vlm).items())


def test_a_killed_training_goes_on_with_its_statistics(tmp_path):
    class KilledError(Exception):
        pass

    def killed(done: int, of: int, loss: float) -> None:
        if done == 4:
            raise KilledError

    def states() -> StateFolder:
        return StateFolder(tmp_path / "state", "k", 0.0, told.append)

    told: list[str] = []
    whole, begun, resumed = tiny(), tiny(), tiny()
    trained(whole, Retrain(4, 0.0))
    with pytest.raises(KilledError):
        trained(begun, Retrain(4, 0.0), progress=killed, states=states())
    trained(resumed, Retrain(4, 0.0), states=states())
    assert told == ["goes on after step 3 of 6"]
    assert tracked(resumed) == tracked(whole)
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], tensor), name


def test_a_batch_of_one_is_trained_on_as_it_is_measured(vlm):
    adapter.attach(vlm, AdapterSettings(kind="full"), seed=0)
    data = {"learn": Split("learn", tuple(asked(1)))}
    method = Plain()
    streams = method.streams(vlm, data, torch.Generator().manual_seed(0))
    first = float(answer_cross_entropy(vlm, vlm.batch(streams["mixed"].encoded, [0])).detach())
    found = train(vlm, method, streams, Schedule(2, 1e-3), torch.Generator().manual_seed(0))
    assert found.losses[0] == pytest.approx(first, rel=1e-5)


def test_a_reference_keeps_the_statistics_too(vlm):
    adapter.attach(vlm, AdapterSettings(kind="full"), seed=0)
    reference = Reference(vlm)
    batch = vlm.batch(vlm.encode(asked(4)), range(4))
    with torch.no_grad():
        before = vlm.answer_logits(batch)[0]
        vlm.model.train()
        vlm.answer_logits(batch)
        vlm.model.eval()
        after = vlm.answer_logits(batch)[0]
        assert not torch.allclose(before, after)
        with reference.in_place():
            assert torch.equal(vlm.answer_logits(batch)[0], before)
        assert torch.equal(vlm.answer_logits(batch)[0], after)
        reference.restore()
        assert torch.equal(vlm.answer_logits(batch)[0], before)


def test_statistics_that_are_not_finite_are_an_error(vlm, tmp_path):
    with torch.no_grad():
        next(b for n, b in vlm.model.named_buffers() if n.endswith("running_var"))[0] = float("nan")
    vlm.model.save_pretrained(tmp_path)
    vlm.processor.image_processor.save_pretrained(tmp_path)
    with (
        pytest.raises(DataError, match=r"normalization\.running_var'?: holds NaN"),
        Models("cpu").opened(Checkpoint(tmp_path, "model", "m")),
    ):
        pass


@pytest.mark.parametrize("name", ["rmu", "idk", "guardrail"])
def test_a_method_of_text_is_refused(vlm, name):
    made = method_class(name)
    method = made(made.card.settings())
    data = {part: Split(part, tuple(asked(4))) for part in ("forget", "retain")}
    with pytest.raises(UserError, match=f"{name} needs a model that writes text"):
        unlearn(vlm, method, data, Seeds(0, 0))


def test_a_classifier_of_another_kind_is_opened_by_its_folder(tmp_path: Path):
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil

    config = ViTConfig(
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=8,
        image_size=16,
        patch_size=8,
        id2label=dict(enumerate(CLASSES)),
        label2id={name: i for i, name in enumerate(CLASSES)},
    )
    ViTForImageClassification(config).save_pretrained(tmp_path)
    ViTImageProcessorPil(size={"height": 16, "width": 16}).save_pretrained(tmp_path)
    family = family_of(tmp_path)
    assert family is ImageClassifier
    vlm = family.load(tmp_path)
    batch = vlm.batch(vlm.encode(asked(2)), [0, 1])
    with torch.no_grad():
        glance = vlm.look(batch.inputs)
        assert torch.equal(glance.logits[:, None], vlm.answer_logits(batch)[0])
        assert torch.equal(vlm.lens(glance.states[-1], -1), glance.logits)


def test_the_shipped_base_is_a_resnet_with_random_weights_and_known_classes():
    from uqs.benchmarks.fashion_mnist import CLASSES as NAMES

    found = ResNet.load(base_folder("resnet"))
    assert base_folder("resnet") == BASES["resnet"]
    assert "resnet" in CLASSIFIERS
    assert found.tokenizer.names == NAMES
    assert isinstance(found.processor, ClassifierProcessor)
    again = build(NAMES, (16, 32, 64), (1, 1, 1), 32, seed=0)
    assert {p.shape for p in again.model.parameters()} == {
        p.shape for p in found.model.parameters()
    }
