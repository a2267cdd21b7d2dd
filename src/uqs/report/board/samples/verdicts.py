"""Which questions a model answers right, and which a probe brings back: from `items.parquet`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from uqs import registry
from uqs.report.board.samples.models import SHOWN, Key
from uqs.results import items

SPLIT = "forget"
RIGHT = "FA"
RECOVERED = ("KR", "KR_IMP")


@dataclass
class Verdicts:
    """By question id: whether the answer is right; by probe: the ids that it brought back."""

    right: dict[str, bool] = field(default_factory=dict)
    entities: dict[str, str] = field(default_factory=dict)
    recovered: dict[str, list[str]] = field(default_factory=dict)


def read(path: Path) -> dict[Key, Verdicts]:
    """The verdicts on the forget set, by model. DataError for a file that `items.write` did not write."""
    table = _kept(items.read(path))
    found: dict[Key, Verdicts] = defaultdict(Verdicts)
    columns = [table[name].to_pylist() for name in (*Key._fields, "split", "metric")]
    values = zip(
        *columns,
        *(table[name].to_pylist() for name in ("id", "entity", "value")),
        strict=True,
    )
    for *key, split, metric, item, entity, value in values:
        own = found[Key(*key)]
        if metric == RIGHT:
            own.right[item] = value >= 1
            own.entities[item] = entity
        elif value >= 1:
            own.recovered.setdefault(split.partition("/")[2], []).append(item)
    return dict(found)


def _kept(table: pa.Table) -> pa.Table:
    """The rows of shown models that are a direct answer, or a single probe's."""
    probes = [f"{SPLIT}/{name}" for name in registry.names("probe")]
    direct = pc.and_(pc.equal(table["metric"], RIGHT), pc.equal(table["split"], SPLIT))
    asked = pc.and_(
        pc.is_in(table["metric"], pa.array(RECOVERED)), pc.is_in(table["split"], pa.array(probes))
    )
    shown = pc.is_in(table["role"], pa.array([role.value for role in SHOWN]))
    return table.filter(pc.and_(shown, pc.or_(direct, asked)))
