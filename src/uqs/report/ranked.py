"""The rank of each method by each metric, and by UQS."""

from __future__ import annotations

from dataclasses import dataclass

from uqs.report.evidence import Evidence
from uqs.score import MethodScore


@dataclass(frozen=True)
class RankColumn:
    """The mean ranks of the profile's methods by one metric; None where it does not rank a method.

    `critical`: the difference from which on two of them differ (Nemenyi, 5%); `p`: Friedman's.
    """

    name: str
    ranks: tuple[float | None, ...]
    critical: float | None
    p: float | None


@dataclass(frozen=True)
class RankProfile:
    """`score` by method, empty where UQS ranks other units: with strengths, each is a method of its own."""

    methods: tuple[str, ...]
    columns: tuple[RankColumn, ...]
    blocks: int
    left_out: tuple[str, ...]
    score: dict[str, MethodScore]


def profile(found: Evidence) -> RankProfile:
    """The audit's mean ranks of whole methods, and the ranks of the score where it ranks the same."""
    held = found.audit.separations
    methods = tuple(sorted({name for one in held for name in one.methods}))
    columns = []
    for one in held:
        by_name = dict(zip(one.methods, map(float, one.test.mean_ranks), strict=True))
        ranks = tuple(by_name.get(name) for name in methods)
        columns.append(
            RankColumn(one.metric, ranks, float(one.test.critical_difference), one.test.p)
        )
    every = dict.fromkeys(name for pair in found.audit.agreement for name in (pair.a, pair.b))
    ranked = {one.metric for one in held}
    scored = (
        {} if isinstance(found.score, str) else {one.method: one for one in found.score.methods}
    )
    score = scored if columns and set(scored) == set(methods) else {}
    if score:
        columns.append(RankColumn("UQS", tuple(float(score[m].rank) for m in methods), None, None))
    return RankProfile(
        methods=methods,
        columns=tuple(columns),
        blocks=max((one.test.blocks for one in held), default=0),
        left_out=tuple(name for name in every if name not in ranked),
        score=score,
    )
