"""A question as one user turn in a checkpoint's own chat template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uqs.errors import UserError

if TYPE_CHECKING:
    from uqs.models.vlm import VLM

_MARK = "UQS answer UQS"


def user_turn(vlm: VLM, text: str, *, picture: bool) -> str:
    """The prompt up to where the answer begins; a picture stands before the text.

    Raises UserError if the template cannot be used, or does not show a picture exactly once.
    """
    found = _rendered(vlm, [_turn(vlm, "user", text, picture=picture)], prompt=True)
    if picture and found.count(vlm.image_token) != 1:
        raise UserError(
            f"the chat template of {vlm.name!r} shows a picture {found.count(vlm.image_token)} times "
            f"as {vlm.image_token!r}, it must be once"
        )
    return found


def answer_lead(vlm: VLM) -> str:
    """What stands between prompt and answer, by the template itself: mostly nothing or a space.

    If the template repeats a conversation in another form, an answer follows a prompt that ends in
    whitespace directly, and others after a space.
    """
    asked = _turn(vlm, "user", "UQS question", picture=False)
    prompt = _rendered(vlm, [asked], prompt=True)
    try:
        whole = _rendered(vlm, [asked, _turn(vlm, "assistant", _MARK, picture=False)], prompt=False)
    except UserError:
        whole = ""
    if whole.startswith(prompt) and _MARK in whole:
        lead = whole[len(prompt) : whole.index(_MARK)]
        if not lead.strip():
            return lead
    return "" if prompt[-1:].isspace() else " "


def _turn(vlm: VLM, role: str, text: str, *, picture: bool) -> dict[str, Any]:
    if vlm.content_is_text:
        return {"role": role, "content": text}
    parts: list[dict[str, str]] = [{"type": "image"}] if picture else []
    return {"role": role, "content": [*parts, {"type": "text", "text": text}]}


def _rendered(vlm: VLM, turns: list[dict[str, Any]], *, prompt: bool) -> str:
    try:
        text: str = vlm.tokenizer.apply_chat_template(
            turns, chat_template=vlm.chat_template, tokenize=False, add_generation_prompt=prompt
        )
    except Exception as error:  # a template is a program of the checkpoint's author
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise UserError(
            f"the chat template of {vlm.name!r} cannot be used for a question ({reason})"
        ) from error
    return text
