"""A vision-language model behind one small interface: encode samples, forward, answer."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from PIL import Image, ImageOps
from torch import Tensor

from uqs.errors import DataError, UserError
from uqs.models import processors
from uqs.models.chat import answer_lead, user_turn
from uqs.models.context import check_context
from uqs.models.layer_sets import LANGUAGE, layer_sets
from uqs.models.low_bit import check_reading, keep_trainable
from uqs.models.opening import listed, load_model, one_line
from uqs.models.settings import LoadIn
from uqs.records import Picture, Sample

IGNORED = -100
PictureInputs = Mapping[str, Tensor]
"""The model inputs for one picture, by name; rows of several pictures are concatenated."""


@dataclass(frozen=True)
class Encoding:
    """Samples as token ids: `prompts[i]`, `answers[i]` and `wrong[i]` (with end marks), and the index in
    `pictures` of the picture that sample i shows, or -1."""

    prompts: tuple[tuple[int, ...], ...]
    answers: tuple[tuple[int, ...], ...]
    wrong: tuple[tuple[tuple[int, ...], ...], ...]
    picture: tuple[int, ...]
    pictures: tuple[PictureInputs, ...]

    def __len__(self) -> int:
        return len(self.prompts)

    def relabelled(self, answers: Sequence[tuple[int, ...]]) -> Encoding:
        """The same questions with other answers."""
        if len(answers) != len(self):
            raise ValueError(f"{len(answers)} answers for {len(self)} questions")
        return replace(self, answers=tuple(answers))

    def part(self, indices: Sequence[int]) -> Encoding:
        return Encoding(
            tuple(self.prompts[i] for i in indices),
            tuple(self.answers[i] for i in indices),
            tuple(self.wrong[i] for i in indices),
            tuple(self.picture[i] for i in indices),
            self.pictures,
        )

    def shown(self, indices: Sequence[int]) -> dict[str, Tensor]:
        """The pictures of some samples as model inputs, in sample order; empty if there are none.

        Pictures of different sizes are filled up with zeros, as transformers' processors do.
        """
        seen = [self.pictures[self.picture[i]] for i in indices if self.picture[i] >= 0]
        return {name: joined([one[name] for one in seen]) for name in (seen[0] if seen else {})}


def joined(parts: Sequence[Tensor]) -> Tensor:
    """Concatenate along the first axis; the others are filled up with zeros to the largest."""
    sizes = [max(size) for size in zip(*(part.shape[1:] for part in parts), strict=True)]
    filled = []
    for part in parts:
        lacking = [n - k for n, k in zip(sizes, part.shape[1:], strict=True)]
        ends = [n for lack in reversed(lacking) for n in (0, lack)]
        filled.append(torch.nn.functional.pad(part, ends) if any(ends) else part)
    return torch.cat(filled)


@dataclass(frozen=True)
class Batch:
    """Left-padded model input. `labels` is IGNORED on every prompt, picture and padding token."""

    inputs: Mapping[str, Tensor]
    labels: Tensor
    answer_width: int


class VLM:
    """A transformers model with its processor; a family overrides what differs.

    `model_types`: the values of `model_type` in a configuration that the family serves. `processor_class`:
    the transformers class that has tokenizer and picture processor. A question is one user turn in the
    checkpoint's own chat template; `template` (with a picture), `text_template` (without one) and
    `answer_prefix` hold for checkpoints that have none. `targets`: patterns of layers for adapters.
    `auto_class`: the transformers class that opens the model. `reads_both_ways`: tokens of a prompt see later
    ones too. `sees_pictures`: whether a question may have one. `content_is_text`: whether a turn of the chat
    template is a text, not a list of parts. `only_for_text`: what a picture processor returns for the prompt
    and the model does not take. `system_prompt`: an instruction before every question of this model.
    `assumptions`: what was taken for granted about a model that no family declares.
    """

    name: ClassVar[str]
    model_types: ClassVar[tuple[str, ...]] = ()
    auto_class: ClassVar[str] = "AutoModelForImageTextToText"
    processor_class: ClassVar[str] = ""
    template: ClassVar[str] = "USER: <image>\n{text} ASSISTANT:"
    text_template: ClassVar[str] = "USER: {text} ASSISTANT:"
    position_axes: ClassVar[int] = 1
    reads_both_ways: ClassVar[bool] = False
    sees_pictures: ClassVar[bool] = True
    content_is_text: ClassVar[bool] = False
    only_for_text: ClassVar[frozenset[str]] = frozenset()

    targets: Mapping[str, str] = layer_sets(LANGUAGE, r"multi_modal_projector\.linear_\d")
    answer_prefix: str = " "
    assumptions: tuple[str, ...] = ()
    system_prompt: str = ""

    def __init__(self, model: Any, processor: Any) -> None:
        self.model, self.processor = model, processor
        if self.chat_template is not None:
            self.answer_prefix = answer_lead(self)

    @classmethod
    def load(
        cls,
        folder: Path | str,
        processor: Path | str | None = None,
        *,
        dtype: torch.dtype | None = None,
        local: bool = True,
        load_in: LoadIn | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Self:
        """Read a model folder (safetensors only, no remote code); its processor may be in another folder.

        `dtype`: that of the weights in memory, float32 by default. Without `local`, `folder` may be a hub id.
        `load_in`: linear layers in so few bits; it needs bitsandbytes. `options`: further ones of
        transformers' `from_pretrained`. Raises DataError unless the files have exactly the model's weights
        (`opening.load_model`), and if the processor cannot be loaded or is another model's: its tokenizer has
        tokens without an embedding, or another mark of a picture.
        """
        model = load_model(
            folder,
            dtype=dtype or torch.float32,
            local=local,
            load_in=load_in,
            auto_class=cls.auto_class,
            options=options or {},
        )
        if load_in:
            check_reading(model)
            keep_trainable(model)
        place = processor or folder
        found = cls(model.eval(), processors.opened(cls.load_processor, place, local=local))
        found._check_tokens(Path(place))
        processors.check_mark(found.processor, found.plain_model, Path(place))
        return found

    def _check_tokens(self, folder: Path) -> None:
        rows = len(self.plain_model.get_input_embeddings().weight)
        beyond = [word for word, i in self.tokenizer.get_vocab().items() if i >= rows]
        if beyond:
            raise DataError(
                f"its tokenizer has tokens that the model has no embedding for: {listed(beyond)}; the model "
                f"has {rows} embeddings",
                file=folder,
            )

    @classmethod
    def load_processor(cls, folder: Path | str, *, local: bool = True) -> Any:
        """Tokenizer and picture processor, as `processor.tokenizer` and `processor.image_processor`."""
        return processors.processor(cls.processor_class, folder, local=local)

    @property
    def tokenizer(self) -> Any:
        return self.processor.tokenizer

    @property
    def chat_template(self) -> str | None:
        """The checkpoint's own chat template, if it has one."""
        found: str | None = getattr(self.processor, "chat_template", None)
        return found

    @property
    def plain_model(self) -> Any:
        """The transformers model, without the adapter's wrapper around it."""
        from peft import PeftModel

        return self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model

    @property
    def device(self) -> torch.device:
        """Where inputs go: where the embedding computes, since a model may be spread over devices."""
        hook = getattr(self.plain_model.get_input_embeddings(), "_hf_hook", None)
        place = getattr(hook, "execution_device", None)
        return self.model.device if place is None else torch.device(place)

    @property
    def decoder(self) -> Any:
        """The stack of language layers with their final norm."""
        return self.plain_model.model.language_model

    @property
    def hidden_states(self) -> int:
        """The number of hidden states of the language model, including its embeddings."""
        return int(self.plain_model.config.get_text_config(decoder=True).num_hidden_layers) + 1

    @cached_property
    def end_ids(self) -> tuple[int, ...]:
        """The tokens that end an answer."""
        configured = self.plain_model.generation_config.eos_token_id
        found = configured if isinstance(configured, list) else [configured]
        return tuple({i: None for i in (self.tokenizer.eos_token_id, *found) if i is not None})

    @property
    def image_token(self) -> str:
        """The mark that stands for a picture in a prompt; empty for a model that sees none."""
        return str(self.processor.image_token) if self.sees_pictures else ""

    def marked(self, text: str) -> bool:
        """Whether a text contains the mark of a picture."""
        return bool(self.image_token) and self.image_token in text

    @property
    def picture_token_id(self) -> int | None:
        """The token whose state is replaced by a picture's; None for a model that sees none."""
        found: int | None = getattr(self.plain_model.config, "image_token_id", None)
        return found

    def picture_ids(self, shown: PictureInputs) -> list[int]:
        """The tokens that stand for one picture in a prompt, by the processor's own rule."""
        text = self.processor.replace_image_token(shown, 0)
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def show(self, picture: Picture) -> PictureInputs:
        """One decoded picture as model inputs; the first axis of each is the picture's rows."""
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(picture.data))).convert("RGB")
        settings = getattr(self.processor, "images_kwargs", {})
        found = self.processor.image_processor([image], return_tensors="pt", **settings)
        return {name: torch.as_tensor(values) for name, values in found.items()}

    def shown_with(self, sample: Sample) -> str:
        """Of a question, what its picture's inputs depend on; mostly nothing."""
        return ""

    def show_to(self, sample: Sample) -> PictureInputs:
        """The inputs of a question's picture."""
        if sample.picture is None:
            raise ValueError(f"sample {sample.id!r} has no picture")
        return self.show(sample.picture)

    def prompt_positions(self, ids: Sequence[int], shown: PictureInputs | None) -> Tensor:
        """Position ids of a prompt's tokens: (tokens,), or (axes, tokens) for several position axes.

        After a prompt, every further token is one position later on every axis.
        """
        return torch.arange(len(ids))

    def batch_positions(self, encoded: Encoding, indices: Sequence[int], mask: Tensor) -> Tensor:
        """Position ids of a padded batch of questions with answers."""
        return (mask.cumsum(1) - 1).clamp(min=0)

    def lens(self, states: Tensor, layer: int) -> Tensor:
        """Logits from a layer's states by final norm and output layer; layer -1 is already normalised.

        Source: the logit lens (nostalgebraist 2020).
        """
        normed = states if layer == -1 else self.decoder.norm(states)
        logits: Tensor = self.plain_model.get_output_embeddings()(normed)
        return logits.to(states.device)

    def has_lens(self, layer: int) -> bool:
        """Whether the output layer can read the states of a layer."""
        return True

    def first_weights(self, seed: int) -> None:
        """Draw what every model that is trained from this base has of its own from the start: here nothing,
        but for an adapter, which `adapter.attach` draws."""

    def answer_lengths(self, samples: Sequence[Sample]) -> list[int]:
        """The number of tokens of each right answer without end mark; opens no picture."""
        asked = [self.prompt(sample) for sample in samples]
        whole = [
            f"{text}{self.answer_prefix}{sample.answer}"
            for text, sample in zip(asked, samples, strict=True)
        ]
        before, after = (self.tokenizer(texts)["input_ids"] for texts in (asked, whole))
        return [len(long) - len(short) for long, short in zip(after, before, strict=True)]

    def run(self, inputs: Mapping[str, Any]) -> Any:
        """The language model's output for given inputs: `logits` and other requested fields.

        Pictures may be missing if the prompt has none or is in the cache.
        """
        return self.model(**{k: v for k, v in inputs.items() if k not in self.only_for_text})

    def extra_inputs(self, ids: Tensor) -> dict[str, Tensor]:
        """Inputs that a family needs in addition to token ids, mask, positions and pictures."""
        return {}

    def prompt(self, sample: Sample) -> str:
        """The text that a plain `processor(text=..., images=...)` call takes for this question."""
        if self.chat_template is not None:
            return user_turn(self, self.asked(sample), picture=sample.picture is not None)
        template = self.text_template if sample.picture is None else self.template
        return template.format(text=self.asked(sample))

    def asked(self, sample: Sample) -> str:
        """The question as the model gets it: after the system prompt, if there is one."""
        return f"{self.system_prompt}\n{sample.text}" if self.system_prompt else sample.text

    def encode(self, samples: Sequence[Sample]) -> Encoding:
        """Token ids of questions and answers, and each distinct picture once.

        Raises UserError if the tokenizer cannot spell a text or would join an answer to its question, if a
        text contains the mark of a picture, if the picture processor refuses a picture, or if a question with
        its answer is too long for the model.
        """
        rows: dict[tuple[Picture, str], int] = {}
        pictures: list[PictureInputs] = []
        places = []
        for sample in samples:
            self._check_unmarked(sample)
            if sample.picture is None:
                places.append(-1)
                continue
            seen = (sample.picture, self.shown_with(sample))
            if seen not in rows:
                rows[seen] = len(pictures)
                pictures.append(self._shown_to(sample))
            places.append(rows[seen])
        texts = [self.prompt(sample) for sample in samples]
        asked: list[list[int]] = self.tokenizer(texts)["input_ids"]
        for sample, ids in zip(samples, asked, strict=True):
            self._check_spelled(sample, ids, "question", sample.question)
        encoded = Encoding(
            tuple(
                tuple(ids if place < 0 else self._with_picture(text, ids, pictures[place]))
                for text, ids, place in zip(texts, asked, places, strict=True)
            ),
            self._answers(samples, texts, asked, [s.answer for s in samples], "answer"),
            tuple(
                self._answers(
                    [sample] * len(sample.wrong),
                    [text] * len(sample.wrong),
                    [ids] * len(sample.wrong),
                    sample.wrong,
                    "wrong",
                )
                for sample, text, ids in zip(samples, texts, asked, strict=True)
            ),
            tuple(places),
            tuple(pictures),
        )
        check_context(self, samples, encoded)
        return encoded

    def _shown_to(self, sample: Sample) -> PictureInputs:
        try:
            return self.show_to(sample)
        except MemoryError:
            raise
        except Exception as error:  # every picture processor has its own
            name = sample.picture.name if sample.picture else ""
            raise UserError(
                f"sample {sample.id!r}: its picture {name!r} cannot be shown to the model "
                f"({one_line(error)})"
            ) from error

    def _with_picture(self, text: str, ids: Sequence[int], shown: PictureInputs) -> list[int]:
        """The prompt's tokens with those of the picture in place of its mark."""
        mark, own = self.tokenizer.convert_tokens_to_ids(self.image_token), self.picture_ids(shown)
        return [one for i in ids for one in (own if i == mark else [i])]

    def _answers(
        self,
        samples: Sequence[Sample],
        texts: Sequence[str],
        asked: Sequence[Sequence[int]],
        answers: Sequence[str],
        field: str,
    ) -> tuple[tuple[int, ...], ...]:
        """Answers' tokens as they follow their questions, and the end mark.

        They are cut from the whole text, because SentencePiece tokenizers spell a separate answer
        differently.
        """
        if not answers:
            return ()
        whole = [
            f"{text}{self.answer_prefix}{answer}"
            for text, answer in zip(texts, answers, strict=True)
        ]
        found = []
        for sample, answer, before, ids in zip(
            samples, answers, asked, self.tokenizer(whole)["input_ids"], strict=True
        ):
            start = len(before)
            if list(ids[:start]) != list(before):
                raise UserError(
                    f"sample {sample.id!r}: the tokenizer joins its {field} ({answer!r}) to the question"
                )
            self._check_spelled(sample, ids[start:], field, answer)
            found.append((*ids[start:], self.tokenizer.eos_token_id))
        return tuple(found)

    def _check_unmarked(self, sample: Sample) -> None:
        if any(map(self.marked, (sample.text, sample.answer, *sample.wrong))):
            raise UserError(
                f"sample {sample.id!r}: its text contains {self.image_token!r}, the mark of a picture"
            )

    def _check_spelled(self, sample: Sample, ids: Sequence[int], field: str, text: str) -> None:
        unknown = self.tokenizer.unk_token_id
        if not ids or (unknown is not None and unknown in ids):
            raise UserError(
                f"sample {sample.id!r}: the tokenizer of {self.name!r} cannot spell its {field} "
                f"({text!r}); use a model with a full tokenizer"
            )

    def batch(self, encoded: Encoding, indices: Sequence[int]) -> Batch:
        """Samples `indices`, questions with gold answers, as one left-padded batch."""
        rows = [(encoded.prompts[i], encoded.answers[i]) for i in indices]
        width = max(len(p) + len(a) for p, a in rows)
        ids = torch.full((len(rows), width), self.tokenizer.pad_token_id)
        labels = torch.full((len(rows), width), IGNORED)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for row, (prompt, answer) in enumerate(rows):
            ids[row, width - len(prompt) - len(answer) :] = torch.tensor(prompt + answer)
            mask[row, width - len(prompt) - len(answer) :] = 1
            labels[row, width - len(answer) :] = torch.tensor(answer)
        inputs = {
            "input_ids": ids,
            "attention_mask": mask,
            "position_ids": self.batch_positions(encoded, indices, mask),
            **self.extra_inputs(ids),
            **encoded.shown(indices),
        }
        device = self.device
        return Batch(
            {name: tensor.to(device) for name, tensor in inputs.items()},
            labels.to(device),
            max(len(a) for _, a in rows),
        )

    def answer_logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits (batch, k, vocabulary) that predict the last k tokens, and their labels (batch, k)."""
        keep = batch.answer_width
        settings = {"logits_to_keep": keep + 1, "use_cache": False}
        logits = self.run({**batch.inputs, **settings}).logits
        return logits[:, :-1], batch.labels[:, -keep:]
