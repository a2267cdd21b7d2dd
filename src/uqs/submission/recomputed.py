"""Numbers that a submission claims, computed again from what it holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isclose
from pathlib import Path
from typing import Any

import numpy as np

from uqs.errors import DataError, UserError
from uqs.gaps import with_gaps
from uqs.report.analysis import analyse, ranking_tree
from uqs.results import Row
from uqs.results import items as per_sample

NEAR = 1e-6
"""Relative, or below 1 absolute: the last digits may be another machine's."""
CLAIMED = ("method", "uqs", "se", "rank", "rank_interval", "tie_group", "first_share")
_ROW = tuple(name for name in per_sample.KEY if name != "id")


def items(rows: Sequence[Row], file: Path) -> Iterator[str]:
    """A value must be the mean of its single answers, where `items.parquet` lies beside the table."""
    beside = file.with_name("items.parquet")
    if not beside.is_file():
        return
    try:
        table = per_sample.read(beside)
    except UserError as error:
        yield str(error)
        return
    frame = table.group_by(list(_ROW)).aggregate([("value", "mean")]).to_pydict()
    keys = zip(*(frame[name] for name in _ROW), strict=True)
    means = dict(zip(keys, frame["value_mean"], strict=True))
    known = {tuple(getattr(row, name) for name in _ROW): at for at, row in enumerate(rows, start=1)}
    for key, mean in means.items():
        at = known.get(key)
        if at is None:
            yield str(DataError(f"has items of no row: {'/'.join(map(str, key))}", file=beside))
        elif not _near(rows[at - 1].value, mean):
            problem = f"{rows[at - 1].value} is not the mean of its items, {mean:.6g}"
            yield str(DataError(problem, file=file, row=at, field="value"))


def gaps(rows: Sequence[Row], file: Path) -> Iterator[str]:
    """Gaps to the oracles and their z, by `uqs.gaps`."""
    for at, (claimed, ours) in enumerate(zip(rows, with_gaps(rows), strict=True), start=1):
        for field in ("gap", "z"):
            said, found = getattr(claimed, field), getattr(ours, field)
            if not _near(said, found):
                problem = f"{said} is claimed, and the rows give {found}"
                yield str(DataError(problem, file=file, row=at, field=field))
                return  # of a wrong oracle every row would say so


def score(file: Path) -> Iterator[str]:
    """The rankings in `report/analysis.json`, by `uqs.report.analysis`."""
    claim = file.parent / "report" / "analysis.json"
    try:
        claimed = json.loads(claim.read_text(encoding="utf-8"))["score"]
        said = {"overall": claimed["overall"], **dict(claimed["by_benchmark"])}
    except FileNotFoundError:
        yield str(DataError("is missing: there is no claimed score to check", file=claim))
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield str(DataError(f"holds no scores ({error!r})", file=claim))
        return
    try:
        found = analyse(file)
    except UserError as error:
        yield str(error)
        return
    ours = {"overall": found.overall, **found.by_benchmark}
    if missing := sorted(set(ours) ^ set(said)):
        yield str(DataError(f"has other benchmarks: {missing[0]!r}", file=claim, field="score"))
        return
    for name, ranking in ours.items():
        yield from _compared(said[name], ranking_tree(ranking), name, claim)


def _compared(said: Any, ours: Mapping[str, Any], name: str, claim: Path) -> Iterator[str]:
    """The first difference of each ranking."""
    for weights in ("equal", "published"):
        field = f"score.{name}.{weights}"
        claimed = said.get(weights) if isinstance(said, dict) else None
        made = ours.get(weights)
        if (claimed is None) != (made is None):
            reason = ours.get("reason", "the methods can be ranked")
            yield str(DataError(f"does not fit the results: {reason}", file=claim, field=field))
        elif made is not None:
            yield from _first(_methods(claimed), _methods(made), field, claim)


def _methods(ranking: Any) -> dict[str, dict[str, Any]]:
    try:
        return {
            one["method"]: {name: one.get(name) for name in CLAIMED} for one in ranking["methods"]
        }
    except (TypeError, KeyError, AttributeError):
        return {}


def _first(
    said: Mapping[str, Mapping[str, Any]],
    ours: Mapping[str, Mapping[str, Any]],
    field: str,
    claim: Path,
) -> Iterator[str]:
    if said.keys() != ours.keys():
        yield str(DataError("ranks other methods than the results", file=claim, field=field))
        return
    for method, values in ours.items():
        for name, value in values.items():
            if not _same(said[method][name], value):
                claimed = f"{method}: {name} {said[method][name]!r} is claimed"
                problem = f"{claimed}, and the results give {value!r}"
                yield str(DataError(problem, file=claim, field=field))
                return


def _same(said: Any, ours: Any) -> bool:
    if isinstance(ours, Iterable) and not isinstance(ours, str):
        return isinstance(said, Iterable) and list(said) == list(ours)
    if isinstance(ours, float) and isinstance(said, int | float):
        return _near(said, ours)
    return bool(said == ours)


def _near(said: float | None, ours: float | None) -> bool:
    if said is None or ours is None or np.isnan(ours):
        return said is None and ours is None
    return isclose(said, ours, rel_tol=NEAR, abs_tol=NEAR)
