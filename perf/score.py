"""How fast is the score? Prints Markdown: `python perf/score.py > perf/score.md`.

Everything runs on one thread. Each figure is the median of five runs in this one process and includes 10,000
weight vectors for each of five stability measures, the rank sets, and the validation. The last line is with
per-sample values (`questions="other"`), which are in memory already.
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

from uqs.results.tables import from_dataframe
from uqs.score import figures, score

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


def sampled() -> tuple[pd.DataFrame, pd.DataFrame]:
    """60 methods, 3 benchmarks, 3 seeds, and the values of 300 questions on 30 entities for FA, RA and JS."""
    rng = np.random.default_rng(1)
    table = made(3, 60, 3)
    held = []
    for metric, split in (("FA", "forget"), ("RA", "retain"), ("JS", "forget")):
        keys = table[["benchmark", "method", "seed"]]
        part = keys.loc[keys.index.repeat(300)].reset_index(drop=True)
        entity = np.tile([f"e{i // 10}" for i in range(300)], len(keys))
        held.append(
            part.assign(metric=metric, split=split, entity=entity, value=rng.random(len(part)))
        )
    frame = pd.concat(held, ignore_index=True)
    frame = frame.assign(role="unlearned", edition="", model="", strength="", oracle_seed=None)
    return table[["benchmark", "method", "seed", "FA", "RA", "JS"]], frame


def seconds_with_items() -> float:
    table, frame = sampled()
    panel = from_dataframe(table)
    found = []
    for _ in range(3):
        start = time.perf_counter()
        score(panel, questions="other", items=frame, draws=10_000)
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
    print(f"| random values, 486,000 items | 540 | 60 | {seconds_with_items():.2f} |")


if __name__ == "__main__":
    main()
