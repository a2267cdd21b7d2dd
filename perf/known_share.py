"""How often does the known share hold the truth, and how often is a retrained model called ragged?

Prints Markdown. Run as `python perf/known_share.py > perf/known_share.md`; it takes about ten minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from uqs.audit.runs import Runs
from uqs.stats.common_share import common_share
from uqs.stats.response import Response, fit

FloatArray = NDArray[np.float64]
TABLES = 2000
PROFILES = 400
Curve = Callable[[FloatArray], FloatArray]
CURVES: dict[str, Curve] = {
    "linear": lambda s: s,
    "bent": lambda s: (1 - np.exp(-3 * s)) / (1 - np.exp(-3)),
}
LEVEL = 0.05


def line(*cells: object) -> None:
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def header(*cells: str) -> None:
    line(*cells)
    line(*["---"] * len(cells))


def of(values: FloatArray, starts: int | None = None) -> Runs:
    """Runs of one method, from independent originals unless said."""
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return Runs(float(values.mean()), len(values), starts or len(values), spread)


def ladder(rungs: int, runs: int) -> FloatArray:
    return np.repeat(np.linspace(0, 1, rungs), runs)


class Tally:
    """Coverage and width over simulated tables; a value off the ladder holds no truth."""

    def __init__(self) -> None:
        self.held: list[bool] = []
        self.width: list[float] = []

    def add(self, response: Response, truth: float, runs: Runs) -> None:
        found = runs.share(response)
        if found.low is None or found.high is None:
            self.held.append(False)
            return
        self.held.append(found.low <= truth <= found.high)
        self.width.append(found.high - found.low)

    def coverage(self) -> str:
        return f"{np.mean(self.held):.3f}"

    def cell(self) -> str:
        return f"{self.coverage()} ({np.mean(self.width):.2f})"


def coverage(rng: np.random.Generator) -> None:
    print(
        "\n## Coverage of the 95% interval\n\nA share between 0 and 1 is drawn, and a model of S runs with "
        "that share; equal normal noise. In brackets the mean width. The curve `bent` has a slope at share 0 "
        "that is 20 times that at share 1; a straight line between three rungs misses it by up to 15% of the "
        "span. Span: the distance of the ends in standard deviations between "
        "models.\n"
    )
    keys = list(product(CURVES, (2, 5, 20)))
    header("rungs", "R", "S", *(f"{curve}, span {span}" for curve, span in keys))
    for rungs, runs in product((3, 5), (2, 3, 6, 10)):
        tallies = {(key, s): Tally() for key in keys for s in (1, 3)}
        shares = ladder(rungs, runs)
        for key in keys:
            curve, span = CURVES[key[0]], key[1]
            for _ in range(TABLES):
                response = fit(shares, span * curve(shares) + rng.normal(size=shares.size))
                assert response is not None
                truth = rng.uniform()
                for s in (1, 3):
                    values = span * curve(np.array(truth)) + rng.normal(size=s)
                    tallies[key, s].add(response, truth, of(values))
        for s in (1, 3):
            line(rungs, runs, s, *(tallies[key, s].cell() for key in keys))


def other_noise(rng: np.random.Generator) -> None:
    print(
        "\n## Other noise\n\nFive rungs of R models, linear curve of 20 standard deviations, one run unless "
        "said; coverage at three shares.\n\n"
        "- unequal, growing: the standard deviation grows from 1 at share 0 to 3 at share 1.\n"
        "- unequal, binomial: it is as sqrt(s (1 - s)), as of shares of right answers, but at least a fifth "
        "of its largest.\n"
        "- one sd: the pooled standard deviation for every rung, also where its own is larger.\n"
        "- seeds: half of the variance belongs to the seed and moves all rungs alike.\n"
        "- ladder of one start: all models of the ladder have the same first weights and the judged model "
        "has others, which adds as much variance as the ladder shows.\n"
        "- one original: three runs from one original, whose noise they share, taken as one start, or as "
        "three independent models.\n"
        "- scattered: a method's runs have three times the ladder's standard deviation; their spread is "
        "unknown, or their own is used, or the one pooled over eight such methods where it is larger.\n"
    )
    header("noise", "R", "share 0", "share .5", "share 1")
    for runs in (3, 6):
        for name, case in CASES.items():
            cells = []
            for truth in (0.0, 0.5, 1.0):
                tally = Tally()
                for _ in range(TABLES):
                    tally.add(*case.draw(rng, runs, truth))
                cells.append(tally.coverage())
            line(name, runs, *cells)


@dataclass(frozen=True)
class Case:
    """How the noise of ladder and judged model is drawn, and what is known of it."""

    sd: Callable[[FloatArray], FloatArray] = np.ones_like
    seed: float = 0.0
    start: float = 0.0
    original: bool = False
    scatter: float = 1.0
    count: int = 1
    starts: int | None = None
    spread: Literal["unknown", "own", "pooled"] = "own"
    one_sd: bool = False

    def draw(
        self, rng: np.random.Generator, runs: int, truth: float
    ) -> tuple[Response, float, Runs]:
        shares = ladder(5, runs)
        noise = sqrt(1 - self.seed) * rng.normal(size=shares.size)
        noise += sqrt(self.seed) * np.tile(rng.normal(size=runs), 5)
        response = fit(shares, 20 * shares + self.sd(shares) * noise)
        assert response is not None
        if self.one_sd:
            response = replace(response, spreads=(response.sd,) * 5)
        own = self.scatter * rng.normal(size=self.count)
        if self.original:
            own = np.full(self.count, rng.normal())
        own = own + self.start * rng.normal()
        values = 20 * truth + float(self.sd(np.array(truth))) * own
        found = of(values, self.starts)
        if self.spread == "unknown":
            return response, truth, replace(found, spread=0.0)
        if self.spread == "pooled":
            others = self.scatter * rng.normal(size=(7, 3))
            pooled = sqrt((found.spread**2 + float(others.var(axis=1, ddof=1).sum())) / 8)
            return response, truth, replace(found, spread=max(found.spread, pooled))
        return response, truth, found


def growing(s: FloatArray) -> FloatArray:
    return 1 + 2 * s


def binomial(s: FloatArray) -> FloatArray:
    return np.maximum(2 * np.sqrt(s * (1 - s)), 0.2)


CASES = {
    "equal": Case(),
    "equal, one sd": Case(one_sd=True),
    "unequal, growing": Case(growing),
    "unequal, growing, one sd": Case(growing, one_sd=True),
    "unequal, binomial": Case(binomial),
    "unequal, binomial, one sd": Case(binomial, one_sd=True),
    "seeds": Case(seed=0.5),
    "ladder of one start": Case(start=1.0),
    "one original, S = 3, as one": Case(original=True, count=3, starts=1),
    "one original, S = 3, as three": Case(original=True, count=3),
    "scattered, S = 1, unknown": Case(scatter=3.0),
    "scattered, S = 3, unknown": Case(scatter=3.0, count=3, spread="unknown"),
    "scattered, S = 3, own": Case(scatter=3.0, count=3),
    "scattered, S = 3, pooled": Case(scatter=3.0, count=3, spread="pooled"),
}


class Design:
    """A benchmark: metrics with curves and spans of their own, whose residuals are correlated."""

    def __init__(
        self,
        rng: np.random.Generator,
        metrics: int,
        correlation: float,
        *,
        uneven: bool = False,
        seeded: bool = False,
    ) -> None:
        self.bend = rng.uniform(0.01, 3, size=metrics)
        self.span = np.exp(rng.uniform(np.log(5), np.log(50), size=metrics))
        self.correlation, self.uneven, self.seeded = correlation, uneven, seeded

    def values(
        self, rng: np.random.Generator, shares: FloatArray, seeds: NDArray[np.intp]
    ) -> FloatArray:
        """`(n, m)` values of models with these shares `(n,)`, or `(n, m)`, and seeds `(n,)`."""
        s = np.broadcast_to(
            shares if shares.ndim == 2 else shares[:, None], (len(shares), len(self.span))
        )
        curve = (1 - np.exp(-self.bend * s)) / (1 - np.exp(-self.bend))
        noise = self._noise(rng, s.shape)
        if self.seeded:
            noise = sqrt(0.5) * (
                noise + self._noise(rng, (int(seeds.max()) + 1, s.shape[1]))[seeds]
            )
        return np.asarray(self.span * curve + noise * (1 + 2 * s if self.uneven else 1))

    def _noise(self, rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        common = sqrt(self.correlation) * rng.normal(size=(shape[0], 1))
        return np.asarray(common + sqrt(1 - self.correlation) * rng.normal(size=shape))


def misfit(responses: Sequence[Response | None], values: FloatArray) -> float:
    """The p value of one model `(m,)`."""
    curves = []
    for response, value in zip(responses, values, strict=True):
        assert response is not None
        curves.append((response.shares, Runs(float(value)).offsets(response), response.freedom))
    found = common_share(curves)
    assert found is not None
    return found.p


def benchmark(
    rng: np.random.Generator, design: Design, runs: int, judged: FloatArray
) -> tuple[list[float], list[float]]:
    """p of the left-out models of a ladder, and of judged models with shares `(n,)` or `(n, m)`."""
    shares, seeds = ladder(5, runs), np.tile(np.arange(runs), 5)
    values = design.values(rng, shares, seeds)
    left = []
    for seed in range(runs):
        kept = seeds != seed
        without = [fit(shares[kept], column) for column in values[kept].T]
        left += [misfit(without, row) for row in values[~kept]]
    full = [fit(shares, column) for column in values.T]
    return left, [misfit(full, row) for row in design.values(rng, judged, np.arange(len(judged)))]


def compared(p: float, references: Sequence[float]) -> bool:
    return (1 + sum(one <= p for one in references)) / (1 + len(references)) <= LEVEL


def flatness(rng: np.random.Generator) -> None:
    print(
        f"\n## Retrained models called ragged at 5%\n\nOf {PROFILES} tables. Five rungs of R models; metrics "
        "with curves and spans (5 to 50 standard deviations) of their own; three new models for each of "
        "three benchmarks, whose metrics all have one share. Normal: by t and Bonferroni. Own: compared with "
        "the left-out models of the benchmark. All: with those of three benchmarks. Left out: the left-out "
        "models among themselves. A dash: too few models for p to reach 5%. Different: benchmarks of 4, 10 "
        "and 16 metrics with correlations of 0, .5 and .8.\n"
    )
    header(
        "metrics",
        "correlation",
        "noise",
        "R",
        "normal",
        "own",
        "all",
        "left out: own",
        "left out: all",
    )
    cases: list[tuple[list[int], list[float], str, int]] = [
        ([10] * 3, [correlation] * 3, noise, runs)
        for correlation, noise, runs in (
            (0.5, "equal", 3),
            (0.5, "equal", 4),
            (0.5, "equal", 6),
            (0.0, "equal", 4),
            (0.8, "equal", 4),
            (0.5, "growing", 4),
            (0.5, "seeds", 4),
        )
    ]
    cases.append(([4, 10, 16], [0.0, 0.5, 0.8], "equal", 4))
    for sizes, correlations, noise, runs in cases:
        kinds = len(set(sizes))
        normal, own, every, left_own, left_every = ([[0, 0] for _ in range(3)] for _ in range(5))
        for _ in range(PROFILES):
            tables = []
            for size, correlation in zip(sizes, correlations, strict=True):
                design = Design(
                    rng, size, correlation, uneven=noise == "growing", seeded=noise == "seeds"
                )
                tables.append(benchmark(rng, design, runs, rng.uniform(size=3)))
            pool = [p for left, _ in tables for p in left]
            for at, (left, new) in enumerate(tables):
                for p in new:
                    _count(normal[at], p <= LEVEL)
                    _count(own[at], compared(p, left))
                    _count(every[at], compared(p, pool))
                for p in left:
                    rest, others = list(left), list(pool)
                    rest.remove(p)
                    others.remove(p)
                    _count(left_own[at], compared(p, rest))
                    _count(left_every[at], compared(p, others))
        enough = 5 * runs + 1 >= 1 / LEVEL
        groups = [[0], [1], [2]] if kinds > 1 else [[0, 1, 2]]
        for group in groups:
            line(
                sizes[group[0]],
                correlations[group[0]],
                noise,
                f"{runs}{', different' if kinds > 1 else ''}",
                _rate(normal, group),
                _rate(own, group) if enough else "-",
                _rate(every, group),
                _rate(left_own, group) if 5 * runs >= 1 / LEVEL else "-",
                _rate(left_every, group),
            )


def _count(tally: list[int], hit: bool) -> None:
    tally[0] += hit
    tally[1] += 1


def _rate(tallies: Sequence[Sequence[int]], group: Sequence[int]) -> str:
    return f"{sum(tallies[at][0] for at in group) / sum(tallies[at][1] for at in group):.3f}"


def power(rng: np.random.Generator) -> None:
    print(
        "\n## Unlearned models called ragged\n\nTen metrics, correlation .5, four models a rung; half of the "
        "metrics see the share .5 - d / 2, the others .5 + d / 2.\n"
    )
    header("d", "normal", "own")
    for d in (0.1, 0.2, 0.3, 0.5):
        shares = np.tile(np.repeat([0.5 - d / 2, 0.5 + d / 2], 5), (3, 1))
        normal, own = [0, 0], [0, 0]
        for _ in range(PROFILES // 2):
            left, new = benchmark(rng, Design(rng, 10, 0.5), 4, shares)
            for p in new:
                _count(normal, p <= LEVEL)
                _count(own, compared(p, left))
        line(d, _rate([normal], [0]), _rate([own], [0]))


def main() -> None:
    print(
        "# The known share: coverage, and raggedness\n\n"
        f"{TABLES:,} tables a cell (Monte Carlo standard error of a share of .95: "
        f"{sqrt(0.05 * 0.95 / TABLES):.3f}). Written by `perf/known_share.py`."
    )
    for at, part in enumerate((coverage, other_noise, flatness, power)):
        part(np.random.default_rng((13, at)))


if __name__ == "__main__":
    main()
