"""The one evaluation: from the records of a model and of its references to the model's rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from uqs.errors import DataError
from uqs.evaluation.record import described
from uqs.evaluation.rows import measured
from uqs.metrics.base import Evidence, MetricResult, PerSample, References
from uqs.records import Measurement, Role, Status
from uqs.results import Row, items
from uqs.results.items import Item

MEASUREMENTS, ITEMS = "measurements.json", "items.parquet"
_NO_ITEMS = pa.schema(
    {"row": pa.int64(), "id": pa.string(), "entity": pa.string(), "value": pa.float64()}
).empty_table()


@dataclass(frozen=True)
class Subject:
    """The fields that are equal in all rows of a model, named as in Row."""

    study: str
    benchmark: str
    edition: str
    model: str
    role: str
    method: str
    strength: str
    hyperparameters: str
    seed: int
    config_hash: str
    data_hash: str
    version: str
    device: str
    seconds: float
    share: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """All rows of one model, the per-sample values, and the failed metrics with their errors."""

    measured: Sequence[MetricResult]
    problems: Mapping[str, str]

    def write(self, folder: Path) -> None:
        """Write it into a folder; per-sample values go into a file of their own."""
        import pyarrow.parquet as pq

        tree = {
            "measured": [
                asdict(one.measurement) | {"oracle_seed": one.oracle_seed, "judge": one.judge}
                for one in self.measured
            ],
            "problems": dict(self.problems),
        }
        (folder / MEASUREMENTS).write_text(json.dumps(tree, indent=1, allow_nan=False))
        held: dict[str, list[Any]] = {name: [] for name in ("row", "id", "entity", "value")}
        for row, one in enumerate(self.measured):
            if one.per_sample is not None:
                held["row"] += [row] * len(one.per_sample.ids)
                held["id"] += one.per_sample.ids
                held["entity"] += one.per_sample.entities
                held["value"] += [float(value) for value in one.per_sample.values]
        pq.write_table(pa.Table.from_pydict(held, _NO_ITEMS.schema), folder / ITEMS)


def evaluate(
    metrics: Sequence[str],
    model: Evidence,
    references: References,
    *,
    role: Role,
    dead: bool = False,
    generalises: bool = False,
) -> Evaluation:
    """Every row of the named metrics for one model; a failing metric does not affect the others.

    `dead`: the run that made the model collapsed and was stopped. `generalises`: as of a `Benchmark`.
    """
    found: list[MetricResult] = []
    problems: dict[str, str] = {}
    rows = measured(metrics, model, references, dead=dead, role=role, generalises=generalises)
    for one in rows:
        if isinstance(one, MetricResult):
            found.append(one)
        else:
            problems[one.metric] = described(one.error)
    return Evaluation(found, problems)


def read_evaluated(folder: Path, *, per_sample: bool = True) -> Evaluation:
    """Read what `Evaluation.write` wrote, with or without the values of samples.

    Raises DataError if the files are damaged.
    """
    import numpy as np
    import pyarrow.parquet as pq

    file = folder / MEASUREMENTS
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
        table = pq.read_table(folder / ITEMS) if per_sample else _NO_ITEMS
        values = table["value"].to_numpy()
        rows, begins = np.unique(table["row"].to_numpy(), return_index=True)
        ends = [*begins[1:], len(values)] if len(rows) else []
        behind = {int(row): slice(a, b) for row, a, b in zip(rows, begins, ends, strict=True)}
        ids, entities = table["id"].to_pylist(), table["entity"].to_pylist()
        found = []
        for row, one in enumerate(tree["measured"]):
            oracle_seed, judge = one.pop("oracle_seed"), one.pop("judge", None)
            places = behind.get(row)
            samples = None
            if places is not None:
                samples = PerSample(tuple(ids[places]), tuple(entities[places]), values[places])
            status = Status(one.pop("status"))
            found.append(
                MetricResult(Measurement(**one, status=status), oracle_seed, samples, judge)
            )
        return Evaluation(found, dict(tree["problems"]))
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise DataError(f"is not a file of measurements ({error!r})", file=file) from None


def rows_of(subject: Subject, found: Iterable[MetricResult]) -> Iterator[Row]:
    """The rows of the results table, still without gaps to the oracles."""
    same = asdict(subject)
    for one in found:
        measurement = one.measurement
        yield Row(
            **same,
            oracle_seed=one.oracle_seed,
            split=measurement.split,
            metric=measurement.metric,
            value=measurement.value,
            se=measurement.se,
            n=measurement.n,
            status=measurement.status.value,
            bound=measurement.bound,
            judge=one.judge,
        )


def items_of(subject: Subject, found: Iterable[MetricResult]) -> Iterator[Item]:
    """The per-sample values of those rows."""
    yield from (Item(**record) for record in item_table(subject, found).to_pylist())


def item_table(subject: Subject, found: Iterable[MetricResult]) -> pa.Table:
    """The same as one table."""
    return pa.concat_tables(
        [
            items.SCHEMA.empty_table(),
            *(
                items.table(
                    *one.per_sample,
                    benchmark=subject.benchmark,
                    edition=subject.edition,
                    model=subject.model,
                    role=subject.role,
                    method=subject.method,
                    strength=subject.strength,
                    seed=subject.seed,
                    oracle_seed=one.oracle_seed,
                    split=one.measurement.split,
                    metric=one.measurement.metric,
                )
                for one in found
                if one.per_sample is not None
            ),
        ]
    )
