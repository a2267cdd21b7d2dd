"""Converts raw cells to the checked long form: one row per value, with standard column names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import NamedTuple

import numpy as np
import pandas as pd

from uqs.errors import DataError
from uqs.metrics.catalogue import symbol_of
from uqs.records import VALUED, Role, Status
from uqs.results import headers, schema
from uqs.results.cells import plain
from uqs.results.choice import EVERYTHING, Choice, unknown
from uqs.results.columns import Reader
from uqs.results.limits import within_bounds
from uqs.results.panel import Better, FloatArray
from uqs.results.raw import File, RawTable, refuse_doubles

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
    "arm",
    "knowledge",
    "stage",
)
WHOLES = ("seed", "oracle_seed", "n")
NUMBERS = ("value", "se", "bound", "gap", "z", "share")
COLUMNS = (*TEXTS, *WHOLES, *NUMBERS, "better", "row")
"""The long form. `better`: the direction given by an arrow, else empty; `row`: the row in the file."""
WORDS = {
    "status": frozenset(Status),
    "role": frozenset(Role),
    "knowledge": frozenset({"", "present", "absent"}),
    "stage": frozenset({"", "before", "relearned", "quantised"}),
}
PROVENANCE = (
    frozenset(field.name for field in fields(schema.Row)) | {"arm", "knowledge", "stage"}
) - {
    "metric",
    "value",
}
"""Columns that say where a row comes from; in a wide table they are not metrics."""
OF_A_VALUE = ("se", "n", "bound", "gap", "z", "status")
"""Columns of a long table; a wide table has them per metric, as NAME_se, NAME_n and NAME_bound."""
_NO_SEED = "The table has no seed column: each row counts as one run."
_WITH_ERRORS = "The error after a ± is taken as the value's standard error."


def notes_of(long: pd.DataFrame) -> tuple[str, ...]:
    """What a reader of the results must know about how the table was read."""
    return tuple(long.attrs.get("notes", ()))


class _Columns(NamedTuple):
    """A frame with clean column names, and what else the headers said."""

    frame: pd.DataFrame
    better: dict[str, Better]
    percent: frozenset[str]


def long_form(raw: RawTable, file: File, choice: Choice = EVERYTHING) -> pd.DataFrame:
    """The checked long form (COLUMNS) of a wide or long table; DataError names the problem."""
    found = _named(raw.frame, file, choice)
    frame, is_long = found.frame, _is_long(found.frame, file)
    notes = []
    _keys(frame, file)
    if frame.empty:
        raise DataError("has no rows", file=file)
    if "seed" not in frame:
        frame = frame.assign(seed=0)
        notes.append(_NO_SEED)
    reader = Reader(RawTable(frame.reset_index(drop=True), raw.decimal_comma, raw.rows), file)
    parts = _from_long if is_long else _from_wide
    long, with_errors = parts(reader, found, choice)
    if with_errors:
        notes.append(_WITH_ERRORS)
    long = _checked(long, file)
    long.attrs["notes"] = tuple(notes)
    return long


def of_results(frame: pd.DataFrame, file: File, choice: Choice = EVERYTHING) -> pd.DataFrame:
    """The long form of our own results table, which `schema` has checked; a `row` column is kept."""
    texts = [name for name in TEXTS if name in frame]
    long = pd.DataFrame(
        {
            **{name: frame[name] if name in texts else "" for name in TEXTS},
            **{name: frame[name] for name in WHOLES},
            **{name: frame.get(name, np.nan) for name in NUMBERS},
            "better": "",
            "row": frame["row"] if "row" in frame else np.arange(1, len(frame) + 1),
        }
    )
    long["n"] = long["n"].astype("Int64")
    long["oracle_seed"] = long["oracle_seed"].astype("Int64")
    names = {str(name): symbol_of(str(name)) for name in long["metric"].unique()}
    long["metric"] = long["metric"].map(_chosen_metrics(names, frozenset(names), choice, file))
    long = long[long["metric"].notna()].reset_index(drop=True)
    if choice.percent:
        long = _hundredths(long, choice.percent)
    return within_bounds(long, file)


def _hundredths(long: pd.DataFrame, percent: Sequence[str]) -> pd.DataFrame:
    counted = long["metric"].isin(percent)
    for name in ("value", "se", "bound"):
        long[name] = long[name].where(~counted, long[name] / 100)
    return long


# Names of columns


def _named(frame: pd.DataFrame, file: File, choice: Choice) -> _Columns:
    """The chosen columns, renamed."""
    frame = _without_counters(frame, file, choice)
    low = {str(name).strip().lower() for name in frame.columns}
    known = {"metric", "value", *KEYS, "role", "edition", "model", "strength", "split", "arm"}
    if {"metric", "value"} <= low:
        known |= PROVENANCE
    names, better, percent, renamed = [], {}, set(), set()
    for text in map(str, frame.columns):
        try:
            header = headers.read(text)
        except ValueError as error:
            raise DataError(str(error), file=file, field=text) from None
        name = header.name
        for given in (text, name):
            if given in choice.rename:
                renamed.add(given)
                name = choice.rename[given]
                break
        else:
            name = headers.key_of(name, frozenset(known))
        name = symbol_of(name)
        names.append(name)
        if header.better is not None:
            better[name] = header.better
        if header.percent:
            percent.add(name)
    is_long = {"metric", "value"} <= set(names)
    missing = sorted(set(choice.rename) - renamed)
    if missing and not is_long:
        raise unknown("--rename", missing[0], map(str, frame.columns), file)
    refuse_doubles(names, file)
    frame = frame.set_axis(names, axis=1)
    return _Columns(frame[_kept(frame, choice, file, is_long)], better, frozenset(percent))


def _kept(frame: pd.DataFrame, choice: Choice, file: File, is_long: bool) -> list[str]:
    """The names of the columns to read; a long table's metrics are chosen by row, later."""
    names = list(map(str, frame.columns))
    if is_long:
        return [name for name in names if name not in choice.drop]
    for option, given in (
        ("--columns", choice.columns),
        ("--drop", choice.drop),
        ("--percent", choice.percent),
    ):
        for name in given:
            if name not in names:
                raise unknown(option, name, names, file)

    def wanted(name: str) -> bool:
        owner = _owner(name, names) or name
        if name in choice.drop or owner in choice.drop:
            return False
        return not choice.columns or owner in choice.columns or owner in PROVENANCE

    return [name for name in names if wanted(name)]


def _owner(name: str, names: Iterable[str]) -> str | None:
    """FA for `FA_se`, `FA_n` and `FA_bound` if there is a column FA."""
    metric, _, ending = name.rpartition("_")
    return metric if ending in ("se", "n", "bound") and metric in names else None


def _without_counters(frame: pd.DataFrame, file: File, choice: Choice) -> pd.DataFrame:
    """The frame without unnamed columns that are empty or number the rows, as pandas writes them."""
    for name in list(frame.columns):
        if not headers.is_unnamed(str(name)) or str(name) in choice.rename:
            continue
        filled = [cell for cell in frame[name].tolist() if not (pd.isna(cell) or cell == "")]
        counts = len(set(filled)) == len(filled) and all(
            str(cell).removesuffix(".0").isdecimal() for cell in filled
        )
        if counts or str(name) in choice.drop:
            frame = frame.drop(columns=[name])
        else:
            problem = f"has no name; say --rename {str(name)!r}=NAME or --drop {str(name)!r}"
            raise DataError(problem, file=file, field=str(name))
    left = tuple(name for name in choice.drop if headers.is_unnamed(name))
    return frame.drop(columns=[name for name in left if name in frame])


def _is_long(frame: pd.DataFrame, file: File) -> bool:
    given = {"metric", "value"} & set(frame)
    if len(given) == 1:
        (missing,) = {"metric", "value"} - given
        raise DataError("missing column", file=file, field=missing)
    return bool(given)


def _keys(frame: pd.DataFrame, file: File) -> None:
    for name in ("benchmark", "method"):
        if name not in frame:
            listed = ", ".join(map(str, frame.columns)) or "none"
            problem = (
                f"missing column; its columns: {listed} (--rename OLD={name} names one of them so)"
            )
            raise DataError(problem, file=file, field=name)


# Cells of columns


def _shared(reader: Reader) -> pd.DataFrame:
    """The columns that a wide table has once per row."""
    clean = {"benchmark": plain, "method": plain}
    columns = {
        name: reader.text(name, clean.get(name))
        for name in TEXTS
        if name not in ("metric", "status", "split")
    }
    seeds = reader.wholes("seed")
    shared = pd.DataFrame(
        {
            **columns,
            "seed": seeds,
            "oracle_seed": reader.wholes("oracle_seed"),
            "share": reader.numbers("share").values,
            "row": reader.rows,
        }
    )
    outside = (shared["share"] < 0) | (shared["share"] > 1)
    refuse(outside, shared, "share", "is not a share from 0 to 1", reader.file)
    for name in ("benchmark", "method"):
        refuse(shared[name] == "", shared, name, "is empty", reader.file)
    refuse(seeds.isna(), shared, "seed", "is empty", reader.file)
    return shared.astype({"seed": "int64"})


def _from_wide(reader: Reader, found: _Columns, choice: Choice) -> tuple[pd.DataFrame, bool]:
    names = list(map(str, reader.frame.columns))
    for name in OF_A_VALUE:
        if name in names:
            problem = (
                "does not belong to a metric of the wide table: name it like FA_se, or leave it out with "
                f"--drop {name}"
            )
            raise DataError(problem, file=reader.file, field=name)
    metrics = [name for name in names if name not in PROVENANCE and _owner(name, names) is None]
    if not metrics:
        raise DataError("lacks a metric column", file=reader.file)
    shared, parts, with_errors = _shared(reader), [], False
    for metric in metrics:
        percent = metric in found.percent or metric in choice.percent
        values, after = reader.numbers(metric, percent)
        given = reader.numbers(f"{metric}_se", percent).values
        with_errors |= bool((~np.isnan(after)).any())
        part = shared.assign(
            metric=metric,
            status="",
            split="",
            value=values,
            se=_one_error(reader, metric, given, after),
            n=reader.wholes(f"{metric}_n"),
            bound=reader.numbers(f"{metric}_bound", percent).values,
            gap=np.nan,
            z=np.nan,
            better=found.better.get(metric, ""),
        )
        _counts_and_errors(part, reader.file)
        parts.append(part)
    return pd.concat(parts, ignore_index=True), with_errors


def _from_long(reader: Reader, found: _Columns, choice: Choice) -> tuple[pd.DataFrame, bool]:
    del found
    written = reader.text("metric")
    about = {str(name): _header(str(name), reader) for name in written.unique()}
    names = {text: symbol_of(header.name) for text, header in about.items()}
    columns = frozenset(map(str, reader.frame.columns))
    metric = written.map(_chosen_metrics(names, columns, choice, reader.file))
    keep = metric.notna().to_numpy()
    kept = RawTable(
        reader.frame[keep].reset_index(drop=True),
        reader.decimal_comma,
        tuple(reader.rows[keep].tolist()),
    )
    reader = Reader(kept, reader.file)
    written, metric = (column[keep].reset_index(drop=True) for column in (written, metric))
    counted = {text for text, header in about.items() if header.percent}
    percent = (written.isin(counted) | metric.isin(choice.percent)).to_numpy()
    values, after = reader.numbers("value", percent)
    given = reader.numbers("se", percent).values
    long = _shared(reader).assign(
        metric=metric,
        status=reader.text("status"),
        split=reader.text("split"),
        value=values,
        se=_one_error(reader, "value", given, after),
        n=reader.wholes("n"),
        bound=reader.numbers("bound", percent).values,
        gap=reader.numbers("gap", percent).values,
        z=reader.numbers("z").values,
        better=written.map({text: header.better or "" for text, header in about.items()}),
    )
    refuse(long["metric"] == "", long, "metric", "is empty", reader.file)
    _counts_and_errors(long, reader.file)
    return long, bool((~np.isnan(after)).any())


def _header(text: str, reader: Reader) -> headers.Header:
    try:
        return headers.read(text)
    except ValueError as error:
        raise DataError(f"{text!r} {error}", file=reader.file, field="metric") from None


def _chosen_metrics(
    names: dict[str, str], columns: frozenset[str], choice: Choice, file: File
) -> dict[str, str | None]:
    """The standard name of each metric of a long table; None for one that is left out."""
    symbols = {
        text: choice.rename.get(text, choice.rename.get(name, name)) for text, name in names.items()
    }
    symbols = {text: symbol_of(name) for text, name in symbols.items()}
    held = set(symbols.values())
    for option, given, known in (
        (
            "--rename",
            choice.rename,
            {*names, *names.values(), *choice.rename.values()} & set(choice.rename),
        ),
        ("--columns", choice.columns, held),
        ("--drop", choice.drop, held | columns),
        ("--percent", choice.percent, held),
    ):
        for name in given:
            if name not in known and not (option == "--rename" and choice.rename[name] in columns):
                raise unknown(option, name, sorted(held), file)
    return {
        text: None
        if name in choice.drop or (choice.columns and name not in choice.columns)
        else name
        for text, name in symbols.items()
    }


def _one_error(reader: Reader, name: str, given: FloatArray, after: FloatArray) -> FloatArray:
    both = ~np.isnan(given) & ~np.isnan(after) & (given != after)
    if both.any():
        at = int(both.argmax())
        problem = f"the error {after[at]:g} after ± is not that of its column, {given[at]:g}"
        raise reader.wrong(problem, at, name)
    return np.where(np.isnan(given), after, given)


def _counts_and_errors(long: pd.DataFrame, file: File) -> None:
    refuse((long["n"] < 0).fillna(False), long, "n", "is not a count", file)
    for name in ("se", "bound"):
        refuse(long[name] < 0, long, name, "is negative", file)


# Checks of every long form


def _checked(long: pd.DataFrame, file: File) -> pd.DataFrame:
    without = long["value"].isna()
    unexplained = long["status"] == ""
    long["status"] = long["status"].where(
        ~unexplained, np.where(without, Status.TOO_FEW, Status.OK)
    )
    role = np.where(long["knowledge"] == "", Role.UNLEARNED, Role.BASELINE)
    long["role"] = long["role"].where(long["role"] != "", role)
    for name, known in WORDS.items():
        words = ", ".join(sorted(known - {""}))
        refuse(~long[name].isin(known), long, name, f"is not one of {words}", file)
    wrong = without == long["status"].isin(VALUED)
    refuse(wrong, long, "value", "does not fit its status", file)
    return within_bounds(long, file)[list(COLUMNS)]


def refuse(
    wrong: pd.Series[bool], long: pd.DataFrame, field: str, problem: str, file: File
) -> None:
    """Raise a DataError for the first wrong row."""
    if wrong.any():
        first = long[wrong].iloc[0]
        name = first["metric"] if field == "value" else field
        found = first[field]
        cell = "" if found is pd.NA else repr(found) if isinstance(found, str) else f"{found:g}"
        raise DataError(f"{cell} {problem}".strip(), file=file, row=int(first["row"]), field=name)
