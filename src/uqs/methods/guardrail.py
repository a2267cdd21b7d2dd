"""The in-context guardrail."""

from __future__ import annotations

from collections.abc import Sequence

from uqs.benchmarks.entity_names import names_in
from uqs.errors import UserError
from uqs.methods.base import Data, Method
from uqs.methods.cards.baselines import GUARDRAIL, GuardrailSettings
from uqs.models.context import TooLongError
from uqs.models.vlm import VLM
from uqs.records import Sample


class Guardrail(Method):
    """Puts an instruction to know nothing of the forget set before every question; changes no weight."""

    card = GUARDRAIL

    def finish(self, vlm: VLM, data: Data) -> None:
        vlm.system_prompt = f"{vlm.system_prompt}\n{instruction(self.settings, data)}".strip()
        _check(vlm, [sample for split in data.values() for sample in split.samples])


def instruction(settings: GuardrailSettings, data: Data) -> str:
    """The instruction with the names of the forget entities; the general one if it needs names and the data
    reveals none."""
    asked = [sample for split in data.values() for sample in split.samples]
    names = names_in(asked, data["forget"].samples)
    if "{names}" in settings.instruction and not names:
        return settings.general
    return settings.instruction.replace("{names}", ", ".join(dict.fromkeys(names.values())))


def _check(vlm: VLM, samples: Sequence[Sample]) -> None:
    """Raise UserError if the system prompt is unreadable, or too long together with the longest question."""
    if vlm.marked(vlm.system_prompt):
        raise UserError(
            f"guardrail: the instruction contains {vlm.image_token!r}, the mark of a picture"
        )
    ids = vlm.tokenizer(vlm.system_prompt)["input_ids"]
    unknown = vlm.tokenizer.unk_token_id
    if unknown is not None and unknown in ids:
        raise UserError(
            f"guardrail: the tokenizer cannot spell the instruction {vlm.system_prompt!r}"
        )
    try:
        _encode_longest(vlm, samples)
    except TooLongError as error:
        raise UserError(
            f"guardrail: after the instruction ({len(ids)} tokens) the longest question with its answer "
            f"ends at token {error.end}, and the model reads {error.limit}; give a shorter instruction"
        ) from None


def _encode_longest(vlm: VLM, samples: Sequence[Sample]) -> None:
    """Encode the longest questions with their answers; assumes that pictures have similar lengths."""
    texts = [f"{vlm.prompt(sample)}{sample.answer}" for sample in samples]
    lengths = [len(ids) for ids in vlm.tokenizer(texts)["input_ids"]]
    chosen: dict[bool, int] = {}
    for i in sorted(range(len(samples)), key=lengths.__getitem__):
        chosen[samples[i].picture is None] = i
    vlm.encode([samples[i] for i in chosen.values()])
