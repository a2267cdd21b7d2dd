"""The data that the board's application reads: one JSON object in the page.

`typescript.py` turns these types into the application's (`board/src/schema.ts`), so both sides have one
schema. Lists run over what their comment names; a number that does not exist is null, and a status or a
reason says why.
"""

from __future__ import annotations

from typing import Literal, TypedDict

SCHEMA = 2
"""Raised with every change; the application refuses other data."""

Number = float | None


class Metric(TypedDict):
    """`words` says which values are better."""

    name: str
    better: Literal["lower", "higher", "target"]
    words: str


class Column(TypedDict):
    """One metric of all runs; `statuses` is empty where there is a value; `oracles` is runs x oracles."""

    values: list[Number]
    errors: list[Number]
    statuses: list[str]
    oracles: list[list[Number]] | None


class Runs(TypedDict):
    """One entry per unlearned model; `benchmark` and `method` are numbers in the board's lists."""

    benchmark: list[int]
    method: list[int]
    seed: list[int]
    metrics: dict[str, Column]


class Estimate(TypedDict):
    value: float
    se: Number


class Reference(TypedDict):
    """Means of the original and of the oracle, and the noise floor."""

    benchmark: str
    metric: str
    original: Estimate | None
    oracle: Estimate | None
    floor: Estimate | None


class Response(TypedDict):
    """A metric as a monotone function of the known share, by rung."""

    shares: list[float]
    means: list[float]
    direction: int


class Utility(TypedDict):
    """RA of the references by rung."""

    shares: list[float]
    means: list[float]
    sd: float


class Ladder(TypedDict):
    """`why` has the metrics without a response, with the reason."""

    responses: dict[str, Response]
    utility: Utility | None
    why: dict[str, str]
    tolerance: float


class Scale(TypedDict):
    """The gap to the oracle from which a metric scores 0 and up to which it scores 1; or a status."""

    benchmark: str
    metric: str
    status: str
    oracle: float
    zero: float
    one: float


class Preset(TypedDict):
    """Weights: one row, or one for each of the benchmarks; none where `reason` says why."""

    name: str
    weights: list[list[float]]
    benchmarks: list[str]
    reason: str


class Generator(TypedDict):
    """The state of numpy's PCG64, as decimal numbers."""

    state: str
    increment: str


class Score(TypedDict):
    """What UQS is computed from, besides the runs."""

    form: Literal["published", "calibrated"]
    metrics: list[str]
    ladders: dict[str, Ladder]
    scales: list[Scale]
    presets: list[Preset]
    generator: Generator
    level: float
    draws: int


class Rung(TypedDict):
    """Models made alike: `kind` is ladder, suppressed or damaged."""

    kind: Literal["ladder", "suppressed", "damaged"]
    name: str
    share: float
    values: list[float]


class Card(TypedDict):
    """A metric on the ladder of a benchmark; `judged` counts the suppressed and the damaged kinds."""

    benchmark: str
    metric: str
    rungs: list[Rung]
    response: Response | None
    usable: bool
    why: str
    smallest: Number
    blind: list[str]
    fooled: list[str]
    suppressed: int
    damaged: int


class Order(TypedDict):
    """Whether a metric tells the methods of a benchmark apart; `values` are means (of logs, if `log`)."""

    benchmark: str
    strength: str
    metric: str
    shown: str
    log: bool
    methods: list[str]
    means: list[float]
    errors: list[float]
    critical: Number
    separated: Number
    seeds: int
    oracles: int


class Association(TypedDict):
    value: Number
    status: str


class Pair(TypedDict):
    """tau-b of two metrics: mean over benchmarks (defined on `defined` of `groups`), and pooled."""

    a: str
    b: str
    within: Association
    defined: int
    groups: int
    pooled: Association
    reverses: bool
    benchmarks: dict[str, Association]
    p: Number


class Clusters(TypedDict):
    groups: list[list[str]]
    support: Number
    resamples: int
    reason: str


class Trust(TypedDict):
    cards: list[Card]
    orders: list[Order]
    pairs: list[Pair]
    clusters: Clusters
    verdicts: list[str]


class Board(TypedDict):
    """All of it; `methods` have their strength behind an @; `bases` are the base models by benchmark."""

    schema: int
    title: str
    benchmarks: list[str]
    bases: list[str]
    stopped: list[str]
    methods: list[str]
    metrics: list[Metric]
    runs: Runs
    references: list[Reference]
    score: Score | None
    unscored: str
    trust: Trust
