"""How fast is the score? Prints Markdown: `python perf/score.py > perf/score.md`.

Everything runs on one thread. Each figure is the median of five runs in this one process and includes 10,000
weight vectors for each of five stability measures, the rank sets, and the validation.
"""

from __future__ import annotations

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
)

import platform
import statistics
import time

import numpy as np
import pandas as pd

from uqs.score import figures, score
from uqs.tables import from_dataframe

SIZES = ((3, 36, 3), (10, 100, 3))


def made(benchmarks: int, methods: int, seeds: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    keys = pd.MultiIndex.from_product(
        [
            [f"b{b}" for b in range(benchmarks)],
            [f"m{m}" for m in range(methods)],
            range(seeds),
        ],
        names=["benchmark", "method", "seed"],
    )
    names = ["FA", "RA", "MIA", "AD", "JS", "oracle_distance"]
    return pd.DataFrame(rng.random((len(keys), 6)), index=keys, columns=names).reset_index()


def seconds(frame: pd.DataFrame) -> float:
    panel = from_dataframe(frame)
    found = []
    for _ in range(5):
        start = time.perf_counter()
        score(panel, "held-out", draws=10_000)
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def main() -> None:
    print("# Time of one score\n")
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, one thread.\n")
    print("| table | rows | methods | seconds |\n|---|---|---|---|")
    tables = [("the published one", figures.multimodal())]
    tables += [("random values", made(*size)) for size in SIZES]
    for name, frame in tables:
        print(f"| {name} | {len(frame)} | {frame['method'].nunique()} | {seconds(frame):.2f} |")


if __name__ == "__main__":
    main()
