"""Long forms with a ladder, drawn with known truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import pytest

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
KEYS = ("benchmark", "metric", "split", "role", "method", "strength", "seed")
Response = Callable[[float], float]


def long_form(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    given = {
        "split": "forget",
        "method": "",
        "strength": "",
        "oracle_seed": None,
        "status": "ok",
        "stage": "",
        "share": None,
    }
    return pd.DataFrame([{**given, **row} for row in rows]).astype(
        {"share": "Float64", "value": "Float64", "oracle_seed": "Int64", "seed": "Int64"}
    )


def trained(
    metrics: Mapping[str, Response],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    benchmark: str = "b",
    sd: float = 1.0,
    rng: int = 0,
) -> list[dict[str, object]]:
    """Oracles, references and originals whose metrics follow their response and normal noise."""
    draw, rows = np.random.default_rng(rng), []
    for metric, response in metrics.items():
        for share in SHARES:
            role = {0.0: "oracle", 1.0: "original"}.get(share, "reference")
            strength = f"{share:g}" if role == "reference" else ""
            rows += [
                {
                    "benchmark": benchmark,
                    "metric": metric,
                    "role": role,
                    "strength": strength,
                    "seed": seed,
                    "share": share,
                    "value": response(share) + sd * draw.normal(),
                }
                for seed in seeds
            ]
    return rows


def others(
    role: str,
    method: str,
    values: Mapping[str, float],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    benchmark: str = "b",
    share: float | None = None,
) -> list[dict[str, object]]:
    """Models of a kind, whose runs differ by 0.1 from one another."""
    return [
        {
            "benchmark": benchmark,
            "metric": metric,
            "role": role,
            "method": method,
            "strength": "",
            "seed": seed,
            "share": share,
            "value": value + 0.1 * at,
        }
        for metric, value in values.items()
        for at, seed in enumerate(seeds)
    ]


@pytest.fixture
def ladder_of() -> type[object]:
    """The three functions above, for tests in files of their own."""

    class Tables:
        form = staticmethod(long_form)
        trained = staticmethod(trained)
        others = staticmethod(others)

    return Tables
