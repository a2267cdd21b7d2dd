"""A vision-language model behind one small interface: encode samples, forward, answer."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from PIL import Image
from torch import Tensor

from uqs.errors import UserError
from uqs.records import Picture, Sample

IGNORED = -100


@dataclass(frozen=True)
class Encoded:
    """Samples as token ids: `prompts[i]`, `answers[i]` (end mark included) and the row of
    `pixels` (pictures, 3, height, width) that sample i shows, or -1."""

    prompts: tuple[tuple[int, ...], ...]
    answers: tuple[tuple[int, ...], ...]
    picture: tuple[int, ...]
    pixels: Tensor

    def __len__(self) -> int:
        return len(self.prompts)

    def relabelled(self, answers: Sequence[tuple[int, ...]]) -> Encoded:
        """The same questions with other answers."""
        if len(answers) != len(self):
            raise ValueError(f"{len(answers)} answers for {len(self)} questions")
        return Encoded(self.prompts, tuple(answers), self.picture, self.pixels)

    def part(self, indices: Sequence[int]) -> Encoded:
        return Encoded(
            tuple(self.prompts[i] for i in indices),
            tuple(self.answers[i] for i in indices),
            tuple(self.picture[i] for i in indices),
            self.pixels,
        )


@dataclass(frozen=True)
class Batch:
    """Left-padded model input. `labels` is IGNORED on every prompt, picture and padding token."""

    inputs: Mapping[str, Tensor]
    labels: Tensor
    answer_width: int


class VLM:
    """A Llava-form transformers model with its processor; a family overrides what differs.

    `template` is the text of a question with a picture, `text_template` of one without.
    """

    name: ClassVar[str]
    template: ClassVar[str] = "USER: <image>\n{text} ASSISTANT:"
    text_template: ClassVar[str] = "USER: {text} ASSISTANT:"
    targets: ClassVar[Mapping[str, str]] = {
        "language.attention": r".*language_model\.layers\.\d+\.self_attn\.[qkvo]_proj",
        "language.all": r".*language_model\.layers\.\d+\.(self_attn\.[qkvo]|mlp\.(gate|up|down))_proj",
        "language.all+projector": (
            r".*(language_model\.layers\.\d+\.(self_attn\.[qkvo]|mlp\.(gate|up|down))_proj"
            r"|multi_modal_projector\.linear_\d)"
        ),
    }

    def __init__(self, model: Any, processor: Any) -> None:
        self.model, self.processor = model, processor

    @classmethod
    def load(cls, folder: Path, processor: Path | None = None) -> Self:
        """Read a local model folder (safetensors only, no remote code); its processor may lie elsewhere."""
        from transformers import AutoProcessor, LlavaForConditionalGeneration

        model = LlavaForConditionalGeneration.from_pretrained(
            folder, use_safetensors=True, trust_remote_code=False, local_files_only=True
        )
        return cls(
            model.eval(),
            AutoProcessor.from_pretrained(
                processor or folder, trust_remote_code=False, local_files_only=True
            ),
        )

    @property
    def tokenizer(self) -> Any:
        return self.processor.tokenizer

    @cached_property
    def _picture_text(self) -> str:
        """What the processor puts in the place of one picture mark."""
        config = self.model.config
        side: int = config.vision_config.image_size // config.vision_config.patch_size
        extra: int = self.processor.num_additional_image_tokens
        dropped = self.processor.vision_feature_select_strategy == "default"
        mark: str = self.processor.image_token
        count: int = side * side + extra - dropped
        return mark * count

    def prompt(self, sample: Sample) -> str:
        """The text that a plain `processor(text=..., images=...)` call takes for this question."""
        template = self.text_template if sample.picture is None else self.template
        return template.format(text=sample.text)

    def encode(self, samples: Sequence[Sample]) -> Encoded:
        """Token ids of questions and answers, and each distinct picture's pixels once."""
        rows: dict[str, int] = {}
        pictures: list[Picture] = []
        for sample in samples:
            if sample.picture is not None and sample.picture.name not in rows:
                rows[sample.picture.name] = len(pictures)
                pictures.append(sample.picture)
        mark = self.processor.image_token
        prompts = [self.prompt(s).replace(mark, self._picture_text) for s in samples]
        prompt_ids = self.tokenizer(prompts)["input_ids"]
        answer_ids = self.tokenizer([f" {s.answer}" for s in samples], add_special_tokens=False)[
            "input_ids"
        ]
        unknown = self.tokenizer.unk_token_id
        for sample, question, answer in zip(samples, prompt_ids, answer_ids, strict=True):
            for words, field in ((question, "question"), (answer, "answer")):
                if not words or (unknown is not None and unknown in words):
                    raise UserError(
                        f"sample {sample.id!r}: the tokenizer of {self.name!r} cannot spell its {field} "
                        f"({getattr(sample, field)!r}); use a model with a full tokenizer"
                    )
        end = self.tokenizer.eos_token_id
        return Encoded(
            tuple(tuple(ids) for ids in prompt_ids),
            tuple((*ids, end) for ids in answer_ids),
            tuple(-1 if s.picture is None else rows[s.picture.name] for s in samples),
            self._pixels(pictures),
        )

    def _pixels(self, pictures: Sequence[Picture]) -> Tensor:
        if not pictures:
            size = self.model.config.vision_config.image_size
            return torch.empty(0, 3, size, size)
        images = [Image.open(io.BytesIO(p.data)).convert("RGB") for p in pictures]
        found = self.processor.image_processor(images, return_tensors="pt")
        return torch.as_tensor(found["pixel_values"], dtype=torch.float32)

    def batch(self, encoded: Encoded, indices: Sequence[int], *, answers: bool = True) -> Batch:
        """Samples `indices` as one left-padded batch, with gold answers or with questions alone."""
        rows = [(encoded.prompts[i], encoded.answers[i] if answers else ()) for i in indices]
        width = max(len(p) + len(a) for p, a in rows)
        ids = torch.full((len(rows), width), self.tokenizer.pad_token_id)
        labels = torch.full((len(rows), width), IGNORED)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for row, (prompt, answer) in enumerate(rows):
            start = width - len(prompt) - len(answer)
            ids[row, start:] = torch.tensor(prompt + answer)
            mask[row, start:] = 1
            if answer:
                labels[row, width - len(answer) :] = torch.tensor(answer)
        inputs = {
            "input_ids": ids,
            "attention_mask": mask,
            "position_ids": (mask.cumsum(1) - 1).clamp(min=0),
        }
        shown = [encoded.picture[i] for i in indices if encoded.picture[i] >= 0]
        if shown:
            inputs["pixel_values"] = encoded.pixels[shown]
        device = self.model.device
        return Batch(
            {name: tensor.to(device) for name, tensor in inputs.items()},
            labels.to(device),
            max(len(a) for _, a in rows),
        )

    def answer_logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits (batch, k, vocabulary) that predict the last k tokens, and their labels (batch, k)."""
        keep = batch.answer_width
        logits = self.model(**batch.inputs, logits_to_keep=keep + 1, use_cache=False).logits
        return logits[:, :-1], batch.labels[:, -keep:]
