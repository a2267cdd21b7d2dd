"""A results file of 10,000 made-up runs of 12 metrics: `python perf/board_results.py OUT.parquet`.

40 methods on 5 benchmarks with 50 seeds, two oracles and one original; the values are drawn, no model was
trained.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np

from uqs import results
from uqs.metrics.catalogue import CARDS
from uqs.results import Row

METRICS = (
    "FA",
    "RA",
    "MIA",
    "AD",
    "JS",
    "oracle_distance",
    "functional_distance",
    "MIA_AUC",
    "KR",
    "KR_IMP",
    "ROUGE",
    "EM",
)
BENCHMARKS, METHODS, SEEDS = 5, 40, 50


def rows(rng: np.random.Generator) -> Iterator[Row]:
    for benchmark in range(BENCHMARKS):
        for method, seed in product(range(METHODS), range(SEEDS)):
            yield from _row(rng, benchmark, "unlearned", f"m{method:02}", seed, method / METHODS)
        for seed in (0, 1):
            yield from _row(rng, benchmark, "oracle", "retrain", seed, 0.1)
        yield from _row(rng, benchmark, "original", "original", 0, 0.9)


def _row(
    rng: np.random.Generator, benchmark: int, role: str, method: str, seed: int, level: float
) -> Iterator[Row]:
    for metric in METRICS:
        compares = "oracle" in CARDS[metric].needs
        if compares and role == "oracle" and seed == 0:
            continue
        yield Row(
            study="speed",
            benchmark=f"b{benchmark}",
            edition="made_up",
            model="none",
            role=role,
            method=method,
            strength="",
            hyperparameters="{}",
            seed=seed,
            oracle_seed=0 if compares else None,
            split=CARDS[metric].split,
            metric=metric,
            value=float((level + rng.random()) / 2),
            se=0.02,
            n=100,
            status="ok",
            config_hash="0",
            data_hash="0",
            version="0",
            device="cpu",
            seconds=0.0,
        )


if __name__ == "__main__":
    results.write(rows(np.random.default_rng(0)), Path(sys.argv[1]))
