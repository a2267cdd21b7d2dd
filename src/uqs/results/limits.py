"""Checks values, errors and bounds against the range of their metric."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uqs.errors import DataError
from uqs.metrics.catalogue import CARDS
from uqs.records import MetricCard
from uqs.results.raw import File

Floats = NDArray[np.float64]
ROUNDING = 1e-9
"""A value at most this far outside its metric's bounds counts as a rounded bound."""
HUNDRED = 100.0


def within_bounds(long: pd.DataFrame, file: File) -> pd.DataFrame:
    """The long form with values within their metric's bounds. DataError names the first value outside.

    On splits other than the headline split, a value may be a difference between two. The standard error of a
    bounded number is at most half the distance between its bounds (two draws, one at each end).
    """
    values = long["value"].to_numpy(dtype=np.float64, copy=True)
    codes, names = pd.factorize(long["metric"])
    for code, name in enumerate(map(str, names)):
        if name not in CARDS:
            continue
        card, rows = CARDS[name], np.flatnonzero(codes == code)
        low, high = _limits(card, long["split"].iloc[rows].isin(["", card.split]).to_numpy())
        found = values[rows]
        slack = ROUNDING * np.maximum(1.0, np.abs(found))
        wrong = (found < low - slack) | (found > high + slack)
        if wrong.any():
            at = int(wrong.argmax())
            _refuse(long.iloc[rows[at]], name, found[at], (low[at], high[at]), file)
        values[rows] = np.clip(found, low, high)
        _within_range(long.iloc[rows], low, high, card, file)
    return long.assign(value=values)


def _limits(card: MetricCard, headline: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    low, high = card.bounds
    if not math.isfinite(high - low):
        return np.where(headline, low, -np.inf), np.where(headline, high, np.inf)
    return np.where(headline, low, min(low, low - high)), np.where(
        headline, high, high - min(low, 0)
    )


def _refuse(
    row: pd.Series, name: str, value: float, bounds: tuple[float, float], file: File
) -> None:
    low, high = bounds
    problem = f"{value:g} is outside {low:g} to {high:g}{_cause(value, high, name)}"
    raise DataError(problem, file=file, row=int(row["row"]), field=name)


def _cause(value: float, high: float, name: str) -> str:
    if high < value <= high * HUNDRED:
        return (
            f"; it looks like percent: divide by 100, write {value:g}%, or say --percent {name} if "
            "all its values are in percent"
        )
    return ""


def _within_range(
    rows: pd.DataFrame, low: Floats, high: Floats, card: MetricCard, file: File
) -> None:
    most = (high - low) / 2
    errors = rows["se"].to_numpy(dtype=np.float64)
    wrong = np.isfinite(most) & (errors > most * (1 + ROUNDING))
    if wrong.any():
        at = int(wrong.argmax())
        row = rows.iloc[at]
        problem = (
            f"the standard error {row['se']:g} of {row['value']:g} is larger than that of any number from"
            f" {low[at]:g} to {high[at]:g} can be, {most[at]:g}"
        )
        if row["se"] <= most[at] * HUNDRED:
            problem += "; it looks like percent: divide it by 100"
        raise DataError(problem, file=file, row=int(row["row"]), field=card.symbol)
