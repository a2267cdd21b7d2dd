"""An image classifier in the place of a vision-language model: its answer is the name of a class."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from PIL import Image, ImageOps
from torch import Tensor, nn

from uqs.errors import UserError
from uqs.models import processors
from uqs.models.vlm import VLM, Batch, Encoding, PictureInputs
from uqs.records import Picture, Sample

SHOWN = 2**12
"""Pictures whose inputs are kept for all models of a process: fully trained models share nothing else."""


class ClassNames:
    """The classes of a model as a vocabulary: token k is the name of class k, and one more ends an answer."""

    unk_token_id = None

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._ids = {name: i for i, name in enumerate(self.names)}
        self.eos_token_id = self.pad_token_id = len(self.names)

    def get_vocab(self) -> Mapping[str, int]:
        """The index of each class."""
        return self._ids

    def batch_decode(self, tokens: Sequence[Sequence[int]], skip_special_tokens: bool) -> list[str]:
        """The names of classes; an answer has one."""
        return [" ".join(self.names[i] for i in row if i < len(self.names)) for row in tokens]


class ClassifierProcessor(NamedTuple):
    """A picture processor, in the place of a processor; the classes stand in the model's configuration."""

    image_processor: Any


class Glance(NamedTuple):
    """What a classifier makes of pictures: logits (batch, classes), and hidden states (batch, width) each."""

    logits: Tensor
    states: tuple[Tensor, ...]


class ImageClassifier(VLM):
    """Any model that AutoModelForImageClassification opens and whose head is one linear layer.

    The vocabulary is the classes, an answer is one token, and the question is not read. Hidden states are the
    states that transformers returns, averaged over space or tokens, and last what the head reads; narrower
    ones are filled up with zeros, which changes no distance and no inner product. All weights are trained:
    there are no adapters.
    """

    name = "image_classifier"
    auto_class: ClassVar[str] = "AutoModelForImageClassification"
    targets: Mapping[str, str] = {}
    answer_prefix: str = ""

    def __init__(self, model: Any, processor: Any) -> None:
        self.model, self.processor = model, processor
        named = {int(i): str(name) for i, name in model.config.id2label.items()}
        if sorted(named) != list(range(len(named))) or len(set(named.values())) != len(named):
            raise UserError("the model's id2label does not name each class once, from 0 up")
        self._classes = ClassNames([named[i] for i in range(len(named))])
        self._head = self._only_head()
        pictures = processor.image_processor
        self._pictures = _Processor(pictures.to_json_string(), pictures)

    def _only_head(self) -> nn.Linear:
        heads = [
            one
            for one in self.model.modules()
            if isinstance(one, nn.Linear) and one.out_features == len(self._classes.names)
        ]
        if len(heads) != 1:
            raise UserError(
                f"a classifier needs one linear layer with an output for each of its "
                f"{len(self._classes.names)} classes; {self.model.config.model_type!r} has {len(heads)}"
            )
        return heads[0]

    def _check_tokens(self, folder: Path) -> None:
        """Classes need no embeddings."""

    @classmethod
    def load_processor(cls, folder: Path | str, *, local: bool = True) -> ClassifierProcessor:
        return ClassifierProcessor(processors.picture_processor(folder, local=local))

    @property
    def tokenizer(self) -> ClassNames:
        return self._classes

    @property
    def chat_template(self) -> None:
        return None

    @property
    def image_token(self) -> str:
        return ""

    @property
    def end_ids(self) -> tuple[int, ...]:
        return (self._classes.eos_token_id,)

    @cached_property
    def hidden_states(self) -> int:
        with torch.no_grad():
            return len(self.look(self._blank()).states)

    def _blank(self) -> dict[str, Tensor]:
        blank = self.processor.image_processor([Image.new("RGB", (8, 8))], return_tensors="pt")
        return {"pixel_values": blank["pixel_values"].to(self.model.device, self.model.dtype)}

    def first_weights(self, seed: int) -> None:
        """Draw the head anew, so that models from one base do not share it."""
        generator = torch.Generator().manual_seed(seed)
        bound = self._head.in_features**-0.5
        with torch.no_grad():
            for parameter in self._head.parameters():
                drawn = torch.rand(parameter.shape, generator=generator)
                parameter.copy_((2 * drawn - 1) * bound)

    def show(self, picture: Picture) -> PictureInputs:
        return _shown(picture, self._pictures)

    def answer_lengths(self, samples: Sequence[Sample]) -> list[int]:
        return [1] * len(samples)

    def encode(self, samples: Sequence[Sample]) -> Encoding:
        """Classes of answers, and each distinct picture once.

        Raises UserError for a question without a picture, an answer that is no class of the model, or a
        picture that the processor refuses.
        """
        rows: dict[Picture, int] = {}
        pictures: list[PictureInputs] = []
        for sample in samples:
            if sample.picture is None:
                raise UserError(
                    f"sample {sample.id!r} has no picture, and {self.name!r} reads nothing else"
                )
            if sample.picture not in rows:
                rows[sample.picture] = len(pictures)
                pictures.append(self._shown_to(sample))
        return Encoding(
            ((),) * len(samples),
            tuple(self._answer(sample, sample.answer) for sample in samples),
            tuple(tuple(self._answer(s, wrong) for wrong in s.wrong) for s in samples),
            tuple(rows[sample.picture] for sample in samples if sample.picture is not None),
            tuple(pictures),
        )

    def _answer(self, sample: Sample, name: str) -> tuple[int, ...]:
        found = self._classes.get_vocab().get(name)
        if found is None:
            known = ", ".join(self._classes.names[:10])
            more = ", ..." if len(self._classes.names) > 10 else ""
            raise UserError(
                f"sample {sample.id!r}: {name!r} is no class of the model; its classes: {known}{more}"
            )
        return found, self._classes.eos_token_id

    def batch(self, encoded: Encoding, indices: Sequence[int]) -> Batch:
        """The pictures of samples `indices` and their classes, (batch, 1)."""
        device = self.model.device
        labels = torch.tensor([[encoded.answers[i][0]] for i in indices])
        shown = {name: tensor.to(device) for name, tensor in encoded.shown(indices).items()}
        return Batch(shown, labels.to(device), 1)

    def answer_logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits (batch, 1, classes) and labels (batch, 1)."""
        return self.model(**batch.inputs).logits[:, None], batch.labels

    def look(self, inputs: Mapping[str, Tensor]) -> Glance:
        """The logits of pictures and their hidden states, by a single pass."""
        read: list[Tensor] = []
        hook = self._head.register_forward_pre_hook(lambda _, given: read.append(given[0]))
        try:
            out = self.model(**inputs, output_hidden_states=True)
        finally:
            hook.remove()
        states = [_pooled(one) for one in (*(out.hidden_states or ()), read[0])]
        width = max(one.shape[1] for one in states)
        filled = [nn.functional.pad(one, (0, width - one.shape[1])) for one in states]
        return Glance(out.logits, tuple(filled))

    def lens(self, states: Tensor, layer: int) -> Tensor:
        """The head's logits; it reads the last hidden state alone."""
        if layer != -1:
            raise ValueError("the head of a classifier reads the last hidden state alone")
        logits: Tensor = self._head(states[:, : self._head.in_features])
        return logits

    def has_lens(self, layer: int) -> bool:
        return layer == -1


def _pooled(states: Tensor) -> Tensor:
    """The mean over space of (batch, width, height, width), or over tokens of (batch, tokens, width)."""
    if states.dim() == 4:
        return states.mean((2, 3))
    return states.mean(1) if states.dim() == 3 else states


@dataclass(frozen=True)
class _Processor:
    """A picture processor; two of the same settings are the same."""

    settings: str
    made: Any = field(compare=False)


@lru_cache(maxsize=SHOWN)
def _shown(picture: Picture, processor: _Processor) -> PictureInputs:
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(picture.data))).convert("RGB")
    found = processor.made([image], return_tensors="pt")
    return {"pixel_values": torch.as_tensor(found["pixel_values"])}
