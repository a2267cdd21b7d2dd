"""A holdout of the user's own: for models that were trained on the benchmark's."""

from __future__ import annotations

import re
from dataclasses import replace

from uqs.records import Benchmark

MARK = "&holdout="
"""Stands between an edition and the benchmark that gives its holdout: `DATA&holdout=mllmu_bench:tiny`."""

_OTHER = re.compile(r"&holdout=(?!\d+(?:&|$))")
"""A number after the mark is an option of the loader, how many entities are held out."""


def with_holdout(spec: str, other: str | None) -> str:
    """The name of a benchmark's edition with the holdout of another, if one is given."""
    return spec if other is None else f"{spec}{MARK}{other}"


def parted(edition: str) -> tuple[str, str | None]:
    """The edition and the benchmark whose holdout replaces its own, None where it keeps its own."""
    whole, *other = _OTHER.split(edition, maxsplit=1)
    return whole, other[0] if other else None


def exchanged(data: Benchmark, other: Benchmark) -> Benchmark:
    """`data` with the holdout split of `other`; the edition says so, and so do all rows and reports.

    Raises ValueError if a person or a picture of it is among those that models learn or that are measured.
    """
    holdout = other.evaluate["holdout"]
    others = [split for name, split in data.evaluate.items() if name != "holdout"]
    used = [sample for split in (*data.learn.values(), *others) for sample in split.samples]
    entities = {sample.entity for sample in used}
    shown = {sample.picture.content for sample in used if sample.picture}
    for sample in holdout.samples:
        if sample.entity in entities or (sample.picture and sample.picture.content in shown):
            raise ValueError(
                f"the holdout of {other.name}:{other.edition} is no other data: sample {sample.id!r} has an "
                f"entity or a picture of {data.name}:{data.edition}"
            )
    return replace(
        data,
        edition=f"{data.edition}{MARK}{other.name}:{other.edition}",
        data_hash=f"{data.data_hash}{MARK}{other.data_hash}",
        evaluate={**data.evaluate, "holdout": holdout},
    )
