"""Any results table into a Panel: our Parquet, or CSV, JSON, Parquet in wide or long form."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from uqs import results
from uqs.card_metadata import attach, facts_of
from uqs.errors import DataError, UserError
from uqs.metrics.catalogue import CARDS, symbol_of
from uqs.panel import Better, FloatArray, Panel
from uqs.records import VALUED, Role, Status

Directions = Mapping[str, Better]
File = Path | str
KEYS = ("benchmark", "method", "seed")
TEXTS = (
    "benchmark",
    "method",
    "metric",
    "status",
    "role",
    "edition",
    "model",
    "strength",
    "split",
    "knowledge",
    "stage",
)
NUMBERS = ("seed", "value", "se", "n", "oracle_seed")
WORDS = {
    "status": frozenset(Status),
    "role": frozenset(Role),
    "knowledge": frozenset({"", "present", "absent"}),
    "stage": frozenset({"", "before", "relearned", "quantised"}),
}
PROVENANCE = (frozenset(field.name for field in fields(results.Row)) | {"knowledge", "stage"}) - {
    "metric",
    "value",
}
"""Columns that say where a row comes from; in a wide table they are no metrics."""
EMPTY = frozenset({"", "nan", "na", "n/a", "null", "none"})


def read_table(path: Path, directions: Directions | None = None) -> Panel:
    """Read a table by its suffix (.csv, .json, .parquet); `directions` adds to the metrics' own.

    Raises DataError, naming file, row (from 1, the header not counted) and field, for whatever is no
    such table.
    """
    return to_panel(read_long(path), path, directions)


def read_long(path: Path) -> pd.DataFrame:
    """Read a table into the checked long form, one row per value with the columns TEXTS, NUMBERS, `row`."""
    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".csv": _read_csv,
        ".json": _read_json,
        ".parquet": _read_parquet,
    }
    if path.is_dir():
        raise DataError("is a folder, not a table", file=path)
    if not path.exists():
        raise DataError("no such file", file=path)
    if path.suffix.lower() not in readers:
        raise DataError(f"is none of {', '.join(readers)}", file=path)
    frame = readers[path.suffix.lower()](path)
    if path.suffix.lower() != ".parquet":
        return _long_form(frame, path)
    if set(results.SCHEMA.names) <= set(frame):
        return attach(_from_rows(results.read(path), path), path)
    return attach(_long_form(frame, path), path)


def from_dataframe(
    frame: Any, directions: Directions | None = None, file: File = "dataframe"
) -> Panel:
    """A Panel from any dataframe that narwhals reads, in wide or long form."""
    return to_panel(long_form(frame, file), file, directions)


def long_form(frame: Any, file: File = "dataframe") -> pd.DataFrame:
    """Any dataframe in wide or long form as the checked long form."""
    import narwhals as nw  # slow to load, and no file needs it

    try:
        table = nw.from_native(frame, eager_only=True).to_pandas()
    except TypeError:
        raise UserError(f"{type(frame).__name__} is no dataframe that can be read") from None
    except nw.exceptions.DuplicateError:
        raise DataError("two columns have one name", file=file) from None
    names = [str(name) for name in table.columns]
    _refuse_doubles(names, file)
    return _long_form(table.set_axis(names, axis=1), file)


def from_rows(
    rows: Iterable[results.Row], file: File = "results", directions: Directions | None = None
) -> Panel:
    """A Panel from rows of the long results table."""
    return to_panel(_from_rows(rows, file), file, directions)


def _from_rows(rows: Iterable[results.Row], file: File) -> pd.DataFrame:
    columns = [field.name for field in fields(results.Row)]
    frame = pd.DataFrame([asdict(row) for row in results.check(rows, file)], columns=columns)
    return _long_form(frame, file)


# A file into a frame of raw cells


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = [line for line in csv.reader(stream, strict=True) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"is no readable CSV ({_line(error)})", file=path) from None
    if not lines:
        raise DataError("is empty", file=path)
    names = [name.strip() for name in lines[0]]
    _refuse_doubles(names, path)
    for number, line in enumerate(lines[1:], start=1):
        if len(line) != len(names):
            raise DataError(f"has {len(line)} cells, not {len(names)}", file=path, row=number)
    return pd.DataFrame(lines[1:], columns=names, dtype=object)


def _read_json(path: Path) -> pd.DataFrame:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        _refuse_doubles([name for name, _ in pairs], path)
        return dict(pairs)

    try:
        data = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise DataError(f"is no readable JSON ({_line(error)})", file=path) from None
    if not isinstance(data, list) or not all(isinstance(record, dict) for record in data):
        raise DataError("is no list of records", file=path)
    return pd.DataFrame(data, dtype=object)


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow.parquet as pq  # slow to load, and a CSV does not need it

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"is no readable Parquet file ({_line(error)})", file=path) from None
    _refuse_doubles(table.column_names, path)
    return pd.DataFrame(table.to_pandas())


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _refuse_doubles(names: Sequence[str], file: File) -> None:
    for at, name in enumerate(names):
        if name in names[:at]:
            raise DataError("a second column of this name", file=file, field=name)


# A frame of raw cells into a checked long frame


def _long_form(frame: pd.DataFrame, file: File) -> pd.DataFrame:
    for name in KEYS:
        if name not in frame:
            raise DataError("missing column", file=file, field=name)
    if frame.empty:
        raise DataError("holds no row", file=file)
    given = {"metric", "value"} & set(frame)
    if len(given) == 1:
        (missing,) = {"metric", "value"} - given
        raise DataError("missing column", file=file, field=missing)
    frame = frame.reset_index(drop=True)
    long = _typed(frame, file) if given else _melted(frame, file)
    without = long["value"].isna()
    unexplained = long["status"] == ""
    long.loc[unexplained, "status"] = np.where(without, Status.TOO_FEW, Status.OK)[unexplained]
    long["metric"] = long["metric"].map({w: symbol_of(w) for w in long["metric"].unique()})
    role = np.where(long["knowledge"] == "", Role.UNLEARNED, Role.BASELINE)
    long["role"] = long["role"].where(long["role"] != "", role)
    for name, known in WORDS.items():
        words = ", ".join(sorted(known - {""}))
        _refuse(~long[name].isin(known), long, name, f"is none of {words}", file)
    wrong = without == long["status"].isin(VALUED)
    _refuse(wrong, long, "value", "does not go with its status", file)
    return long


def _typed(frame: pd.DataFrame, file: File) -> pd.DataFrame:
    columns: dict[str, Any] = {name: _text(frame, name) for name in TEXTS}
    columns |= {name: _number(frame, name, file) for name in NUMBERS}
    long = pd.DataFrame({**columns, "row": np.arange(1, len(frame) + 1)})
    for name in ("benchmark", "method", "metric"):
        _refuse(long[name] == "", long, name, "is empty", file)
    _refuse(long["seed"].isna(), long, "seed", "is empty", file)
    _refuse(long["seed"] % 1 != 0, long, "seed", "is no whole number", file)
    _refuse((long["n"] < 0) | (long["n"] % 1 > 0), long, "n", "is no count", file)
    _refuse(long["se"] < 0, long, "se", "is negative", file)
    return long


def _melted(frame: pd.DataFrame, file: File) -> pd.DataFrame:
    def belongs(name: str) -> bool:
        return name.endswith(("_se", "_n")) and name.rpartition("_")[0] in frame

    metrics = [name for name in map(str, frame) if name not in PROVENANCE and not belongs(name)]
    if not metrics:
        raise DataError("holds no metric column", file=file)
    shared = frame[[name for name in frame if name in PROVENANCE - {"se", "n", "status", "split"}]]
    parts = []
    for metric in metrics:
        part = shared.assign(metric=metric, value=_number(frame, metric, file))
        for extra in ("se", "n"):
            part[extra] = _number(frame, f"{metric}_{extra}", file)
        parts.append(_typed(part, file))
    return pd.concat(parts, ignore_index=True)


def _text(frame: pd.DataFrame, name: str) -> pd.Series[str]:
    if name not in frame:
        return pd.Series("", index=frame.index)
    cells = frame[name]
    return cells.astype(object).where(cells.notna(), "").astype(str).str.strip()


def _number(frame: pd.DataFrame, name: str, file: File) -> FloatArray:
    """The column as `(rows,)`, NaN where a cell is empty; an absent column is all NaN."""
    if name not in frame:
        return np.full(len(frame), np.nan)
    cells = frame[name]
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        values = cells.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        values = np.empty(len(frame))
        for at, cell in enumerate(cells):
            try:
                values[at] = _parsed(cell)
            except (TypeError, ValueError):
                raise DataError(
                    f"{cell!r} is no number", file=file, row=at + 1, field=name
                ) from None
    if np.isinf(values).any():
        row = int(np.isinf(values).argmax()) + 1
        raise DataError("is not a finite number", file=file, row=row, field=name)
    return values


def _parsed(cell: Any) -> float:
    if isinstance(cell, bool):
        raise TypeError
    if isinstance(cell, str):
        return np.nan if cell.strip().lower() in EMPTY else float(cell)
    return np.nan if pd.isna(cell) else float(cell)


def _refuse(
    wrong: pd.Series[bool], long: pd.DataFrame, field: str, problem: str, file: File
) -> None:
    if wrong.any():
        first = long[wrong].iloc[0]
        name = first["metric"] if field == "value" else field
        found = first[field]
        cell = repr(found) if isinstance(found, str) else f"{found:g}"
        raise DataError(f"{cell} {problem}", file=file, row=int(first["row"]), field=name)


# A checked long frame into a Panel


def to_panel(
    long: pd.DataFrame, file: File = "table", directions: Directions | None = None
) -> Panel:
    """The Panel of a checked long form: headline splits, models before any attack, means over oracles."""
    better = directions_of(long, file, directions)
    long = long[long["stage"].isin(["", "before"])]
    long = _labelled(_headline(long, file))
    key = ["role", "benchmark", "method", "seed", "metric"]
    doubled = long.duplicated([*key, "oracle_seed"])
    _refuse(doubled, long, "seed", "is a second row of its benchmark, method and seed", file)
    models = _over_oracles(long, key)
    unlearned = models[models["role"] == Role.UNLEARNED]
    if unlearned.empty:
        raise DataError("holds no unlearned model", file=file)
    index = unlearned.set_index([*KEYS, "metric"])
    wide = {name: index[name].unstack("metric") for name in ("value", "se", "n", "status")}
    rows = wide["value"].index
    metrics = [str(name) for name in wide["value"].columns]

    def known(role: Role, *, oracle: bool) -> dict[tuple[str, str], FloatArray]:
        one = models[(models["role"] == role) & models["value"].notna()]
        one = one[one["of_oracle"] == oracle]
        return {
            (str(benchmark), str(metric)): np.sort(values.to_numpy(dtype=np.float64))
            for (benchmark, metric), values in one.groupby(["benchmark", "metric"])["value"]
        }

    return Panel(
        benchmark=rows.get_level_values("benchmark").to_numpy(dtype=np.str_),
        method=rows.get_level_values("method").to_numpy(dtype=np.str_),
        seed=rows.get_level_values("seed").to_numpy(dtype=np.int64),
        values={name: wide["value"][name].to_numpy(dtype=np.float64) for name in metrics},
        better={name: better[name] for name in metrics},
        errors={name: wide["se"][name].to_numpy(dtype=np.float64) for name in metrics},
        counts={name: wide["n"][name].fillna(0).to_numpy(dtype=np.int64) for name in metrics},
        statuses={
            name: wide["status"][name].fillna(Status.TOO_FEW).to_numpy(dtype=np.str_)
            for name in metrics
        },
        originals=known(Role.ORIGINAL, oracle=False) | known(Role.ORIGINAL, oracle=True),
        oracles=known(Role.ORACLE, oracle=False),
        floors=known(Role.ORACLE, oracle=True),
    )


def per_model(long: pd.DataFrame) -> pd.DataFrame:
    """Every model's value of every metric on every split, the mean over the oracles it was compared with.

    From a checked long form; columns: role, benchmark, method (named as in a Panel), seed, split, metric,
    of_oracle, value, se, n, status.
    """
    key = ["role", "benchmark", "method", "seed", "split", "metric"]
    return _over_oracles(_labelled(long.copy()), key)


def directions_of(
    long: pd.DataFrame, file: File = "table", directions: Directions | None = None
) -> dict[str, Better]:
    """Every metric's direction: the one given, else its own; a metric with neither is a DataError."""
    metrics = [str(name) for name in long["metric"].unique()]
    given = {symbol_of(name): better for name, better in (directions or {}).items()}
    if unused := sorted(set(given) - set(metrics)):
        raise UserError(f"--direction names {unused[0]!r}, which {file} does not hold")
    better: dict[str, Better] = {}
    for name in metrics:
        if name in given:
            better[name] = given[name]
        elif (facts := facts_of(name, long)) is not None:
            better[name] = facts.better
        else:
            problem = (
                f"is no metric of known direction; say --direction {name}=lower or {name}=higher"
            )
            faults = "".join(f" ({fault})" for fault in CARDS.faults())
            raise DataError(problem + faults, file=file, field=name)
    return better


def _headline(long: pd.DataFrame, file: File) -> pd.DataFrame:
    """The rows on each metric's own split; further splits are further detail, not further metrics."""
    keep = pd.Series(True, index=long.index)
    for metric, splits in long.groupby("metric")["split"].unique().items():
        named = sorted(set(splits) - {""})
        if (facts := facts_of(str(metric), long)) is not None:
            wanted = {"", facts.split}
        elif len(named) > 1:
            raise DataError(
                f"has several splits ({', '.join(named)}); keep one", file=file, field=str(metric)
            )
        else:
            wanted = {"", *named}
        keep &= (long["metric"] != metric) | long["split"].isin(wanted)
    if not keep.any():
        raise DataError("holds no metric on the split that the metric declares", file=file)
    return long[keep].copy()


def _labelled(long: pd.DataFrame) -> pd.DataFrame:
    """Benchmark and method names with what sets their variants apart, where there are variants.

    A method that has one strength on every benchmark keeps its plain name, though the strengths differ.
    """
    unlearned = long["role"] == Role.UNLEARNED
    for name, variant, mark, scope in (
        ("benchmark", "edition", ":", long["role"] != ""),
        ("benchmark", "model", "/", long["role"] != ""),
        ("method", "strength", "@", unlearned),
    ):
        several = long[scope].groupby(["benchmark", "method"] if name == "method" else name)[
            variant
        ]
        counts = several.nunique()
        names = counts.index[counts > 1].get_level_values(name)
        varied = scope & long[name].isin(names) & (long[variant] != "")
        long.loc[varied, name] += mark + long.loc[varied, variant]
    return long


def _over_oracles(long: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """One row per model and metric: the mean over the oracles it was compared with.

    The standard errors share the model's items, so their mean is kept, an upper bound. An oracle
    compared with itself is left out. A value is missing only where it is missing for every oracle.
    """
    itself = (long["role"] == Role.ORACLE) & (long["seed"] == long["oracle_seed"])
    long = long[~itself].assign(of_oracle=long["oracle_seed"].notna())
    long = long.sort_values("value", na_position="last", kind="stable")
    grouped = long.groupby([*key, "of_oracle"], sort=True)
    columns = {"value": "mean", "se": "mean", "n": "max", "status": "first"}
    return grouped.agg(columns).reset_index()
