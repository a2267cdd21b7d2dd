"""What a method declares about itself."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pydantic import BaseModel

from uqs.methods.settings import MethodSettings

Fidelity = Literal["paper", "official code", "adapted"]
Need = Literal["forget", "retain", "pictures", "refusals"]


class Passes(NamedTuple):
    """The cost of a step: forward passes with backward pass, and forward passes without."""

    training: float
    forward: float = 0

    def in_words(self) -> str:
        """The passes as a text for tables."""
        parts = [
            f"{count:g} {what}"
            for count, what in zip(self, ("training", "forward"), strict=True)
            if count
        ]
        return " + ".join(parts) or "none"


NO_PASSES = Passes(training=0)


class TunedHyperparameter(NamedTuple):
    """The hyperparameter that makes a method stronger, and the range that tuning searches on a log scale."""

    field: str = "lr"
    low: float = 1e-5
    high: float = 1e-2


@dataclass(frozen=True)
class MethodCard:
    """A method's name in code, its title, its loss (or what it does) in one line, and its source.

    `fidelity`: `paper` if loss and hyperparameters are those of the source's text, `official code` if they
    are those of its authors' code, `adapted` if something differs; `differs` then says what. `needs`:
    `forget` and `retain` questions, `pictures` of every forget entity, `refusals` as answers. `protects`:
    whether the loss itself protects the retain set. `setup`: what is computed before the first step, at most
    `setup_passes` over each question of the sets in `setup_over`.
    `tuned_hyperparameter` is None for a method without strengths. A `baseline` does not change weights; it is
    shown with the methods but not ranked. `of_text`: it needs a model that writes text, with an adapter,
    language layers, instructions or refusals, and cannot be used on a classifier.
    """

    name: str
    title: str
    loss: str
    source: str
    fidelity: Fidelity
    needs: Set[Need]
    protects: bool
    passes: Passes
    differs: str = ""
    setup: str = ""
    setup_passes: Passes = NO_PASSES
    setup_over: tuple[Literal["forget", "retain"], ...] = ()
    settings: type[BaseModel] = MethodSettings
    tuned_hyperparameter: TunedHyperparameter | None = field(default_factory=TunedHyperparameter)
    baseline: bool = False
    of_text: bool = False

    def needs_in_words(self) -> str:
        """The data that the method reads, as a text for tables."""
        return ", ".join(sorted(self.needs)) or "nothing"

    def __post_init__(self) -> None:
        if (self.fidelity == "adapted") != bool(self.differs):
            raise ValueError(f"{self.name}: 'adapted' and what differs go together")
        if bool(self.setup_over) != any(self.setup_passes):
            raise ValueError(
                f"{self.name}: passes before the first step and their sets go together"
            )
        if (
            self.tuned_hyperparameter is not None
            and self.tuned_hyperparameter.field not in self.settings.model_fields
        ):
            raise ValueError(f"{self.name}: no hyperparameter {self.tuned_hyperparameter.field!r}")
