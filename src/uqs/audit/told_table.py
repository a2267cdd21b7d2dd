"""Reads the groups of models that are held against oracles from a checked long form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

import numpy as np
import pandas as pd

from uqs.audit.told_group import FloatArray, Group, Model
from uqs.card_metadata import facts_of
from uqs.records import TRAINED, VALUED, Role, Status
from uqs.results.tables import Directions, directions_of, headline
from uqs.stats import told
from uqs.stats.spread import within_rungs

_MODEL = ["role", "method", "strength", "seed"]
_OWN = -1
"""The column of models' own values, where oracles' seeds are the columns of distances."""


def groups(long: pd.DataFrame, directions: Directions | None = None) -> Iterator[Group]:
    """The group of every metric on every benchmark that has an oracle, metrics in the table's order."""
    better = directions_of(long, directions=directions)
    rows = headline(long)
    known = rows["status"].isin(list(VALUED - {Status.LOWER_BOUND}))
    rows = rows.assign(value=rows["value"].where(known).astype("float64"))
    for metric in dict.fromkeys(rows["metric"]):
        of_metric = rows[rows["metric"] == metric]
        facts = facts_of(str(metric), long)
        top = facts.bounds[1] if facts is not None and isfinite(facts.bounds[1]) else 0.0
        for _, part in of_metric.groupby("benchmark", sort=False):
            base, sign = (top, -1.0) if better[str(metric)] == "higher" else (0.0, 1.0)
            compared = bool(part["oracle_seed"].notna().any())
            found = _distances(part, base, sign) if compared else _values(part)
            if found is not None:
                yield found


def _models(part: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Model, ...]]:
    """The table of values, models by oracles' seeds (`_OWN` for their own), and the models."""
    columns = part["oracle_seed"].astype("Int64").fillna(_OWN).astype("int64")
    part = part.assign(column=columns)
    table = part.groupby([*_MODEL, "column"])["value"].mean().unstack("column").sort_index()
    shares = part.groupby(_MODEL)["share"].first()
    models = []
    for key in table.index:
        role, method, strength, seed = key
        share = shares.loc[key]
        name = f"{method}@{strength}" if strength and "@" not in method else str(method)
        trained = role in TRAINED and not pd.isna(share)
        models.append(
            Model(
                str(role),
                str(method) if role == Role.UNLEARNED else name,
                int(seed),
                float(share) if trained else None,
            )
        )
    return table, tuple(models)


def _values(part: pd.DataFrame) -> Group | None:
    table, models = _models(part)
    values = table.reindex(columns=[_OWN]).to_numpy(dtype=np.float64)
    of_oracles = {
        model.seed: float(value)
        for model, value in zip(models, values[:, 0], strict=True)
        if model.role == Role.ORACLE and isfinite(value)
    }
    if not of_oracles:
        return None
    first = part.iloc[0]
    return Group(
        benchmark=str(first["benchmark"]),
        metric=str(first["metric"]),
        split=str(first["split"]),
        kind="value",
        models=models,
        values=values,
        oracles=tuple(of_oracles),
        between=np.array(list(of_oracles.values()))[:, None],
        log=False,
        step=_step(part),
        ladder=within_rungs(_rungs(models, values[:, 0])),
    )


def _step(part: pd.DataFrame) -> float:
    """The smallest difference between the values, at most one answer of the questions asked."""
    values = np.unique(part["value"].dropna().to_numpy(dtype=np.float64))
    gaps = np.diff(values)
    gaps = gaps[gaps > told.TIE * np.abs(values).max(initial=0)]
    step = float(gaps.min()) if len(gaps) else 0.0
    counts = part["n"].dropna()
    least = int(counts.max()) if len(counts) else 0
    return min(step, 1 / least) if least > 0 and step else step


def _distances(part: pd.DataFrame, base: float, sign: float) -> Group | None:
    table, models = _models(part[part["oracle_seed"].notna() | part["value"].isna()])
    rows = [at for at, model in enumerate(models) if model.role == Role.ORACLE]
    seeds = [models[at].seed for at in rows]
    table = sign * (table - base)
    every = table.reindex(columns=seeds).to_numpy(dtype=np.float64)
    between, kept = told.complete(every[rows])
    if not len(kept):
        return None
    values = every[:, kept].copy()
    off = between[~np.eye(len(kept), dtype=bool)]
    for column, at in enumerate(kept):
        values[rows[at]] = np.where(np.isnan(values[rows[at]]), between[column], values[rows[at]])
        values[rows[at], column] = np.nan
    np.fill_diagonal(between, np.nan)
    positive = np.nanmin(values, initial=np.inf) > 0 and off.min(initial=np.inf) > 0
    scaled = _mean(np.log(values) if positive else values)
    first = part.iloc[0]
    return Group(
        benchmark=str(first["benchmark"]),
        metric=str(first["metric"]),
        split=str(first["split"]),
        kind="distance",
        models=models,
        values=values,
        oracles=tuple(seeds[at] for at in kept),
        between=between,
        log=bool(positive),
        step=0.0,
        base=base,
        sign=sign,
        ladder=within_rungs(_rungs(models, scaled)),
    )


def _mean(values: FloatArray) -> FloatArray:
    """The mean of each row's known values, NaN without any."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=1)
    found = np.full(len(values), np.nan)
    np.divide(total, known.sum(axis=1), out=found, where=known.any(axis=1))
    return found


def _rungs(models: Sequence[Model], values: FloatArray) -> Iterator[FloatArray]:
    """The values of trained models that were taught the same share above 0."""
    shares = np.array(
        [model.share if model.share else np.nan for model in models], dtype=np.float64
    )
    for share in np.unique(shares[np.isfinite(shares)]):
        yield values[(shares == share) & np.isfinite(values)]
