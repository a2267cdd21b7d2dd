from __future__ import annotations

import math

import pytest
from pydantic import BaseModel, ValidationError

from uqs.methods.cards import CARDS
from uqs.methods.settings import (
    DEFAULT_TRAINER,
    MethodSettings,
    StopAtForgetLoss,
    TrainerSettings,
    WithoutSteps,
)

EVERY = {TrainerSettings, StopAtForgetLoss, *(card.settings for card in CARDS.values())}


def test_the_defaults() -> None:
    trainer = TrainerSettings()
    assert trainer == DEFAULT_TRAINER
    assert trainer.stop is None  # a fixed number of steps
    assert (trainer.schedule, trainer.warmup, trainer.clip) == ("cosine", 0.1, 1.0)
    assert (trainer.accumulate, trainer.precision) == (1, "float32")
    assert (trainer.gradient_checkpointing, trainer.weight_decay) == (False, 0.0)


@pytest.mark.parametrize(
    ("settings", "field", "values"),
    [
        (MethodSettings, "steps", (0, -1, 1.5, "60")),
        (MethodSettings, "lr", (0.0, -1e-4, math.inf, math.nan, "1e-4")),
        (MethodSettings, "batch_size", (0, -3, 2.0)),
        (TrainerSettings, "schedule", ("step", "Cosine", None)),
        (TrainerSettings, "warmup", (-0.1, 1.0, 2.0)),
        (TrainerSettings, "clip", (0.0, -1.0, math.inf, math.nan)),
        (TrainerSettings, "weight_decay", (-0.1, math.inf, math.nan)),
        (TrainerSettings, "accumulate", (0, -1, 1.5)),
        (TrainerSettings, "precision", ("float16", "bf16", 16)),
        (TrainerSettings, "gradient_checkpointing", ("yes", 1)),
        (TrainerSettings, "checks", (0, -1, 0.5)),
        (TrainerSettings, "stop", (3.0, {"share": 0.2})),
        (StopAtForgetLoss, "share", (0.0, 1.0, -0.2, 1.2)),
        (StopAtForgetLoss, "at", (0.0, -2.0, math.inf, math.nan)),
        (MethodSettings, "learning_rate", (1e-4,)),
        (TrainerSettings, "bf16", (True,)),
        (WithoutSteps, "steps", (3,)),
    ],
)
def test_what_is_out_of_range_or_unknown_is_an_error_that_names_it(
    settings: type[BaseModel], field: str, values: tuple[object, ...]
) -> None:
    given = {"at": 1.0} if settings is StopAtForgetLoss else {}
    settings(**given)
    for value in values:
        with pytest.raises(ValidationError) as raised:
            settings(**{**given, field: value})
        assert {error["loc"][0] for error in raised.value.errors()} == {field}


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        MethodSettings().lr = 1.0  # type: ignore[misc]


@pytest.mark.parametrize("settings", sorted(EVERY, key=lambda one: one.__name__))
def test_every_field_says_what_it_is(settings: type[BaseModel]) -> None:
    for name, field in settings.model_fields.items():
        assert field.description, f"{settings.__name__}.{name}"


def test_a_study_file_gives_them_as_plain_values() -> None:
    given = {"stop": {"at": 3.0}, "precision": "bfloat16", "accumulate": 4}
    trainer = TrainerSettings(**given)
    assert trainer.stop == StopAtForgetLoss(at=3.0, share=0.2)
    dumped = trainer.model_dump(exclude_defaults=True)
    assert dumped == {"stop": {"at": 3.0}, "precision": "bfloat16", "accumulate": 4}
    assert TrainerSettings(**dumped) == trainer
