"""How often is a model that is one more oracle told from the oracles, and how often another? Prints Markdown.

Distances are those of random vectors, so that they depend on each other as distances of models do. Run as
`python perf/told.py > perf/told.md`; it takes a few minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from uqs.stats.dunnett import dunnett_critical
from uqs.stats.spread import Spread, may_pool, pooled, within_rungs
from uqs.stats.told import FloatArray, Sample, of_distances, of_values

TABLES = 4000
ORACLES = (3, 5, 10, 20)
MODELS = 19
RUNGS, SEEDS = 4, 3
"""Of the ladder beside its oracles: five shares by three seeds where there are three oracles."""
LAWS = (
    *((kind, d, 1, True) for kind in ("normal", "t") for d in (5, 50)),
    *(("normal", d, power, False) for d in (5, 50) for power in (1, 2)),
)
"""The vectors' law and dimensions, the power of distances, and whether their logarithms are taken."""
Draw = Callable[[np.random.Generator, int, int], FloatArray]


@cache
def critical(family: int, oracles: int, freedom: int, two_sided: bool) -> float:
    return dunnett_critical(0.95, family, oracles, freedom, two_sided=two_sided)


def told(sample: Sample, spread: Spread | None = None, family: int = 1) -> NDArray[np.bool_]:
    """Which models are told apart."""
    used = spread or sample.spread
    oracles = len(sample.oracles)
    found = (sample.models - sample.oracles.mean()) / sqrt(used.variance * (1 + 1 / oracles))
    size = np.abs(found) if sample.two_sided else found
    return np.asarray(size > critical(family, oracles, used.freedom, sample.two_sided))


def sizes(draw: Callable[[np.random.Generator, int], Sample], oracles: int) -> str:
    """One model and nineteen together, of models that are one more oracle."""
    rng = np.random.default_rng(oracles)
    alone, together = 0.0, 0
    for _ in range(TABLES):
        sample = draw(rng, oracles)
        alone += told(sample).mean() / TABLES
        together += bool(told(sample, family=MODELS).any())
    return f"{alone:.3f} / {together / TABLES:.3f}"


def vectors(kind: str, dimensions: int) -> Draw:
    def draw(rng: np.random.Generator, models: int, oracles: int) -> FloatArray:
        found = rng.normal(size=(models + oracles, dimensions))
        if kind == "t":
            found /= np.sqrt(rng.chisquare(5, size=(models + oracles, 1)) / 5)
        return found

    return draw


def distances(draw: Draw, power: int, log: bool, relative: bool = False) -> Callable[..., Sample]:
    def sample(rng: np.random.Generator, oracles: int) -> Sample:
        found = draw(rng, MODELS, oracles)
        apart = cdist(found, found[:oracles]) ** power
        if relative:
            apart /= np.linalg.norm(found[:oracles], axis=1)
        return of_distances(apart[oracles:], apart[:oracles], log=log)

    return sample


def values(items: int, share: float) -> Callable[..., Sample]:
    """Normal values, or shares of so many items (which oracles know by chance)."""

    def sample(rng: np.random.Generator, oracles: int) -> Sample:
        if not items:
            found = rng.normal(size=MODELS + oracles)
            return of_values(found[oracles:], found[:oracles])
        found = rng.binomial(items, share, size=MODELS + oracles) / items
        return of_values(found[oracles:], found[:oracles], 1 / items)

    return sample


def size_tables() -> Iterator[str]:
    yield "\n## Models that are one more oracle\n"
    yield f"One model / any of {MODELS} models (Dunnett), at 5%; {TABLES:,} tables.\n"
    yield row(["distances between vectors", *(f"K = {k}" for k in ORACLES)])
    yield "|---|" + "---|" * len(ORACLES)
    for kind, dimensions, power, log in LAWS:
        name = {"normal": "normal", "t": "Student's t with 5 degrees"}[kind]
        scale = "logarithms (squared or not)" if log else "squared" if power == 2 else "as they are"
        draw = distances(vectors(kind, dimensions), power, log)
        label = f"{name}, {dimensions} dimensions, {scale}"
        yield row([label, *(sizes(draw, k) for k in ORACLES)])
    draw = distances(vectors("normal", 50), 1, True, relative=True)
    yield row(
        [
            "normal, 50 dimensions, over the oracle's norm, logarithms",
            *(sizes(draw, k) for k in ORACLES),
        ]
    )
    yield ""
    yield row(["own values", *(f"K = {k}" for k in ORACLES)])
    yield "|---|" + "---|" * len(ORACLES)
    yield row(["normal", *(sizes(values(0, 0), k) for k in ORACLES)])
    for items in (20, 100):
        for share in (0.15, 0.5):
            name = f"shares of {items} items, {share} known"
            yield row([name, *(sizes(values(items, share), k) for k in ORACLES)])


def row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


# The ladder lends its spread


def pooling_table() -> Iterator[str]:
    yield "\n## A spread pooled with that of a ladder\n"
    yield (
        f"Normal values, a ladder of {RUNGS} more shares by {SEEDS} seeds. *Spread*: the oracles'\n"
        "standard deviation over that within the other rungs. Told at 5%: with the oracles' own spread /\n"
        "always pooled / pooled by the rule (`may_pool`). *Worst*: the oracles of one of three benchmarks\n"
        "scatter so much, and that one is told.\n"
    )
    heads = [f"K = {k}, {side}" for k in (3, 5) for side in ("one side", "both sides")]
    yield row(["benchmarks, spread", "model", *heads])
    yield "|---|---|" + "---|" * len(heads)
    cases: list[tuple[str, Sequence[float]]] = []
    for spread in (1.0, 0.5, 1.5, 2.0, 3.0):
        cases += [(f"{n}, {spread:g}", [spread] * n) for n in (1, 3)]
    cases.append(("3, worst: 2.5", [2.5, 1.0, 1.0]))
    for name, spreads in cases:
        for shift in (0.0, 3.0):
            cells = [rule(spreads, shift, k, both) for k in (3, 5) for both in (False, True)]
            yield row([name, "one more oracle" if not shift else "3 SD away", *cells])


def rule(spreads: Sequence[float], shift: float, oracles: int, two_sided: bool) -> str:
    """Rates of the first benchmark."""
    rng = np.random.default_rng(7)
    hits = np.zeros(3)
    for _ in range(TABLES):
        samples, ladders = [], []
        for spread in spreads:
            found = rng.normal(size=oracles + 1) * spread
            sample = of_values(found[:1] + shift * spread, found[1:])
            samples.append(
                Sample(sample.models, sample.oracles, sample.spread, sample.by_rank, two_sided)
            )
            ladder = within_rungs(rng.normal(size=(RUNGS, SEEDS)))
            assert ladder is not None
            ladders.append(ladder)
        hits += choices(samples, ladders)
    return " / ".join(f"{one / TABLES:.3f}" for one in hits)


def choices(samples: Sequence[Sample], ladders: Sequence[Spread]) -> FloatArray:
    both = pooled(samples[0].spread, ladders[0])
    may = may_pool([one.spread for one in samples], ladders)[0]
    return np.array(
        [
            told(samples[0])[0],
            told(samples[0], both)[0],
            told(samples[0], both if may else None)[0],
        ],
        dtype=np.float64,
    )


def geometry_table() -> Iterator[str]:
    yield "\n## The same with distances\n"
    yield (
        "Vectors in 50 dimensions, logarithms of distances; three benchmarks alike. The rungs lie\n"
        "farther and farther from the oracles (1, 2, 3, 4 times *step*, in standard deviations of one\n"
        "coordinate), so that their distances scatter otherwise. Columns as above.\n"
    )
    yield row(["step", "model", "K = 3", "K = 5"])
    yield "|---|---|---|---|"
    for step in (0.0, 1.0, 4.0, 10.0):
        for away in (False, True):
            cells = [ladder_rates(step, offset(50, k) if away else 0.0, k, 50) for k in (3, 5)]
            yield row([f"{step:g}", "3 SD away" if away else "one more oracle", *cells])


@cache
def offset(dimensions: int, oracles: int) -> float:
    """How far to move a model for its mean log distance to so many oracles to rise by 3 standard deviations.

    Those between models that are one more oracle, of the mean distance to the same oracles.
    """
    rng = np.random.default_rng(1)
    own = rng.normal(size=(200, oracles, dimensions))
    models = rng.normal(size=(200, dimensions))
    means = [np.log(cdist(models, one)).mean(axis=1) for one in own]
    goal = np.mean(means) + 3 * np.sqrt(np.mean([one.var(ddof=1) for one in means]))
    low, high = 0.0, 50.0
    for _ in range(30):
        middle = (low + high) / 2
        moved = models + middle * np.eye(dimensions)[0]
        above = np.mean([np.log(cdist(moved, one)).mean() for one in own]) > goal
        low, high = (low, middle) if above else (middle, high)
    return low


def ladder_rates(step: float, shift: float, oracles: int, dimensions: int) -> str:
    rng = np.random.default_rng(8)
    hits = np.zeros(3)
    axis, other = np.eye(dimensions)[:2]
    for _ in range(TABLES // 2):
        samples, ladders = [], []
        for _ in range(3):
            own = rng.normal(size=(oracles, dimensions))
            model = rng.normal(size=(1, dimensions)) + shift * axis
            samples.append(of_distances(cdist(model, own), cdist(own, own), log=True))
            rungs = [
                np.log(
                    cdist(rng.normal(size=(SEEDS, dimensions)) + step * (at + 1) * other, own)
                ).mean(axis=1)
                for at in range(RUNGS)
            ]
            ladder = within_rungs(rungs)
            assert ladder is not None
            ladders.append(ladder)
        hits += choices(samples, ladders)
    return " / ".join(f"{one / (TABLES // 2):.3f}" for one in hits)


def main() -> None:
    print("# Is a model told from one more oracle?\n")
    print("Made by `perf/told.py`. The standard error of a rate of .05 is .003 or less.")
    for part in (size_tables, pooling_table, geometry_table):
        for line in part():
            print(line, flush=True)


if __name__ == "__main__":
    main()
