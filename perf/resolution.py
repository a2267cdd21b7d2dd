"""How often are methods that do not differ told apart? Prints Markdown.

Tables of methods x seeds x oracles in which no method differs from another: every pair told apart is false.
Run as `python perf/resolution.py > perf/resolution.md`; it takes a few minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from math import sqrt

import numpy as np

from uqs.stats.resolution import FloatArray, MeanSquares, mean_squares
from uqs.stats.studentised import studentised_range

TABLES = 2000
LEVEL = 0.95
EFFECTS = ((0.0, 0.0), (3.0, 0.0), (0.0, 3.0), (3.0, 3.0), (1.0, 1.0))
"""Standard deviations of method x seed and of method x oracle, that of the residual being 1."""
Draw = Callable[[np.random.Generator], FloatArray]


@cache
def grid(methods: int) -> tuple[FloatArray, FloatArray]:
    """1 / degrees of freedom, and the logarithm of the studentised range there."""
    nodes = np.linspace(0, 1, 201)
    freedom = [np.inf if node == 0 else 1 / node for node in nodes]
    return nodes, np.log([studentised_range(LEVEL, methods, one) for one in freedom])


def critical(methods: int, freedom: float) -> float:
    return float(np.exp(np.interp(1 / freedom, *grid(methods))))


def step(values: FloatArray) -> float:
    gaps = np.diff(np.sort(values, axis=None))
    return float(gaps[gaps > 1e-9].min(initial=np.inf))


def told(values: FloatArray, *, pooled: bool = False) -> bool:
    """Whether any pair is told apart: as `resolve` does, or by the pooled error alone."""
    methods, seeds, oracles = values.shape
    found: MeanSquares = mean_squares(values)
    rounding = step(values) ** 2 / 4
    if np.isinf(rounding):
        return False
    error = max(found.error, rounding)
    own = np.full(methods, error) if pooled else np.maximum(found.own, error)
    means = values.mean(axis=(1, 2))
    needed = critical(methods, found.freedom) * np.sqrt(
        (own[:, None] + own) / 2 / (seeds * oracles)
    )
    return bool((means[:, None] - means > needed).any())


def crossed(
    shape: tuple[int, int, int], by_seed: float, by_oracle: float, uneven: float = 0
) -> Draw:
    """Normal tables; `uneven` is the standard deviation of the logarithm of the methods' variances."""
    methods, seeds, oracles = shape

    def draw(rng: np.random.Generator) -> FloatArray:
        scale = np.exp(uneven * rng.normal(size=(methods, 1, 1)) / 2)
        own = by_seed * rng.normal(size=(methods, seeds, 1))
        own = own + by_oracle * rng.normal(size=(methods, 1, oracles))
        own = own + rng.normal(size=shape)
        shared = 10 * rng.normal(size=(1, seeds, 1)) + 10 * rng.normal(size=(1, 1, oracles))
        return np.asarray(shared + scale * own)

    return draw


def shares(methods: int, seeds: int, items: int, share: float) -> Draw:
    """Shares of right answers of so many items, binomial in every run."""
    return lambda rng: rng.binomial(items, share, size=(methods, seeds, 1)) / items


def rate(draw: Draw, test: Callable[[FloatArray], bool], rng: np.random.Generator) -> str:
    return f"{sum(test(draw(rng)) for _ in range(TABLES)) / TABLES:.3f}"


def pooled(values: FloatArray) -> bool:
    return told(values, pooled=True)


def averaged(values: FloatArray) -> bool:
    """Oracles averaged away first: seeds alone are repeats."""
    return told(values.mean(axis=2, keepdims=True))


def line(*cells: object) -> None:
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def main() -> None:
    rng = np.random.default_rng(30)
    print(
        "# Methods that do not differ, told apart at 5%\n\n"
        f"Share of {TABLES:,} tables in which any pair of equal methods is told apart; Monte Carlo standard "
        f"error of a share of .05: {sqrt(0.05 * 0.95 / TABLES):.3f}. Seeds and oracles move all methods "
        "alike by 10 standard deviations of the residual. Written by `perf/resolution.py`.\n\n"
        "## Interactions of methods with seeds (MS) and oracles (MO), in residual standard deviations\n"
    )
    names = [f"MS {a:g}, MO {b:g}" for a, b in EFFECTS]
    line("methods x seeds x oracles", *names)
    line(*["---"] * (1 + len(EFFECTS)))
    for shape in product((4, 19), (2, 3, 10), (2, 3, 5)):
        cells = [rate(crossed(shape, *effect), told, rng) for effect in EFFECTS]
        line(" x ".join(map(str, shape)), *cells)
    print(
        "\n## One axis of repeats, with interactions of that axis alone\n\nThe design is that of metrics "
        "without an oracle, or of one run per method.\n"
    )
    line("methods x seeds", "told apart")
    line("---", "---")
    for methods, seeds in product((4, 19), (2, 3, 5, 10)):
        line(f"{methods} x {seeds}", rate(crossed((methods, seeds, 1), 0, 0), told, rng))
    print(
        "\n## Other ways, on the same kind of tables\n\nPooled: the error of all methods for every pair. "
        "Averaged: the oracles' mean is taken first, and only seeds are repeats.\n"
    )
    line("methods x seeds x oracles", "MS, MO", "as built", "pooled", "averaged")
    line(*["---"] * 5)
    for shape, effect in (
        ((4, 10, 2), (3, 3)),
        ((4, 3, 3), (3, 3)),
        ((19, 10, 2), (3, 3)),
        ((19, 2, 2), (3, 3)),
        ((19, 3, 2), (0, 3)),
    ):
        draw = crossed(shape, *effect)
        cells = [rate(draw, test, rng) for test in (told, pooled, averaged)]
        line(" x ".join(map(str, shape)), f"{effect[0]}, {effect[1]}", *cells)
    print(
        "\n## Methods of unequal scatter\n\nThe logarithm of the methods' error variances has a standard "
        "deviation of 1, or 2. Pooled: the error of all methods for every pair.\n"
    )
    line("methods x seeds x oracles", "as built, 1", "pooled, 1", "as built, 2", "pooled, 2")
    line(*["---"] * 5)
    for shape in (
        (4, 2, 2),
        (4, 3, 1),
        (19, 2, 1),
        (19, 2, 2),
        (19, 3, 3),
        (19, 5, 1),
        (19, 10, 1),
    ):
        effects = (1.0 if shape[1] > 1 else 0.0, 1.0 if shape[2] > 1 else 0.0)
        cells = [
            rate(crossed(shape, *effects, uneven), test, rng)
            for uneven in (1, 2)
            for test in (told, pooled)
        ]
        line(" x ".join(map(str, shape)), *cells)
    print(
        "\n## Shares of 20 items, where equal values are common\n\nBinomial in every run, with the share of "
        "the column.\n"
    )
    line("methods x seeds", ".5", ".1", ".02")
    line(*["---"] * 4)
    for methods, seeds in product((4, 19), (2, 3, 10)):
        cells = [rate(shares(methods, seeds, 20, share), told, rng) for share in (0.5, 0.1, 0.02)]
        line(f"{methods} x {seeds}", *cells)


if __name__ == "__main__":
    main()
