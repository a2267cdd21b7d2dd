"""How fast is the audit? Prints Markdown; `make` is not involved: `python perf/audit.py > perf/audit.md`.

Everything runs on one thread. Each figure is the median of several runs in this one process; the growth
figures are single runs, each in a process of its own, whose peak memory is read.
"""

from __future__ import annotations

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
)

import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.resources import files
from itertools import combinations, product

import numpy as np
import pandas as pd
import scipy
from scipy.stats import kendalltau, spearmanr

METRICS = ("FA", "RA", "MIA", "AD", "JS")
RESAMPLES = 10_000
GROWTH = (
    (3, 4, 3, 6),
    (3, 12, 3, 6),
    (10, 30, 5, 20),
    (20, 100, 5, 20),
    (100, 200, 5, 20),
    (4, 5000, 5, 20),
)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median(work: Callable[[], object], runs: int = 5) -> float:
    return statistics.median(timed(work) for _ in range(runs))


def published() -> pd.DataFrame:
    return pd.read_csv(str(files("uqs.reproduction") / "multimodal_llava15_7b.csv"))


def made(benchmarks: int, methods: int, seeds: int, metrics: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    keys = pd.MultiIndex.from_tuples(
        [
            (f"b{b:03}", f"m{m:04}", s)
            for b, m, s in product(range(benchmarks), range(methods), range(seeds))
        ],
        names=["benchmark", "method", "seed"],
    )
    names = [f"x{k:02}" for k in range(metrics - 1)] + ["oracle_distance"]
    common = rng.normal(size=(len(keys), 1))
    values = np.exp(common + 2 * rng.normal(size=(len(keys), metrics)))  # distances are above 0
    return pd.DataFrame(np.round(values, 3), columns=names, index=keys).reset_index()


def scipy_loop(frame: pd.DataFrame, resamples: int) -> float:
    """Seconds for the same permutation tests, one SciPy call per coefficient."""
    rng = np.random.default_rng(0)
    frame = frame.sort_values(["benchmark", "method", "seed"])
    groups = [group for _, group in frame.groupby("benchmark")]
    columns = [*METRICS, "oracle_distance"]
    tables = [{name: group[name].to_numpy() for name in columns} for group in groups]

    def moved() -> list[dict[str, np.ndarray]]:
        order = (rng.permutation(4)[:, None] * 3 + np.arange(3)).ravel()
        return [{name: values[order] for name, values in table.items()} for table in tables]

    def once() -> None:
        drawn = moved()
        for a, b in combinations(METRICS, 2):
            for table, other in zip(tables, drawn, strict=True):
                if np.ptp(table[a]) and np.ptp(table[b]):
                    kendalltau(table[a], other[b])
        pooled = np.concatenate([other["oracle_distance"] for other in drawn])
        for metric in METRICS:
            for table, other in zip(tables, drawn, strict=True):
                if np.ptp(table[metric]):
                    spearmanr(table[metric], other["oracle_distance"])
            spearmanr(np.concatenate([table[metric] for table in tables]), pooled)

    return timed(lambda: [once() for _ in range(resamples)])


def sampled(frame: pd.DataFrame, resamples: int) -> None:
    """The same tests by `uqs`, drawn rather than enumerated, so that the number of resamples is equal."""
    from uqs.audit import inference
    from uqs.audit.direction import aligned
    from uqs.audit.groups import Pair, group_pairs
    from uqs.audit.inference import Kind, permutation_tests
    from uqs.results.tables import from_dataframe

    panel = from_dataframe(frame)
    scores = {name: aligned(panel, name).values for name in panel.metrics}
    limit, inference.LIMIT = inference.LIMIT, 0
    rng = np.random.default_rng(0)
    agreements = [Pair(a, b) for a, b in combinations(METRICS, 2)]
    reliabilities = [Pair(metric, "oracle_distance") for metric in METRICS]
    for kind, pairs in (
        (Kind.TAU, agreements),
        (Kind.RHO, reliabilities),
        (Kind.POOLED_RHO, reliabilities),
    ):
        for group in group_pairs(panel, scores, scores, pairs):
            tests = permutation_tests(group, kind, resamples, rng)
            assert all(test.arrangements == resamples + 1 for test in tests.values())
    inference.LIMIT = limit


def grown(shape: tuple[int, int, int, int]) -> str:
    """One row of the growth table, measured in this process."""
    from uqs.audit import audit

    frame = made(*shape)
    directions = {name: "lower" for name in frame.columns if name.startswith("x")}
    found = None

    def work() -> None:
        nonlocal found
        found = audit(
            frame, rng=np.random.default_rng(0), resamples=RESAMPLES, directions=directions
        )
        found.to_dict()

    seconds = timed(work)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    intervals = "yes" if found.agreement[0].interval.low is not None else "refused"
    return (
        f"| {len(frame):,} | {shape[3]} | {shape[0]} | {shape[1]} | {shape[2]} | "
        f"{found.design.resamples:,} | {intervals} | {seconds:.1f} | {peak:.2f} |"
    )


def main() -> None:
    start = time.perf_counter()
    from uqs.audit import audit

    imported = time.perf_counter() - start
    frame = published()
    whole = median(
        lambda: audit(frame, rng=np.random.default_rng(0), resamples=RESAMPLES).to_dict()
    )
    table = str(files("uqs.reproduction") / "multimodal_llava15_7b.csv")
    program = (
        "from pathlib import Path; from uqs.cli.audit import audit; "
        f"audit(Path({table!r}), json=True)"
    )
    command = median(
        lambda: subprocess.run([sys.executable, "-c", program], check=True, capture_output=True), 3
    )
    ours = median(lambda: sampled(frame, RESAMPLES))
    few = 50
    loop = statistics.median(scipy_loop(frame, few) for _ in range(3)) * RESAMPLES / few
    print(
        "# Speed of the audit\n\n"
        f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}, "
        f"{platform.machine()}, one thread. Written by `perf/audit.py`.\n\n"
        "## The published table: 36 rows, 5 metrics and the oracle distance\n\n"
        "| what | seconds |\n|---|---|\n"
        f"| whole audit, {RESAMPLES:,} resamples (median of 5) | {whole:.3f} |\n"
        f"| importing `uqs.audit` after NumPy, pandas and SciPy | {imported:.2f} |\n"
        f"| the whole command in a fresh process, start included (median of 3) | {command:.2f} |\n\n"
        f"## The same {RESAMPLES:,} resamples of the same tests, drawn\n\n"
        "10 stratified tau-b, 5 stratified and 5 pooled rho; whole methods exchanged, alike everywhere.\n\n"
        "| how | seconds |\n|---|---|\n"
        f"| `uqs` (median of 5) | {ours:.3f} |\n"
        f"| loop over SciPy ({few} resamples timed, median of 3, scaled) | {loop:.1f} |\n"
        f"| times faster | {loop / ours:.0f} |\n\n"
        "## Growth: the whole audit, one run each\n\n"
        "| rows | metrics | benchmarks | methods | seeds | resamples done | intervals | seconds "
        "| peak GiB |\n"
        "|---|---|---|---|---|---|---|---|---|",
        flush=True,
    )
    for shape in GROWTH:
        words = [sys.executable, __file__, *map(str, shape)]
        print(
            subprocess.run(words, check=True, capture_output=True, text=True).stdout,
            end="",
            flush=True,
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(grown(tuple(map(int, sys.argv[1:]))))  # type: ignore[arg-type]
    else:
        main()
