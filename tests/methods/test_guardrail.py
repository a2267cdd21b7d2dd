"""An instruction stands before every question; the weights stay."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
import torch
from PIL import Image

from uqs.errors import UserError
from uqs.methods.cards.baselines import GuardrailSettings
from uqs.methods.guardrail import Guardrail, instruction
from uqs.methods.unlearn import Seeds, unlearn
from uqs.records import Sample, Split

PEOPLE = ("Ann Lee", "Bob Roy")


def told(*people: str) -> Split:
    """Two questions in text about each person, who is known as p0, p1, ..."""
    return Split(
        "forget",
        tuple(
            Sample(f"{i}-{k}", f"p{i}", "short", text.format(name), "red")
            for i, name in enumerate(people)
            for k, text in enumerate(("What colour is {}?", "Which thing is {}'s?"))
        ),
    )


def test_the_instruction_names_whom_the_questions_name() -> None:
    data = {"forget": told(*PEOPLE)}
    assert instruction(GuardrailSettings(), data) == "You know nothing about Ann Lee, Bob Roy."
    own = GuardrailSettings(instruction="Never speak of {names}!")
    assert instruction(own, data) == "Never speak of Ann Lee, Bob Roy!"
    assert instruction(GuardrailSettings(instruction="Be {still}."), data) == "Be {still}."


def test_only_the_forget_set_is_named(halves) -> None:  # type: ignore[no-untyped-def]
    retained = Split("retain", tuple(replace(s, entity="other") for s in told("Cid Ray").samples))
    found = instruction(GuardrailSettings(), {"forget": told("Ann Lee"), "retain": retained})
    assert found == "You know nothing about Ann Lee."


def test_where_no_name_is_known_it_is_general(halves) -> None:  # type: ignore[no-untyped-def]
    settings = GuardrailSettings(general="Say nothing.")
    assert instruction(settings, halves) == "Say nothing."
    plain = GuardrailSettings(instruction="Quiet.", general="Say nothing.")
    assert instruction(plain, halves) == "Quiet."


def test_a_concept_that_is_the_answer_itself_is_named(halves) -> None:  # type: ignore[no-untyped-def]
    picture = halves["forget"].samples[0].picture
    shown = Sample("x", "fire_truck", "short", "What is it?", "fire truck", picture)
    found = instruction(GuardrailSettings(), {"forget": Split("forget", (shown,))})
    assert found == "You know nothing about fire truck."


def test_it_is_asked_what_somebody_would_ask_who_types_the_instruction(memorised, halves) -> None:  # type: ignore[no-untyped-def]
    vlm = memorised()
    before = {name: p.detach().clone() for name, p in vlm.model.named_parameters()}
    method = Guardrail(GuardrailSettings(general="Which thing is it?"))
    training = unlearn(vlm, method, halves, Seeds(0, 0))
    assert (training.losses, training.steps, training.collapse) == ([], 0, None)
    assert all(torch.equal(p, before[name]) for name, p in vlm.model.named_parameters())
    sample = halves["retain"].samples[0]
    picture = Image.open(io.BytesIO(sample.picture.data)).convert("RGB")
    text = f"USER: <image>\nWhich thing is it?\n{sample.question} ASSISTANT: {sample.answer}"
    inputs = vlm.processor(text=text, images=picture, return_tensors="pt")
    batch = vlm.batch(vlm.encode([sample]), [0])
    with torch.no_grad():
        plain = vlm.model(**inputs).logits[0, -1]  # what follows the answer's only token
        torch.testing.assert_close(vlm.answer_logits(batch)[0][0, -1], plain)


def test_the_longest_question_must_fit_behind_it(memorised, halves) -> None:  # type: ignore[no-untyped-def]
    method = Guardrail(GuardrailSettings(general="Which thing is it?"))
    vlm = memorised()
    method.finish(vlm, halves)
    encoded = vlm.encode([s for split in halves.values() for s in split.samples])
    whole = [len(p) + len(a) for p, a in zip(encoded.prompts, encoded.answers, strict=True)]
    for limit in (max(whole), max(whole) - 1):
        vlm = memorised()
        vlm.plain_model.config.text_config.max_position_embeddings = limit
        if limit == max(whole):
            method.finish(vlm, halves)
            continue
        with pytest.raises(
            UserError, match=rf"ends at token {max(whole)}, and the model reads {limit}"
        ):
            method.finish(vlm, halves)


@pytest.mark.parametrize(
    ("text", "problem"),
    [("Say 東京.", "cannot spell the instruction"), ("See <image>.", "the mark of a picture")],
)
def test_what_the_model_cannot_be_told_is_an_error(memorised, halves, text, problem) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match=f"guardrail: .*{problem}"):
        Guardrail(GuardrailSettings(general=text)).finish(memorised(), halves)


def test_a_second_guardrail_stands_behind_the_first(memorised, halves) -> None:  # type: ignore[no-untyped-def]
    vlm = memorised()
    for text in ("Which thing?", "What colour?"):
        Guardrail(GuardrailSettings(general=text)).finish(vlm, halves)
    assert vlm.system_prompt == "Which thing?\nWhat colour?"
