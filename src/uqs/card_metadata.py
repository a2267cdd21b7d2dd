"""What a results table says of the metrics in it, kept as JSON beside its rows.

So a table with a metric that UQS does not know says by itself which values are better, and where its headline
value stands. In a Parquet file it is metadata of the schema, in a frame an attribute; a CSV has none.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from math import inf, isinf
from pathlib import Path

import pandas as pd
import pyarrow as pa

from uqs.errors import DataError
from uqs.metrics.catalogue import CARDS
from uqs.records import MetricFacts

KEY = "uqs.metrics"


def with_facts(
    table: pa.Table, symbols: Collection[str], given: Iterable[MetricFacts] = ()
) -> pa.Table:
    """The table with the facts of these metrics: those given, else those of registered metrics."""
    known: dict[str, MetricFacts] = {one.symbol: one for one in given}
    facts = [known.get(symbol) or CARDS.get(symbol) for symbol in sorted(symbols)]
    text = json.dumps([_tree(one) for one in facts if one is not None], allow_nan=False)
    metadata = {**(table.schema.metadata or {}), KEY.encode(): text.encode()}
    return table.replace_schema_metadata(metadata)


def attach(frame: pd.DataFrame, metadata: Mapping[bytes, bytes] | None, path: Path) -> pd.DataFrame:
    """The frame with what the schema of its Parquet file says of its metrics, if it says anything.

    Raises DataError where that cannot be read.
    """
    held = (metadata or {}).get(KEY.encode())
    if held is not None:
        try:
            text = held.decode()
            _parsed(text)
        except (ValueError, TypeError, KeyError) as error:
            problem = f"does not say what its metrics are ({type(error).__name__}: {error})"
            raise DataError(problem, file=path, field=KEY) from None
        frame.attrs[KEY] = text
    return frame


def facts_of(symbol: str, frame: pd.DataFrame | None = None) -> MetricFacts | None:
    """What is known of a metric: by the frame's own table, else by the catalogue; None if nothing is.

    Where the frame has the metric only on an earlier headline split, that one is the headline there.
    """
    own = _parsed(frame.attrs.get(KEY, "[]")) if frame is not None else {}
    found = own.get(symbol) or CARDS.get(symbol)
    if frame is None or found is None or not found.formerly:
        return found
    splits = set(frame.loc[frame["metric"] == symbol, "split"])
    if not splits & {"", found.split}:
        for split in found.formerly:
            if split in splits:
                return replace(found, split=split)
    return found


@lru_cache(maxsize=8)
def _parsed(text: str) -> Mapping[str, MetricFacts]:
    found = [
        MetricFacts(
            **{
                **one,
                "bounds": _bounds(*one["bounds"]),
                "formerly": tuple(one.get("formerly", ())),
            }
        )
        for one in json.loads(text)
    ]
    return {one.symbol: one for one in found}


def _tree(facts: MetricFacts) -> dict[str, object]:
    """Plain values; a bound that does not exist is null."""
    return {
        "symbol": facts.symbol,
        "name": facts.name,
        "better": facts.better,
        "bounds": [None if isinf(bound) else bound for bound in facts.bounds],
        "split": facts.split,
        "version": facts.version,
        "formerly": list(facts.formerly),
    }


def _bounds(low: float | None, high: float | None) -> tuple[float, float]:
    return (-inf if low is None else low, inf if high is None else high)
