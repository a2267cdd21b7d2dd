"""Hyperparameters in words, and one line for a value that is not allowed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, model_validator

from uqs.errors import UserError
from uqs.methods.cards import CARDS
from uqs.methods.cards.card import MethodCard, Passes
from uqs.methods.cards.hyperparameters import Hyperparameter, chosen, hyperparameters
from uqs.methods.settings import MethodSettings, WithoutSteps


class Settings(WithoutSteps):
    share: Annotated[float, Field(gt=0, le=1)] = Field(default=0.5, description="a share")
    layer: Annotated[int, Field(ge=-3)] | None = Field(default=None, description="a layer")
    side: Literal["language", "vision"] = Field(default="vision", description="a side")
    layers: tuple[Annotated[int, Field(ge=0, lt=9)], ...] = Field(
        default=(1, 2), description="some"
    )
    word: str = Field(description="a word")
    whole: bool = Field(default=False, description="all of it")

    @model_validator(mode="after")
    def _language_has_layers(self) -> Settings:
        if self.side == "language" and not self.layers:
            raise ValueError("no layers")
        return self


CARD = MethodCard(
    name="mine",
    title="Mine",
    loss="0",
    source="nowhere",
    fidelity="paper",
    needs=frozenset(),
    protects=False,
    passes=Passes(training=0),
    settings=Settings,
    tuned_hyperparameter=None,
)


def test_each_is_described_in_words() -> None:
    assert list(hyperparameters(Settings)) == [
        Hyperparameter("share", "0.5", "a number > 0 and <= 1", "a share"),
        Hyperparameter("layer", "null", "a whole number >= -3 or null", "a layer"),
        Hyperparameter("side", '"vision"', '"language", "vision"', "a side"),
        Hyperparameter("layers", "[1, 2]", "list of: a whole number >= 0 and < 9", "some"),
        Hyperparameter("word", "none", "text", "a word"),
        Hyperparameter("whole", "false", "true or false", "all of it"),
    ]
    assert not list(hyperparameters(WithoutSteps))


@pytest.mark.parametrize("name", CARDS)
def test_every_method_says_what_each_is(name: str) -> None:
    for one in hyperparameters(CARDS[name].settings):
        assert one.description, f"{name}: {one.name}"
        assert not one.bounds.startswith("anything"), f"{name}: {one.name}"


def test_values_take_the_place_of_defaults() -> None:
    found: Any = chosen(CARD, {"word": "x", "layers": [3], "share": 1, "layer": -2})
    assert found == Settings(word="x", layers=(3,), share=1.0, layer=-2)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"word": "x", "share": 1.5}, "share must be a number > 0 and <= 1; it is 1.5"),
        ({"word": "x", "share": True}, "share must be a number > 0 and <= 1; it is True"),
        ({"word": "x", "side": "both"}, 'side must be "language", "vision"; it is \'both\''),
        ({"word": 3}, "word must be text; it is 3"),
        ({}, "word must be given: text"),
        ({"word": "x", "layrs": [1]}, "no hyperparameter 'layrs'; did you mean 'layers'?"),
        ({"word": "x", "layers": [], "side": "language"}, "no layers"),
        ({"word": "x", "layers": [9]}, "layers.0: "),
    ],
)
def test_what_is_not_allowed_is_one_line(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(UserError) as raised:
        chosen(CARD, values)
    assert str(raised.value).startswith("mine: ")
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_method_without_any_says_so() -> None:
    with pytest.raises(UserError, match="original: no hyperparameter 'lr'; it has none"):
        chosen(CARDS["original"], {"lr": 1})
    assert chosen(CARDS["gradient_ascent"], {}) == MethodSettings()
