"""Measurements averaged over seeds: unlearned models, originals, oracles, and the noise floor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, variance
from typing import NamedTuple

import pandas as pd

from uqs.card_metadata import facts_of
from uqs.metrics.catalogue import in_order
from uqs.records import FURTHER, Role, Status
from uqs.results.tables import between_oracles, per_model
from uqs.stats.noise import noise_floor, pair_differences


class Line(StrEnum):
    """The kind of a table line."""

    UNLEARNED = "unlearned"
    ORIGINAL = "original"
    ORACLE = "oracle"
    FLOOR = "noise floor"


class Key(NamedTuple):
    """Identifies a number; `method` is empty except for unlearned models."""

    benchmark: str
    line: Line
    method: str
    metric: str
    split: str


@dataclass(frozen=True)
class Run:
    """One model's value, or the status that says why it is missing."""

    seed: int
    value: float | None
    se: float | None
    status: Status


@dataclass(frozen=True)
class Mean:
    """The mean over the `known` of `runs` models that have the value; None if no model has it.

    `se` combines the spread between seeds with the noise of the items, which all seeds share; for a single
    model it is only the noise of the items.
    """

    value: float | None
    se: float | None
    known: int
    runs: int
    status: Status


@dataclass(frozen=True)
class Gap:
    """How far a method is from the oracle.

    `difference`: the gap of the results table (`uqs.gaps`), mean over runs. It is the value minus the
    oracles' own (FA, RA, MIA), or a distance to the oracle minus the noise floor, that is, the distance
    between oracles (AD, JS, oracle distance). `ratio`: such a distance divided by the noise floor; 1 is as
    far as oracles are from each other.
    """

    difference: float | None = None
    ratio: float | None = None


@dataclass(frozen=True)
class Summary:
    """All numbers of a study by key; names are in display order."""

    benchmarks: tuple[str, ...]
    methods: tuple[str, ...]
    metrics: tuple[str, ...]
    runs: Mapping[Key, tuple[Run, ...]]
    means: Mapping[Key, Mean]
    headline: Mapping[str, str]
    """The split of each metric's headline value."""

    def mean(self, benchmark: str, line: Line, metric: str, method: str = "") -> Mean | None:
        """The headline mean, or None if the table has no such row."""
        return self.means.get(Key(benchmark, line, method, metric, self.headline[metric]))

    def run(self, benchmark: str, metric: str, method: str, seed: int) -> Run | None:
        """The headline value of one unlearned model."""
        key = Key(benchmark, Line.UNLEARNED, method, metric, self.headline[metric])
        return next((run for run in self.runs.get(key, ()) if run.seed == seed), None)

    def gap(self, benchmark: str, line: Line, metric: str, method: str = "") -> Gap:
        """The gap to the oracle; empty if either side is unknown, without ratio if the floor is 0."""
        found = self.mean(benchmark, line, metric, method)
        if found is None or found.value is None:
            return Gap()
        oracle = self.mean(benchmark, Line.ORACLE, metric)
        if oracle is not None and oracle.value is not None:
            return Gap(difference=found.value - oracle.value)
        floor = self.mean(benchmark, Line.FLOOR, metric)
        if floor is None or floor.value is None:
            return Gap()
        ratio = found.value / floor.value if floor.value else None
        return Gap(found.value - floor.value, ratio)

    def other_splits(self, benchmark: str) -> tuple[tuple[str, str], ...]:
        """Metric and split of all measurements outside the headline splits."""
        found = {
            (key.metric, key.split)
            for key in self.means
            if key.benchmark == benchmark and key.split != self.headline[key.metric]
        }
        return tuple(sorted(found, key=lambda one: (self.metrics.index(one[0]), one[1])))


def summarise(long: pd.DataFrame) -> Summary:
    """Average a checked long form over oracles, then over seeds. Models of known truth are left out: they
    have tables of their own (`ladder`).
    """
    long = long[~long["role"].isin(FURTHER)]
    runs: dict[Key, list[Run]] = {}
    for row in per_model(long).to_dict("records"):
        line = _line(Role(row["role"]), bool(row["of_oracle"]))
        method = row["method"] if line is Line.UNLEARNED else ""
        key = Key(row["benchmark"], line, method, row["metric"], row["split"])
        value, se = (None if pd.isna(row[name]) else float(row[name]) for name in ("value", "se"))
        runs.setdefault(key, []).append(Run(int(row["seed"]), value, se, Status(row["status"])))
    metrics = tuple(in_order({key.metric for key in runs}))
    return Summary(
        benchmarks=tuple(sorted({key.benchmark for key in runs})),
        methods=tuple(sorted({key.method for key in runs if key.line is Line.UNLEARNED})),
        metrics=metrics,
        runs={key: tuple(sorted(found, key=lambda run: run.seed)) for key, found in runs.items()},
        means={key: _mean(key.line, found) for key, found in runs.items()} | _floors(runs, long),
        headline={metric: _headline(metric, runs, long) for metric in metrics},
    )


def _line(role: Role, of_oracle: bool) -> Line:
    if role is Role.ORACLE:
        return Line.FLOOR if of_oracle else Line.ORACLE
    return Line.ORIGINAL if role is Role.ORIGINAL else Line.UNLEARNED


def _mean(line: Line, runs: Sequence[Run]) -> Mean:
    values = [run.value for run in runs if run.value is not None]
    if not values:
        return Mean(None, None, 0, len(runs), _common(run.status for run in runs))
    errors = [run.se for run in runs if run.value is not None and run.se is not None]
    # Distances between the same few oracles are not independent repeats.
    repeats = len(values) > 1 and line is not Line.FLOOR
    spread = variance(values) / len(values) if repeats else None
    items = fmean(errors) ** 2 if errors else None
    parts = [part for part in (spread, items) if part is not None]
    se = sum(parts) ** 0.5 if parts else None
    return Mean(fmean(values), se, len(values), len(runs), Status.OK)


def _common(statuses: Iterable[Status]) -> Status:
    found = set(statuses)
    return found.pop() if len(found) == 1 else Status.TOO_FEW


def _floors(runs: Mapping[Key, Sequence[Run]], long: pd.DataFrame) -> dict[Key, Mean]:
    """Mean distance over pairs of oracles, or mean difference between their own values."""
    between = between_oracles(long)
    found = {}
    for key, oracles in runs.items():
        if key.line is Line.ORACLE:
            own = [run.value for run in oracles if run.value is not None]
            floor, mean = noise_floor(pair_differences(own)), None
        elif key.line is Line.FLOOR:
            pairs = between.get((key.benchmark, key.metric, key.split))
            floor, mean = noise_floor([] if pairs is None else pairs), _mean(key.line, oracles)
        else:
            continue
        if floor is not None:
            known = sum(run.value is not None for run in oracles)
            se = mean.se if mean else None
            place = key._replace(line=Line.FLOOR)
            found[place] = Mean(floor, se, known, len(oracles), Status.OK)
    return found


def _headline(metric: str, runs: Iterable[Key], long: pd.DataFrame) -> str:
    splits = sorted({key.split for key in runs if key.metric == metric})
    facts = facts_of(metric, long)
    return facts.split if facts is not None and facts.split in splits else splits[0]
