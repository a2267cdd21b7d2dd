"""A model's known shares by all usable metrics: flat for a retrained model, ragged for one that is like none.

A retrained model knows some share of the forget entities, and every metric agrees with that one share. An
unlearned model leaves the path of retrained ones; then its metrics disagree, and that is a finding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from uqs.audit.known_shares import ModelShare
from uqs.audit.report_cards import ReportCard
from uqs.records import TRAINED, Role
from uqs.stats.common_share import CommonShare, common_share
from uqs.stats.response import KnownShare

LEVEL = 0.05
Basis = Literal["benchmark", "all_benchmarks", "normal"]


@dataclass(frozen=True)
class Part:
    """One metric in a profile.

    `offset` is the distance from what a model with the common share would have, in standard errors; above 0
    where the metric says that more is known.
    """

    metric: str
    share: KnownShare
    offset: float


@dataclass(frozen=True)
class Profile:
    """The known shares of one model by the usable headline metrics of its benchmark.

    `seed` is None for the mean over a method's `runs`; `truth` is the share where it is known. `common` is
    the share that fits all metrics best, `least` and `most` the metrics that fall short of it and exceed it
    most, in standard errors. `p_normal` is the probability of such a misfit of a retrained model, by t
    quantiles with Bonferroni's correction.
    `p_references` is the same by comparison: (1 + left-out models of the ladder that fit no better) / (1 +
    all `references`), None without any.

    `basis` says which of them decides whether the profile is `ragged` at 5%: left-out models of the same
    `benchmark` if there are enough for p to reach 5% (19), else those of `all_benchmarks`, else `normal`.
    """

    benchmark: str
    role: str
    method: str
    strength: str
    seed: int | None
    runs: int
    truth: float | None
    parts: tuple[Part, ...]
    common: float
    least: str
    most: str
    p_normal: float
    p_references: float | None
    references: int
    basis: Basis

    @property
    def p(self) -> float:
        """The p value that decides."""
        return (
            self.p_normal
            if self.basis == "normal" or self.p_references is None
            else self.p_references
        )

    @property
    def ragged(self) -> bool:
        """Whether no one share explains all metrics, as it does for retrained models."""
        return self.p <= LEVEL


Key = tuple[str, str, str, str, int | None]


def profiles(shares: Iterable[ModelShare], cards: Iterable[ReportCard]) -> tuple[Profile, ...]:
    """A profile per model with at least two usable headline metrics."""
    usable = {
        (card.benchmark, card.metric, card.split) for card in cards if card.usable and card.headline
    }
    groups: dict[Key, list[ModelShare]] = defaultdict(list)
    for one in shares:
        if (one.benchmark, one.metric, one.split) in usable:
            groups[one.benchmark, one.role, one.method, one.strength, one.seed].append(one)
    fits = {
        key: fit
        for key, group in groups.items()
        if (fit := common_share([(one.rungs, one.offsets, one.freedom) for one in group]))
    }
    references = {key: fit.p for key, fit in fits.items() if key[1] in TRAINED}
    return tuple(_profile(key, groups[key], fit, references) for key, fit in fits.items())


def of_methods(found: Iterable[Profile]) -> list[Profile]:
    """One profile per unlearned method and benchmark: of the mean of its runs, or of its only run."""
    own = [one for one in found if one.role == Role.UNLEARNED]
    means = {(one.benchmark, one.method, one.strength) for one in own if one.seed is None}
    return [
        one
        for one in own
        if one.seed is None or (one.benchmark, one.method, one.strength) not in means
    ]


def _profile(
    key: Key, group: Sequence[ModelShare], fit: CommonShare, references: Mapping[Key, float]
) -> Profile:
    benchmark, role, method, strength, seed = key
    every = {name: p for name, p in references.items() if name != key}
    own = {name: p for name, p in every.items() if name[0] == benchmark}
    basis: Basis = "normal"
    if 1 / (1 + len(every)) <= LEVEL:
        basis = "benchmark" if 1 / (1 + len(own)) <= LEVEL else "all_benchmarks"
    used = every if basis == "all_benchmarks" else own
    parts = [
        # the offset from a rising response falls along the ladder
        Part(one.metric, one.share, offset if one.offsets[0] >= one.offsets[-1] else -offset)
        for one, offset in zip(group, fit.offsets, strict=True)
    ]
    return Profile(
        benchmark,
        role,
        method,
        strength,
        seed,
        group[0].runs,
        group[0].truth,
        tuple(parts),
        fit.share,
        min(parts, key=lambda part: part.offset).metric,
        max(parts, key=lambda part: part.offset).metric,
        fit.p,
        (1 + sum(p <= fit.p for p in used.values())) / (1 + len(used)) if used else None,
        len(used),
        basis,
    )
