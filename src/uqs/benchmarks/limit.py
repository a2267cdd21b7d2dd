"""A part of a benchmark for a quick try: some entities per split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from uqs.errors import UserError
from uqs.records import Benchmark, Split

MARK = "#"
"""Stands between an edition and the number of entities: `tiny#4`."""
FEWEST = 2
"""Entities of which something can be said."""


def asked(edition: str) -> tuple[str, int | None]:
    """The edition and the number of entities that it is limited to, None where it is whole."""
    whole, mark, number = edition.rpartition(MARK)
    if not mark or not (number.isascii() and number.isdigit()):
        return edition, None
    if int(number) < FEWEST:
        raise UserError(
            f"a limit of {number} entities per split is too small: at least {FEWEST} are needed"
        )
    return whole, int(number)


def with_limit(spec: str, entities: int | None) -> str:
    """The name of a benchmark's edition with a limit, if there is one."""
    return spec if entities is None else f"{spec}{MARK}{entities}"


def limited(data: Benchmark, entities: int) -> Benchmark:
    """The first `entities` of every split, in the order in which it names them.

    Splits that begin with `forget`, or with `retain`, keep the same entities everywhere. The edition says
    that it is a part, and so do all rows and reports.
    """
    kept = {name: _first(data.evaluate[name], entities) for name in ("forget", "retain")}

    def part(splits: Mapping[str, Split]) -> dict[str, Split]:
        found = {}
        for name, split in splits.items():
            own = kept.get(name.partition("_")[0]) or _first(split, entities)
            found[name] = Split(name, tuple(s for s in split.samples if s.entity in own))
        return found

    return replace(
        data,
        edition=f"{data.edition}{MARK}{entities}",
        data_hash=f"{data.data_hash}{MARK}{entities}",
        learn=part(data.learn),
        unlearn=part(data.unlearn),
        evaluate=part(data.evaluate),
    )


def _first(split: Split, entities: int) -> frozenset[str]:
    return frozenset(list(dict.fromkeys(sample.entity for sample in split.samples))[:entities])
