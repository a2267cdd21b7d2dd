"""What each entity adds to each method's metrics, from the per-sample values of a run.

A metric that is a mean over items is linear in its entities: an entity's contribution is the sum of its
items' deviations from the mean over the number of items (the linearisation of a ratio, Cochran 1977). The
items of all models are the same, so contributions of two methods can be compared entity by entity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uqs.errors import DataError
from uqs.metrics.catalogue import CARDS
from uqs.records import Role
from uqs.results import items
from uqs.results.pivot import labelled
from uqs.score.cube import UQS_METRICS

FloatArray = NDArray[np.float64]
BY_WAY_OF = {"MIA": "MIA_AUC"}
"""Metrics without per-sample values, and the metric whose values give those of their members."""
COLUMNS = (
    "role",
    "benchmark",
    "edition",
    "model",
    "method",
    "strength",
    "seed",
    "oracle_seed",
    "split",
    "metric",
    "entity",
    "value",
)
RUN = ["benchmark", "metric", "method", "seed", "oracle_seed"]


@dataclass(frozen=True)
class Contributions:
    """`of[benchmark, metric]` is a frame of methods by entities; entities of `split` names are drawn apart.

    `partly`: metrics whose contributions leave out a part of their noise, such as that of non-members.
    """

    of: Mapping[tuple[str, str], pd.DataFrame]
    partly: frozenset[str] = frozenset(BY_WAY_OF)

    def table(
        self, benchmark: str, metric: str, methods: tuple[str, ...]
    ) -> tuple[FloatArray, tuple[str, ...]] | None:
        """`(M, E)` contributions and the entities' names; None unless every method has every entity."""
        frame = self.of.get((benchmark, metric))
        if frame is None or not set(methods) <= set(frame.index):
            return None
        found = frame.loc[list(methods)].to_numpy(dtype=np.float64)
        if np.isnan(found).any() or found.shape[1] < 2:
            return None
        return found, tuple(map(str, frame.columns))


def group_of(metric: str) -> str:
    """The entities that a metric asks about: metrics of one split share them."""
    return CARDS[metric].split.partition("/")[0]


def read(path: Path) -> pd.DataFrame:
    """The per-sample values that the score uses, of unlearned models. DataError for other files."""
    import pyarrow as pa
    import pyarrow.parquet as pq  # slow to load

    wanted = [*UQS_METRICS, *BY_WAY_OF.values()]
    try:
        missing = set(COLUMNS) - set(pq.read_schema(path).names)
        if missing:
            raise DataError("missing column", file=path, field=min(missing))
        table = pq.read_table(
            path,
            columns=list(COLUMNS),
            filters=[("role", "=", str(Role.UNLEARNED)), ("metric", "in", wanted)],
        )
    except FileNotFoundError:
        raise DataError("no such file", file=path) from None
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"is not a readable Parquet file ({error})", file=path) from None
    for name in COLUMNS:
        if table.schema.field(name).type != items.SCHEMA.field(name).type:
            raise DataError("has the wrong type", file=path, field=name)
    return pd.DataFrame(table.to_pandas())


def contributions(frame: pd.DataFrame) -> Contributions:
    """From the columns COLUMNS of per-sample values: the contributions of all entities, means over a method's
    runs and oracles."""
    own = frame[frame["role"] == Role.UNLEARNED]
    split = own["metric"].astype(str).map({name: CARDS[name].split for name in _readable(own)})
    own = labelled(own[own["split"].astype(str) == split].copy())
    own["oracle_seed"] = own["oracle_seed"].fillna(-1)
    found: dict[tuple[str, str], pd.DataFrame] = {}
    for key, part in own.groupby(["benchmark", "metric"], observed=True):
        benchmark, metric = (str(name) for name in key)
        found[benchmark, metric] = _of_metric(part)
        for through, source in BY_WAY_OF.items():
            if source == metric:
                found[benchmark, through] = _of_metric(part.assign(value=_hits(part)))
    return Contributions(found)


def _readable(frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame["metric"].unique() if CARDS.get(str(name)) is not None]


def _of_metric(part: pd.DataFrame) -> pd.DataFrame:
    """Methods by entities."""
    run = part.groupby(RUN, observed=True)["value"]
    part = part.assign(share=(part["value"] - run.transform("mean")) / run.transform("size"))
    by_run = part.groupby(["method", "seed", "oracle_seed", "entity"], observed=True)["share"].sum()
    wide = by_run.unstack("entity")
    return wide.groupby("method").mean()


def _hits(part: pd.DataFrame) -> pd.Series[float]:
    """1 for a member that a threshold attack finds, from the placements of the AUC.

    A placement c is the share of non-members with a higher loss. A threshold at its loss finds the share of
    members with a placement of c or more, at 1 - c false alarms; the advantage is their difference, and the
    best threshold has the largest, either way: if it is below 0, it is the non-members that are called
    members, and a member found counts -1.
    """
    return part.groupby(RUN, observed=True)["value"].transform(_hits_of_run)


def _hits_of_run(values: pd.Series[float]) -> pd.Series[float]:
    placed = values.to_numpy(dtype=np.float64)
    cuts = np.unique(placed)
    found = 1 - np.searchsorted(np.sort(placed), cuts, side="left") / len(placed)
    lead = found - (1 - cuts)
    best = int(np.argmax(np.abs(lead)))
    sign = 1.0 if lead[best] >= 0 else -1.0
    return pd.Series(np.where(placed >= cuts[best], sign, 0.0), index=values.index)
