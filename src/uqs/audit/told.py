"""Is a model told from one more oracle? Every model by every metric, on its headline split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pandas as pd

from uqs.audit.told_group import Group
from uqs.audit.told_table import groups
from uqs.gaps import KNOWLEDGE
from uqs.records import Role
from uqs.results.tables import Directions
from uqs.stats import told
from uqs.stats.spread import Spread, may_pool, pooled

LEVEL = 0.05
"""The share of families in which any model that is one more oracle is told from the oracles."""
MARGIN = 0.1
"""The known share of the forget set below which a model is like an oracle."""


class Finding(StrEnum):
    """What a metric says of a model against the oracles."""

    TOLD = "told"
    NOT_TOLD = "not told apart"
    """By these oracles; this is not to be like an oracle."""
    TOO_FEW_ORACLES = "too_few_oracles"
    """Fewer than three oracles (for an oracle: three others) tell nothing from one more."""
    CONSTANT = "constant"
    """The oracles do not differ at all, so that nothing is known of one more."""
    NO_VALUE = "no_value"


class Direction(StrEnum):
    """On which side of the oracles a model that is told apart lies."""

    FARTHER = "farther"
    """From the oracles than they are from each other."""
    KNOWS_MORE = "knows more"
    KNOWS_LESS = "knows less"
    """Of the forget set than an oracle."""
    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True)
class Told:
    """One model against the oracles of its benchmark, by one metric.

    `method` has the strength in it (`noise@0.2`). `oracles`: how many it is held against; an oracle against
    the others. `kind` is `distance` (to the oracles, one-sided) or `value` (its own, two-sided). `scale` is
    `log` for distances that are all above 0. `value` is the model's own or its mean distance, `expected` the
    mean of the oracles'. `statistic` is Student's t with `freedom` degrees of freedom, of which all but
    `oracles` - 1 come from a ladder of references (`pooled`). `p_adjusted` holds for the `family` together:
    all models of the benchmark under this metric but the oracles (Dunnett), or all its oracles (Bonferroni).
    `p_rank` assumes no distribution and is at least 1 / (`oracles` + 1). Numbers are None if the finding says
    that there is no test.
    """

    benchmark: str
    metric: str
    split: str
    role: str
    method: str
    seed: int
    kind: str
    scale: str
    oracles: int
    family: int
    finding: Finding
    direction: Direction | None = None
    value: float | None = None
    expected: float | None = None
    statistic: float | None = None
    freedom: int | None = None
    p: float | None = None
    p_adjusted: float | None = None
    p_rank: float | None = None
    pooled: bool = False


def told_from_oracles(long: pd.DataFrame, directions: Directions | None = None) -> tuple[Told, ...]:
    """Every model by every metric on every benchmark that has an oracle, in order.

    From a checked long form. The spread between oracles is pooled with that of a ladder of references where
    the two do not visibly differ (`uqs.stats.spread.may_pool`). Lower bounds count as no value.
    """
    by_metric: dict[str, list[Group]] = defaultdict(list)
    for group in groups(long, directions):
        by_metric[group.metric].append(group)
    return tuple(
        one
        for parts in by_metric.values()
        for group, ladder in zip(parts, _ladders(parts), strict=True)
        for one in _of_group(group, ladder)
    )


def like_an_oracle(upper_limit: float, margin: float = MARGIN) -> bool:
    """Whether a model is like an oracle: it knows at most `margin` of the forget set.

    `upper_limit` is that of the model's known share, by a ladder of references. ValueError for a limit that
    is not a number and a margin that is not above 0 and under 1.
    """
    if not 0 < margin < 1 or np.isnan(upper_limit):
        raise ValueError(f"no likeness of a limit of {upper_limit} within a margin of {margin}")
    return upper_limit < margin


def verdict(found: Told, upper_limit: float | None = None, margin: float = MARGIN) -> str | None:
    """In words; None without a value. What is told from an oracle is not called like one, however near."""
    if found.finding == Finding.TOLD:
        return "told from an oracle"
    if found.finding == Finding.NO_VALUE:
        return None
    if upper_limit is not None and like_an_oracle(upper_limit, margin):
        return "like an oracle"
    if found.finding == Finding.CONSTANT:
        return "not told apart from an oracle: the oracles do not differ at all"
    return f"not told apart from an oracle by these {found.oracles}"


def _ladders(parts: Sequence[Group]) -> list[Spread | None]:
    """What each benchmark's ladder lends to the spread of its oracles."""
    lending: dict[int, tuple[Spread, Spread]] = {}
    for at, group in enumerate(parts):
        sample = group.sample(range(len(group.models)))
        if sample is not None and group.ladder is not None:
            lending[at] = (sample.spread, group.ladder)
    may = may_pool([own for own, _ in lending.values()], [other for _, other in lending.values()])
    kept = {at for at, yes in zip(lending, may, strict=True) if yes}
    return [group.ladder if at in kept else None for at, group in enumerate(parts)]


def _of_group(group: Group, ladder: Spread | None) -> Iterator[Told]:
    """Oracles against the others one by one; the other models in one family."""
    oracles = [at for at, one in enumerate(group.models) if one.role == Role.ORACLE]
    models = [at for at, one in enumerate(group.models) if one.role != Role.ORACLE]
    known = [at for at in models if group.oracles_of(at)]
    for at in oracles:
        others = [one for one in group.oracles if one != group.models[at].seed]
        yield _one(group, at, others, len(oracles), ladder)
    for at in models:
        yield _one(group, at, group.oracles_of(at), max(1, len(known)), ladder)


def _one(group: Group, at: int, against: Sequence[int], family: int, ladder: Spread | None) -> Told:
    model = group.models[at]
    oracle = model.role == Role.ORACLE
    empty = Told(
        benchmark=group.benchmark,
        metric=group.metric,
        split=group.split,
        role=model.role,
        method=model.method,
        seed=model.seed,
        kind=group.kind,
        scale="log" if group.log else "value",
        oracles=len(against),
        family=family,
        finding=Finding.NO_VALUE,
    )
    if not group.has_value(at):
        return empty
    valued = replace(empty, value=group.shown(at, against))
    sample = group.sample([at], against)
    if sample is None:
        return replace(valued, finding=Finding.TOO_FEW_ORACLES)
    spread = sample.spread if ladder is None else pooled(sample.spread, ladder)
    found = told.students_t(sample, spread, 1 if oracle else family)
    if found is None:
        return replace(valued, finding=Finding.CONSTANT)
    adjusted = float(found.p_adjusted[0]) * (family if oracle else 1)
    statistic = float(found.statistic[0])
    is_told = adjusted <= LEVEL
    return replace(
        valued,
        finding=Finding.TOLD if is_told else Finding.NOT_TOLD,
        direction=_direction(group, statistic) if is_told else None,
        expected=group.expected(against),
        statistic=statistic,
        freedom=found.freedom,
        p=float(found.p[0]),
        p_adjusted=min(1.0, adjusted),
        p_rank=float(sample.by_rank[0]),
        pooled=ladder is not None,
    )


def _direction(group: Group, statistic: float) -> Direction:
    if group.kind == "distance":
        return Direction.FARTHER
    if group.metric in KNOWLEDGE and group.split.startswith("forget"):
        return Direction.KNOWS_MORE if statistic > 0 else Direction.KNOWS_LESS
    return Direction.ABOVE if statistic > 0 else Direction.BELOW
