"""Faithfulness and robustness of a metric, after OpenUnlearning (Dorna et al. 2025, arXiv 2506.12618).

Values are aligned so that more means more knowledge: a `lower` metric unchanged, a `higher` one as its upper
bound minus the value. The paper first drops models with low utility; here all models count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from uqs.card_metadata import facts_of
from uqs.records import Role
from uqs.results.panel import Better, FloatArray

TASK = ["benchmark", "edition", "model"]
MODEL = [*TASK, "method", "strength", "seed"]


@dataclass(frozen=True)
class MetaEvaluation:
    """One metric's faithfulness and robustness, each in [0, 1]; None if the table lacks the models.

    - `faithfulness`: the AUC of the metric for telling models with the knowledge from models without it,
      equal-weight mean over `faithfulness_groups` benchmarks.
    - `relearning`: mean over unlearned models of min(gain of the retrained model / gain of the unlearned
      one, 1) under the same relearning. Hidden knowledge comes back faster than new knowledge is learnt.
    - `quantisation`: mean over unlearned models of min(value before / value after, 1).
    - `robustness`: harmonic mean of the two.
    """

    metric: str
    faithfulness: float | None
    faithfulness_groups: int
    relearning: float | None
    quantisation: float | None
    robustness: float | None
    unlearned_models: int


def auc(present: FloatArray, absent: FloatArray) -> float | None:
    """Probability that a `present` value exceeds an `absent` one, ties half; None if either is empty."""
    if not len(present) or not len(absent):
        return None
    ranks = rankdata(np.concatenate([present, absent]))[: len(present)]
    above = ranks.sum() - len(present) * (len(present) + 1) / 2
    return float(above / (len(present) * len(absent)))


def relearning_robustness(unlearned_gain: FloatArray, retrained_gain: FloatArray) -> FloatArray:
    """min(retrained gain / unlearned gain, 1) in [0, 1].

    It is 1 if only the unlearned model gains nothing, NaN if the retrained one gains nothing either.
    """
    ratio = np.divide(
        retrained_gain,
        unlearned_gain,
        out=np.where(retrained_gain > 0, 1.0, np.nan),
        where=unlearned_gain > 0,
    )
    return np.clip(ratio, 0, 1)


def quantisation_robustness(before: FloatArray, after: FloatArray) -> FloatArray:
    """min(value before / value after, 1) in [0, 1]; 1 if nothing is left after, NaN for 0 / 0."""
    nothing = np.where(before > 0, 1.0, np.nan)
    ratio = np.divide(before, after, out=nothing, where=after > 0)
    return np.clip(ratio, 0, 1)


def evaluate(long: pd.DataFrame, better: Mapping[str, Better]) -> tuple[MetaEvaluation, ...]:
    """Evaluate the metrics of a checked long table with the columns `knowledge` and `stage`.

    `knowledge` is `present` or `absent` for reference models, `stage` is `before`, `relearned` or
    `quantised`; empty cells are ignored. The retrained models are those with the role `oracle`. Metrics that
    are neither `lower` nor bounded are left out.
    """
    if not (long["knowledge"].any() or long["stage"].any()):
        return ()
    found = []
    for name, rows in long[long["value"].notna()].groupby("metric"):
        metric = str(name)
        facts = facts_of(metric, long)
        top = facts.bounds[1] if facts else np.inf
        if facts is not None:  # other splits ask other questions
            rows = rows[rows["split"].isin(["", facts.split])]
        values = _knowledge(better[metric], top, rows["value"].to_numpy(dtype=np.float64))
        if values is not None:
            found.append(_one(metric, rows.assign(value=values)))
    return tuple(found)


def _knowledge(better: Better, top: float, values: FloatArray) -> FloatArray | None:
    if better == "lower":
        return values
    return top - values if better == "higher" and np.isfinite(top) else None


def _one(metric: str, rows: pd.DataFrame) -> MetaEvaluation:
    areas = []
    for _, group in rows[rows["stage"].isin(["", "before"])].groupby(TASK):
        pools = [group.loc[group["knowledge"] == word, "value"] for word in ("present", "absent")]
        area = auc(*(pool.to_numpy(dtype=np.float64) for pool in pools))
        if area is not None:
            areas.append(area)
    unlearned = _stages(rows[(rows["role"] == Role.UNLEARNED) & (rows["knowledge"] == "")])
    oracle = _stages(rows[rows["role"] == Role.ORACLE]).groupby(TASK).mean()
    both = (
        unlearned.reset_index()
        .merge(oracle.add_suffix("_oracle").reset_index(), on=TASK, how="left")
        .set_index(MODEL)
    )
    relearnt = both.dropna(subset=["before", "relearned", "before_oracle", "relearned_oracle"])
    quantised = both.dropna(subset=["before", "quantised"])
    relearning = _mean(
        relearning_robustness(
            (relearnt["relearned"] - relearnt["before"]).to_numpy(dtype=np.float64),
            (relearnt["relearned_oracle"] - relearnt["before_oracle"]).to_numpy(dtype=np.float64),
        )
    )
    quantisation = _mean(
        quantisation_robustness(
            quantised["before"].to_numpy(dtype=np.float64),
            quantised["quantised"].to_numpy(dtype=np.float64),
        )
    )
    return MetaEvaluation(
        metric,
        float(np.mean(areas)) if areas else None,
        len(areas),
        relearning,
        quantisation,
        _harmonic(relearning, quantisation),
        len(relearnt.index.union(quantised.index)),
    )


def _stages(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per model with its value before, relearned and quantised."""
    staged = rows[rows["stage"] != ""]
    table = staged.pivot_table(index=MODEL, columns="stage", values="value", aggfunc="mean")
    return table.reindex(columns=["before", "relearned", "quantised"])


def _mean(values: FloatArray) -> float | None:
    """The mean over the models with a defined ratio."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else None


def _harmonic(first: float | None, second: float | None) -> float | None:
    if first is None or second is None:
        return None
    return 2 * first * second / (first + second) if first + second else 0.0
