"""Do the rank sets of the score hold, and how many pairs of methods do they tell apart? Prints Markdown.

They are compared with those that the score had before (`perf/unpaired.py`): each method's variance over
seeds plus its own item variance, unpaired. Run as `python perf/paired.py > perf/paired.md`; it takes
about ten minutes on one core.
"""

from __future__ import annotations

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
)

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from unpaired import rank_sets

from uqs.stats.paired import RunNoise, paired_sets
from uqs.stats.resolution import mean_squares

FloatArray = NDArray[np.float64]
TABLES = 400
DRAWS = 1000
METHODS = 8
BENCHMARKS = 3


@dataclass(frozen=True)
class World:
    """Standard deviations of a score.

    `method`: between methods, the same on all benchmarks. `entity`: of entities, moving all methods alike.
    `own`, `seed`, `oracle`: of methods on entities, with seeds, with oracles. `common`: of seeds and oracles
    that move all methods alike.
    """

    method: float = 0.0
    entity: float = 0.30
    own: float = 0.10
    seed: float = 0.01
    oracle: float = 0.0
    residual: float = 0.005
    common: float = 0.05
    seeds: int = 3
    oracles: int = 1
    entities: int = 20
    paired: bool = True
    """Whether all methods answer the same entities."""


@dataclass(frozen=True)
class Table:
    """`runs` `(B, M, S, K)`; `items` `(B, M, E)` of entity means; the truth `(M,)` on `these` questions and
    on `other` ones; with one seed, of these models."""

    runs: FloatArray
    items: FloatArray
    these: FloatArray
    other: FloatArray


def drawn(world: World, rng: np.random.Generator) -> Table:
    methods = world.method * rng.standard_normal(METHODS)
    shape = (BENCHMARKS, METHODS, world.entities)
    shared = world.entity * rng.standard_normal((BENCHMARKS, 1, world.entities))
    if not world.paired:
        shared = world.entity * rng.standard_normal(shape)
    items = methods[:, None] + shared + world.own * rng.standard_normal(shape)
    runs = items.mean(axis=2)[:, :, None, None]
    seeds, oracles = world.seeds, world.oracles
    common = (BENCHMARKS, 1, seeds, 1), (BENCHMARKS, 1, 1, oracles)
    runs = runs + sum(world.common * rng.standard_normal(one) for one in common)
    runs = runs + world.seed * rng.standard_normal((BENCHMARKS, METHODS, seeds, 1))
    runs = runs + world.oracle * rng.standard_normal((BENCHMARKS, METHODS, 1, oracles))
    runs = runs + world.residual * rng.standard_normal((BENCHMARKS, METHODS, seeds, oracles))
    these = items.mean(axis=(0, 2))
    models = runs.mean(axis=(0, 2, 3)) - these
    return Table(runs, items, these, methods + models if seeds * oracles < 2 else methods)


def paired(table: Table, questions: str, rng: np.random.Generator) -> NDArray[np.bool_]:
    variances, freedom = [], []
    for runs in table.runs:
        seeds, oracles = runs.shape[1:]
        if seeds * oracles < 2:
            unknown = np.inf if questions == "these" else 0.0
            variances.append(np.full(len(runs), unknown))
            freedom.append(1.0)
            continue
        found = mean_squares(runs)
        variances.append(np.maximum(found.own, found.error) / (seeds * oracles))
        freedom.append(found.freedom)
    size = table.items.shape[2]
    groups = [
        (one - one.mean(axis=1, keepdims=True)) / size / BENCHMARKS
        for one in (table.items if questions == "other" else ())
    ]
    noise = RunNoise(np.stack(variances, axis=1) / BENCHMARKS**2, np.array(freedom))
    return paired_sets(table.runs.mean(axis=(0, 2, 3)), groups, noise, rng, draws=DRAWS).above


def before(table: Table, questions: str, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Oracles averaged; seeds by a method's own variance or the pooled one; items unpaired and known."""
    runs = table.runs.mean(axis=3)
    seeds, size = runs.shape[2], table.items.shape[2]
    if seeds > 1:
        own = runs.var(axis=2, ddof=1)
        pooled = own.mean(axis=1, keepdims=True)
        variance = (np.maximum(own, pooled) / seeds).T
        freedom = np.where(own > pooled, seeds - 1, METHODS * (seeds - 1)).T.astype(float)
    else:
        variance, freedom = np.full((METHODS, BENCHMARKS), np.inf), np.ones((METHODS, BENCHMARKS))
    items = (table.items.var(axis=2, ddof=1) / size).T
    if questions == "these":
        items = np.zeros_like(items)
    cells = np.hstack([variance, items]) / BENCHMARKS**2
    known = np.hstack([freedom, np.full(items.shape, np.inf)])
    return rank_sets(runs.mean(axis=(0, 2)), cells, known, rng, draws=DRAWS).above


Sets = Callable[[Table, str, np.random.Generator], NDArray[np.bool_]]


def covered(world: World, questions: str, sets: Sets, rng: np.random.Generator) -> float:
    """Share of tables in which no pair is told apart the wrong way round, or without a difference."""
    held = 0
    for _ in range(TABLES):
        table = drawn(world, rng)
        truth = table.these if questions == "these" else table.other
        if (
            questions == "these" or world.seeds * world.oracles < 2
        ):  # equal methods on these very questions
            table = replace(table, runs=table.runs - truth[None, :, None, None])
            truth = np.zeros(METHODS)
        above = sets(table, questions, rng)
        held += not bool((above & (truth[:, None] <= truth)).any())
    return held / TABLES


def separated(world: World, questions: str, sets: Sets, rng: np.random.Generator) -> float:
    """Mean share of pairs told apart."""
    pairs = METHODS * (METHODS - 1) / 2
    tables = max(TABLES // 4, 1)
    return float(
        np.mean([sets(drawn(world, rng), questions, rng).sum() / pairs for _ in range(tables)])
    )


def line(*cells: object) -> None:
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def rows(title: str, worlds: dict[str, World], questions: str, spread: float) -> None:
    print(f"\n## {title}\n")
    line("design", "covered", "covered before", "pairs", "pairs before")
    line("---", *["---:"] * 4)
    for name, world in worlds.items():
        rng = np.random.default_rng(13)
        apart = replace(world, method=spread)
        line(
            name,
            f"{covered(world, questions, paired, rng):.3f}",
            f"{covered(world, questions, before, rng):.3f}",
            f"{separated(apart, questions, paired, rng):.2f}",
            f"{separated(apart, questions, before, rng):.2f}",
        )


def seconds() -> float:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((60, 300)) / 300
    groups = [values - values.mean(axis=1, keepdims=True)] * 6
    runs = RunNoise(np.full((60, 3), 1e-4), np.full(3, 100.0))
    start = time.perf_counter()
    paired_sets(values.sum(axis=1), groups, runs, rng)
    return time.perf_counter() - start


def main() -> None:
    error = sqrt(0.05 * 0.95 / TABLES)
    print(
        "# Rank sets of the score: paired, and as they were before\n\n"
        f"{METHODS} methods on {BENCHMARKS} benchmarks, {TABLES} tables of equal methods for coverage (Monte"
        f" Carlo standard error {error:.3f} at .95), a quarter as many of methods that differ for the share"
        " of pairs told apart. Entities move all methods alike with an SD of .30 and each by itself with .10;"
        " seeds and oracles move all methods alike by .05. Method x seed has an SD of .01 and the residual"
        " .005, unless the design says otherwise. Written by `perf/paired.py`.",
    )
    world = World()
    rows(
        "Other questions: items shared by all methods, or not",
        {
            "shared items": world,
            "items of each method alone": replace(world, paired=False),
            "shared items, 1 seed": replace(world, seeds=1),
        },
        "other",
        0.05,
    )
    rows(
        "Other questions: few entities",
        {f"{size} entities": replace(world, entities=size) for size in (3, 5, 10, 20, 60)},
        "other",
        0.10,
    )
    rows(
        "These questions: seeds",
        {f"{seeds} seeds": replace(world, seeds=seeds) for seeds in (1, 2, 3, 10)},
        "these",
        0.05,
    )
    rows(
        "These questions: oracles shared by all methods, method x oracle as large as method x seed",
        {
            f"{seeds} seeds, {oracles} oracles": replace(
                world, oracle=0.01, oracles=oracles, seeds=seeds
            )
            for seeds in (3, 10)
            for oracles in (1, 2, 3, 5, 20)
        }
        | {
            f"{seeds} seeds, 1 oracle, nothing moves all alike": replace(
                world, oracle=0.01, seeds=seeds, common=0.0
            )
            for seeds in (3, 10)
        },
        "these",
        0.05,
    )
    print(
        "\nWith one oracle nothing in a table shows how methods differ with it; the score says that another"
        " oracle may order them otherwise. Such tables were covered before only where seeds moved all methods"
        " alike, because that was taken for noise.\n\n"
        f"60 methods, 6 groups of 300 entities: {seconds():.1f} s on one"
        " thread."
    )


if __name__ == "__main__":
    main()
