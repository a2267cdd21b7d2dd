"""Warnings that a reader must see before the numbers of measured models; made from the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from uqs.judging.rules import STRICT
from uqs.metrics.accuracy import ForgetAccuracy
from uqs.metrics.baseline import LIMIT
from uqs.metrics.clustered import clustered_mean
from uqs.metrics.unread_choices import UnreadChoices, differs, unpaired_difference
from uqs.records import Role, Status
from uqs.results import Row
from uqs.text import listed


class Value(Protocol):
    """A metric's value for one sample of a model."""

    @property
    def benchmark(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def strength(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def split(self) -> str: ...
    @property
    def metric(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def entity(self) -> str: ...
    @property
    def value(self) -> float: ...


class _Model(NamedTuple):
    benchmark: str
    role: str
    method: str
    strength: str
    seed: int


def cautions(
    rows: Sequence[Row], named: Callable[[Row], str], samples: Sequence[Value] = ()
) -> Iterator[str]:
    """Sentences on models that know holdout, on originals that cannot be a baseline or know little, and on
    unreadable answers.

    `named` gives the name of a row's model. With the per-sample values `samples` of UNREAD, its differences
    are paired on the same questions; otherwise their standard error treats the two models as independent.
    """
    yield from _known_holdout(rows, named)
    yield from _weak_originals(rows)
    yield from _low_originals(rows, named)
    yield from _unread(rows, named, samples)


def _model(row: Row | Value) -> _Model:
    return _Model(row.benchmark, row.role, row.method, row.strength, row.seed)


def _known_holdout(rows: Sequence[Row], named: Callable[[Row], str]) -> Iterator[str]:
    found: dict[_Model, list[Row]] = {}
    oracles: dict[tuple[str, int], set[str]] = {}
    for row in rows:
        if row.status == Status.KNOWN_HOLDOUT:
            if row.oracle_seed is None:
                found.setdefault(_model(row), []).append(row)
            else:
                oracles.setdefault((row.benchmark, row.oracle_seed), set()).add(row.metric)
    for model, lost in found.items():
        said = [
            f"{row.value:.0%} of the {row.split} questions"
            for metric, split in (("FA", "holdout"), ("RA", "retain"))
            for row in rows
            if _model(row) == model
            and (row.metric, row.split) == (metric, split)
            and row.value is not None
        ]
        shares = f" ({' and '.join(said)})" if said else ""
        yield (
            f"{named(lost[0])} answers the holdout questions like the retain questions{shares}: it was "
            f"trained on these people or knew them before, so nothing can be measured against them; "
            f"no values of {listed(sorted({row.metric for row in lost}))}"
        )
    for (benchmark, seed), metrics in sorted(oracles.items()):
        yield (
            f"{benchmark}: oracle {seed} answers the holdout questions like the retain questions, so it is "
            f"not an oracle for {listed(sorted(metrics))}"
        )


def _weak_originals(rows: Sequence[Row]) -> Iterator[str]:
    lost: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        if row.status == Status.WEAK_ORIGINAL:
            lost.setdefault((row.benchmark, row.split), set()).add(row.metric)
    for (benchmark, split), metrics in sorted(lost.items()):
        if "/" not in split or (benchmark, split.partition("/")[0]) not in lost:
            yield (
                f"{benchmark}: the original answers under half of what it was taught, so it cannot be a "
                f"baseline for {listed(sorted(metrics))} on {split}: no values there"
            )


def _low_originals(rows: Sequence[Row], named: Callable[[Row], str]) -> Iterator[str]:
    """Originals whose own headline FA is under LIMIT, where `_weak_originals` does not say so."""
    symbol, split = ForgetAccuracy.card.symbol, ForgetAccuracy.card.split
    said = {
        row.benchmark for row in rows if (row.status, row.split) == (Status.WEAK_ORIGINAL, split)
    }
    for row in rows:
        if (row.role, row.metric, row.split) != (Role.ORIGINAL, symbol, split):
            continue
        if row.benchmark in said or row.value is None or row.value >= LIMIT:
            continue
        beside = {
            (other.metric, other.split): other.value
            for other in rows
            if _model(other) == _model(row) and other.value is not None
        }
        how = f", judged by {row.judge}" if row.judge else ""
        if (strict := beside.get((symbol, f"{split}/{STRICT}"))) is not None:
            how += f", {strict:.0%} strictly"
        if unread := beside.get((UnreadChoices.card.symbol, split)):
            how += f" (no choice can be read from {unread:.0%} of its multiple-choice answers)"
        yield (
            f"{row.benchmark}: {named(row)} itself answers {row.value:.0%} of the {split} questions{how}: "
            "forgetting cannot be seen in what was hardly known"
        )


def _unread(
    rows: Sequence[Row], named: Callable[[Row], str], samples: Sequence[Value]
) -> Iterator[str]:
    kept = [
        row for row in rows if row.metric == UnreadChoices.card.symbol and row.value is not None
    ]
    originals = [row for row in kept if row.role == Role.ORIGINAL]
    behind = _behind(samples)
    for row in kept:
        there = [o for o in originals if (o.benchmark, o.split) == (row.benchmark, row.split)]
        if row.role not in (Role.UNLEARNED, Role.BASELINE) or not there:
            continue
        original = next((one for one in there if one.seed == row.seed), there[0])
        found = _difference(row, original, behind)
        if differs(*found):
            effect = "lower" if found[0] > 0 else "higher"
            yield (
                f"{named(row)}: no choice can be read from {row.value or 0:.1%} of its multiple-choice "
                f"answers on {row.split}, of the original's from {original.value or 0:.1%}. They count as "
                f"wrong: its accuracy there is {effect} for that, whatever it knows"
            )


def _behind(samples: Sequence[Value]) -> Mapping[tuple[_Model, str], Mapping[str, Value]]:
    found: dict[tuple[_Model, str], dict[str, Value]] = {}
    for one in samples:
        if one.metric == UnreadChoices.card.symbol:
            found.setdefault((_model(one), one.split), {})[one.id] = one
    return found


def _difference(
    row: Row, original: Row, behind: Mapping[tuple[_Model, str], Mapping[str, Value]]
) -> tuple[float, float | None]:
    mine = behind.get((_model(row), row.split), {})
    theirs = behind.get((_model(original), row.split), {})
    if mine and mine.keys() == theirs.keys():
        ids = sorted(mine)
        values = np.array([mine[i].value - theirs[i].value for i in ids], dtype=np.float64)
        paired = clustered_mean(values, [mine[i].entity for i in ids])
        return paired.value, paired.se
    return unpaired_difference(row.value or 0.0, row.se, original.value or 0.0, original.se)
