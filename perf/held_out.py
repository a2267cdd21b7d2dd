"""How often do held-out weights learn something from metrics that follow nothing? Prints Markdown.

Run as `python perf/held_out.py > perf/held_out.md`; it takes a few minutes.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from uqs.score.learned_weights import FloatArray, learn, reliabilities

TABLES = 400
METRICS = 5
BENCHMARKS = 2
"""To learn from: a third one is scored."""


def drawn(methods: int, persistence: float, rng: np.random.Generator) -> FloatArray:
    """`(B, M, K)`: the part `persistence` of the variance is the same on every benchmark."""
    own = rng.standard_normal((1, methods, METRICS))
    fresh = rng.standard_normal((BENCHMARKS, methods, METRICS))
    return np.asarray(np.sqrt(persistence) * own + np.sqrt(1 - persistence) * fresh)


def before(levels: FloatArray, distance: FloatArray) -> float:
    """The learned share as it was: methods exchanged afresh on each benchmark, expected noise taken off."""
    r = reliabilities(levels, distance).mean(axis=0)
    noise = METRICS / ((levels.shape[1] - 1) * BENCHMARKS)
    return max(0.0, 1 - noise / float((r**2).sum()))


def main() -> None:
    rng = np.random.default_rng(5)
    print(
        "# Held-out weights on tables where no metric follows the oracle\n\n"
        f"{METRICS} independent metrics, {BENCHMARKS} benchmarks to learn from, {TABLES} tables (Monte Carlo"
        f" standard error {sqrt(0.05 * 0.95 / TABLES):.3f} at .05). The learned share is what the weights owe"
        " to the data; the rest is equal weights. Before: methods were exchanged afresh on each benchmark,"
        " and only the expected noise was taken off. Last: one metric follows the distance with r = .8."
        " Written by `perf/held_out.py`.\n"
    )
    print("| methods | effect that persists | learns | learned share | before | follows |")
    print("|---:|---:|---:|---:|---:|---:|")
    for methods in (4, 8, 19):
        for persistence in (0.0, 0.5, 0.9):
            found, old, useful = [], [], []
            for table in range(TABLES):
                levels = drawn(methods, persistence, rng)
                distance = drawn(methods, persistence, rng)[:, :, 0]
                found.append(learn(levels, distance, rng).share)
                old.append(before(levels, distance))
                if table < TABLES // 4:
                    levels[:, :, 0] = 0.6 * levels[:, :, 0] - 0.8 * distance
                    useful.append(learn(levels, distance, rng).share)
            print(
                f"| {methods} | {persistence:.0%} | {np.mean(np.array(found) > 0):.3f} |"
                f" {np.mean(found):.3f} | {np.mean(old):.3f} | {np.mean(useful):.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
