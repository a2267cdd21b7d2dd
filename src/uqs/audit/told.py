"""Is a model told from one more oracle? Every model by every metric, on its headline split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from uqs.audit.told_finding import Direction, Finding, Told, like_an_oracle, verdict
from uqs.audit.told_group import Group
from uqs.audit.told_table import groups
from uqs.gaps import KNOWLEDGE
from uqs.records import Role
from uqs.results.tables import Directions
from uqs.stats import told
from uqs.stats.spread import Spread, may_pool, pooled

__all__ = ["Direction", "Finding", "Told", "like_an_oracle", "told_from_oracles", "verdict"]
LEVEL = 0.05
"""The share of families in which any model that is one more oracle is told from the oracles."""


def told_from_oracles(long: pd.DataFrame, directions: Directions | None = None) -> tuple[Told, ...]:
    """Every model by every metric on every benchmark that has an oracle, in order.

    From a checked long form. The spread between oracles is pooled with that of a ladder of references where
    the two do not visibly differ (`uqs.stats.spread.may_pool`). Lower bounds count as no value.
    """
    by_metric: dict[str, list[Group]] = defaultdict(list)
    if not (long["role"] == Role.ORACLE).any():
        return ()
    for group in groups(long, directions):
        by_metric[group.metric].append(group)
    return tuple(
        one
        for parts in by_metric.values()
        for group, ladder in zip(parts, _ladders(parts), strict=True)
        for one in _of_group(group, ladder)
    )


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


def _of_group(group: Group, ladder: Spread | None) -> list[Told]:
    """Oracles against the others one by one; the other models in one family."""
    oracles = [at for at, one in enumerate(group.models) if one.role == Role.ORACLE]
    models = [at for at, one in enumerate(group.models) if one.role != Role.ORACLE]
    by_oracles: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for at in models:
        by_oracles[tuple(group.oracles_of(at))].append(at)
    family = max(1, len(models) - len(by_oracles[()]))
    found: dict[int, Told] = {}
    for at in oracles:
        others = [one for one in group.oracles_of(at) if one != group.models[at].seed]
        found |= _some(group, [at], others, len(oracles), ladder)
    for against, those in by_oracles.items():
        if those:
            found |= _some(group, those, against, family, ladder)
    return [found[at] for at in sorted(found)]


def _some(
    group: Group, at: Sequence[int], against: Sequence[int], family: int, ladder: Spread | None
) -> dict[int, Told]:
    """Models held against the same oracles: some of a family, or one of all oracles."""
    found = {one: _untested(group, one, len(against), family) for one in at}
    with_value = [one for one in at if group.has_value(one)]
    sample = group.sample(with_value, against) if with_value else None
    tested = None
    if sample is not None:
        spread = sample.spread if ladder is None else pooled(sample.spread, ladder)
        bonferroni = family if group.models[at[0]].role == Role.ORACLE else 1
        tested = told.students_t(sample, spread, 1 if bonferroni > 1 else family)
    for place, one in enumerate(with_value):
        valued = replace(found[one], value=group.shown(one, against))
        if sample is None:
            found[one] = replace(valued, finding=Finding.TOO_FEW_ORACLES)
            continue
        if tested is None:
            found[one] = replace(valued, finding=Finding.CONSTANT)
            continue
        statistic = float(tested.statistic[place])
        adjusted = min(1.0, float(tested.p_adjusted[place]) * bonferroni)
        is_told = adjusted <= LEVEL
        found[one] = replace(
            valued,
            finding=Finding.TOLD if is_told else Finding.NOT_TOLD,
            direction=_direction(group, statistic) if is_told else None,
            expected=group.expected(against),
            statistic=statistic,
            freedom=tested.freedom,
            p=float(tested.p[place]),
            p_adjusted=adjusted,
            p_rank=float(sample.by_rank[place]),
            pooled=ladder is not None,
        )
    return found


def _untested(group: Group, at: int, oracles: int, family: int) -> Told:
    model = group.models[at]
    return Told(
        benchmark=group.benchmark,
        metric=group.metric,
        split=group.split,
        role=model.role,
        method=model.method,
        seed=model.seed,
        kind=group.kind,
        scale="log" if group.log else "value",
        oracles=oracles,
        family=family,
        finding=Finding.NO_VALUE,
    )


def _direction(group: Group, statistic: float) -> Direction:
    if group.kind == "distance":
        return Direction.FARTHER
    if group.metric in KNOWLEDGE and group.split.startswith("forget"):
        return Direction.KNOWS_MORE if statistic > 0 else Direction.KNOWS_LESS
    return Direction.ABOVE if statistic > 0 else Direction.BELOW
