"""Cross scores: a model and an oracle score each other's greedy answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from uqs.errors import DataError
from uqs.evaluation.tracer import Tracer
from uqs.metrics.base import CrossScores
from uqs.records import Sample, Split
from uqs.traces.file import read_trace
from uqs.traces.settings import TraceSettings
from uqs.traces.trace import Trace

INDEX = "cross_scored.json"
OWN, THEIRS = "answers_of_model", "answers_of_oracle"


class RelabelledSplits(NamedTuple):
    """The forget questions with the model's and with the oracle's answers as gold answers."""

    own: Split
    theirs: Split


def relabelled(forget: Split, own: Sequence[str], theirs: Sequence[str]) -> RelabelledSplits:
    """The questions that both answer with some text; `own` and `theirs` are the greedy answers, in order."""
    mine: list[Sample] = []
    others: list[Sample] = []
    for sample, answer, other in zip(forget.samples, own, theirs, strict=True):
        if answer and other:
            plain = replace(
                sample, task="short", question=sample.text, options=(), wrong=(), layout=None
            )
            mine.append(replace(plain, answer=answer))
            others.append(replace(plain, answer=other))
    return RelabelledSplits(Split(OWN, tuple(mine)), Split(THEIRS, tuple(others)))


def scored(settings: TraceSettings) -> TraceSettings:
    """Settings for scoring given answers: only their likelihood is kept."""
    least = {"layers": (-1,), "top_k": 1, "whole_vocabulary": 0, "max_new_tokens": 1}
    return settings.model_copy(update=least)


@dataclass
class Places:
    """The folders of the traces of a model and an oracle, by split and by whether the oracle scored it."""

    splits: RelabelledSplits
    found: dict[tuple[str, bool], Path] = field(default_factory=dict)

    def score(self, tracer: Tracer, *, by_oracle: bool) -> None:
        """Let one of the two models score both splits."""
        for split in self.splits:
            if split.samples:
                self.found[split.name, by_oracle] = tracer.ensure(split)

    @property
    def complete(self) -> bool:
        """Whether both models have scored both splits."""
        return len(self.found) == 4

    def cross_scores(self) -> CrossScores:
        """Read the four traces."""
        return _cross_scores(self.found)


def _cross_scores(found: Mapping[tuple[str, bool], Path]) -> CrossScores:
    def read(split: str, by_oracle: bool) -> Trace:
        return read_trace(found[split, by_oracle], split)

    return CrossScores(
        own_by_model=read(OWN, False),
        own_by_oracle=read(OWN, True),
        oracles_by_model=read(THEIRS, False),
        oracles_by_oracle=read(THEIRS, True),
    )


def write_cross_scores(places: Mapping[int, Places], folder: Path) -> None:
    """Write an index of the cross scores next to the store, by the oracle's seed."""
    tree = {
        str(seed): [
            [split, by_oracle, str(place.relative_to(folder))]
            for (split, by_oracle), place in one.found.items()
        ]
        for seed, one in places.items()
    }
    (folder / INDEX).write_text(json.dumps(tree, indent=1), encoding="utf-8")


def read_cross_scores(folder: Path) -> dict[int, CrossScores | None]:
    """Read what `write_cross_scores` wrote, by the oracle's seed; None if no question has both answers."""
    file = folder / INDEX
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
        found = {
            int(seed): {(split, bool(by)): folder / place for split, by, place in places}
            for seed, places in tree.items()
        }
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"does not say what was scored ({error!r})", file=file) from None
    return {seed: _cross_scores(places) if places else None for seed, places in found.items()}
