"""Small tables with known answers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from uqs.results.panel import Panel
from uqs.results.tables import long_form
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


@pytest.fixture(scope="session")
def known_models():
    """Rounded values of a run of studies/ladder.yaml on the shipped editions: models of known truth."""
    return pd.read_csv(Path(__file__).with_name("ladder.csv"), keep_default_na=False).replace(
        {"oracle_seed": {"": None}, "share": {"": None}}
    )


def _as_methods(models, seeds=(0, 1, 2)):
    """Models of known truth, also ranked as methods, with a guardrail that answers no question on the forget
    set (no right answer, losses that give every member away, no token in common with an oracle)."""
    copied = models[models["seed"].isin(seeds)]
    named = copied["method"] + copied["strength"].astype(str)
    copied = copied.assign(method=named, role="unlearned", strength="", share=None)
    guard = copied[copied["method"] == "original"].assign(method="guardrail")
    silent = {"FA": 0.0, "MIA": 1.0, "JS": 1.0}
    guard["value"] = [
        silent.get(metric, value)
        for metric, value in zip(guard["metric"], guard["value"], strict=True)
    ]
    guard = guard[~guard["metric"].isin(["KR", "KR_IMP"])]
    return pd.concat([models, copied, guard], ignore_index=True)


@pytest.fixture(scope="session")
def as_methods():
    return _as_methods


@pytest.fixture(scope="session")
def ladder(known_models):
    """The checked long form of known models that are also ranked as methods."""
    return long_form(_as_methods(known_models))
