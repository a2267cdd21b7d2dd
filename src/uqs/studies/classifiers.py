"""What a study of an image classifier cannot have: whatever needs a model that writes text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from uqs.errors import DataError
from uqs.methods.cards.look_up import method_card
from uqs.metrics.catalogue import metric_card
from uqs.models.settings import CLASSIFIERS

if TYPE_CHECKING:
    from uqs.studies.spec import Study


class _Fault(NamedTuple):
    field: str
    problem: str


def check_classifier(study: Study, path: Path) -> None:
    """DataError, naming the key, for what a classifier has not: only in studies of one."""
    if study.model.name not in CLASSIFIERS:
        return
    for fault in _faults(study):
        raise DataError(fault.problem, file=path, field=fault.field)


def _faults(study: Study) -> Iterator[_Fault]:
    name = study.model.name
    if study.model.adapter.kind != "full":
        problem = f"{name!r} has no layers for adapters; write {{kind: full}}"
        yield _Fault("model.adapter", problem)
    if study.model.path is None and study.training.replay:
        problem = f"the base of {name!r} was trained on nothing that could be replayed; write 0"
        yield _Fault("training.replay", problem)
    for choice in study.methods:
        if method_card(choice.name).of_text:
            problem = f"{choice.name!r} needs a model that writes text, and {name!r} names a class"
            yield _Fault("methods", problem)
    for metric in study.metrics:
        if metric_card(metric).of_text:
            problem = (
                f"{metric!r} says something of a model that writes text, and {name!r} names a class"
            )
            yield _Fault("metrics", f"{problem}; leave it out")
    if study.references.suppressed:
        problem = f"suppressed models refuse in words, and {name!r} names a class"
        yield _Fault("references.suppressed", problem)
