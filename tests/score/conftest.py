"""Small tables with known answers."""

import numpy as np
import pandas as pd
import pytest

from uqs.panel import Panel
from uqs.score import figures


def _table(seed=0, methods=5, benchmarks=3, runs=3):
    """A wide table in which a method's quality is behind every metric and its oracle distance."""
    rng = np.random.default_rng(seed)
    quality = rng.random(methods)
    rows = []
    for b in range(benchmarks):
        for m in range(methods):
            for run in range(runs):
                q = np.clip(quality[m] + 0.05 * rng.standard_normal(), 0, 1)
                noise = 0.1 * rng.random(5)
                rows.append(
                    {
                        "benchmark": f"bench{b}",
                        "method": f"m{m}",
                        "seed": run,
                        "FA": 0.9 * (1 - q) + noise[0],
                        "RA": 0.9 * q + noise[1],
                        "MIA": 0.9 * (1 - q) + noise[2],
                        "AD": 30 * (1 - q) + noise[3],
                        "JS": 0.9 * (1 - q) + noise[4],
                        "oracle_distance": 1 - q + 0.01 * rng.random(),
                    }
                )
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def make_table():
    return _table


@pytest.fixture
def table():
    return _table()


@pytest.fixture(scope="session")
def study():
    return figures.multimodal()


@pytest.fixture
def calibrated_panel():
    """Two methods on one benchmark with an original, two oracles and floors: `good` is an oracle's equal."""
    values = {
        "FA": [0.16, 0.60],
        "RA": [0.90, 0.45],
        "MIA": [0.10, 0.40],
        "AD": [1.0, 3.0],
        "JS": [0.05, 0.20],
    }
    key = "bench"
    return Panel(
        benchmark=np.array([key, key]),
        method=np.array(["good", "poor"]),
        seed=np.array([0, 0]),
        values={metric: np.array(column) for metric, column in values.items()},
        better={
            "FA": "lower",
            "RA": "higher",
            "MIA": "lower",
            "AD": "lower",
            "JS": "lower",
        },
        originals={
            (key, "FA"): np.array([0.95, 1.05]),
            (key, "RA"): np.array([0.95]),
            (key, "MIA"): np.array([0.70]),
            (key, "AD"): np.array([5.0]),
            (key, "JS"): np.array([0.45]),
        },
        oracles={
            (key, "FA"): np.array([0.15, 0.25]),
            (key, "RA"): np.array([0.92, 0.88]),
            (key, "MIA"): np.array([0.08, 0.12]),
        },
        floors={(key, "AD"): np.array([0.9, 1.1]), (key, "JS"): np.array([0.05])},
    )
