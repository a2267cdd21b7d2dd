"""Shows what a study will take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console

from uqs.report.terminal import Sheet, write_lines, write_sheet
from uqs.text import count

if TYPE_CHECKING:
    from uqs.studies.estimate.estimate import Estimate, OfKind
    from uqs.studies.estimate.ranges import Range

UNITS = ((86400 * 2, 86400, "days"), (3600 * 2, 3600, "h"), (120, 60, "min"), (0, 1, "s"))
"""From so many seconds on, in so many seconds, by this name."""
SIZES = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
DIGITS = 2
"""More would claim to know more."""


def show(found: Sequence[Estimate], console: Console) -> None:
    """Print a table for each device that was measured or counted."""
    first = found[0]
    console.print(
        f"{first.study}: {count(first.exist, 'job')} exist, {first.to_make} to make; nothing was run"
    )
    for one in found:
        console.print()
        write_sheet(console, _sheet(one))
        write_lines(console, _sentences(one))


def _sheet(one: Estimate) -> Sheet:
    kinds = [kind for kind in one.kinds if kind.exist or kind.to_make]
    rows = [_row(kind) for kind in kinds]
    whole = ("in all", one.exist, one.to_make, one.seconds, one.disk, one.memory)
    rows.append(_cells(*whole))
    return Sheet(
        f"{one.study} on {one.device}",
        ("jobs", "exist", "to make", "computing", "disk", "memory of a worker"),
        rows,
        rules=(len(kinds),),
    )


def _row(kind: OfKind) -> tuple[str, ...]:
    return _cells(kind.kind, kind.exist, kind.to_make, kind.seconds, kind.disk, kind.memory)


def _cells(
    name: str, exist: int, to_make: int, seconds: Range, disk: Range, memory: Range
) -> tuple[str, ...]:
    shown = (time(seconds), size(disk), size(memory)) if to_make else ("", "", "")
    return (name, str(exist), str(to_make), *shown)


def _sentences(one: Estimate) -> list[str]:
    if not one.to_make:
        return ["everything exists"]
    workers = count(one.workers, "worker") + (", a device each" if one.workers > 1 else "")
    held = one.memory * float(one.workers)
    return [
        f"with {workers}: {time(one.wall)} from beginning to end, {size(held)} of memory",
        *one.how,
    ]


def time(seconds: Range) -> str:
    """`3.1 to 5.6 min`."""
    return _spanned(seconds, *_unit(seconds.high))


def _unit(seconds: float) -> tuple[float, str]:
    return next((by, name) for least, by, name in UNITS if seconds >= least)


def size(amount: Range) -> str:
    """`1.2 to 1.6 GiB`."""
    by, name = next((one for one in SIZES if amount.high >= one[0]), (1, "B"))
    return _spanned(amount, by, name)


def _spanned(one: Range, by: float, name: str) -> str:
    low, high = (_rounded(value / by) for value in (one.low, one.high))
    return f"{high} {name}" if low == high else f"{low} to {high} {name}"


def _rounded(value: float) -> str:
    """Two digits, without an exponent."""
    if value == 0:
        return "0"
    if value >= 10**DIGITS:
        return f"{float(f'{value:.{DIGITS}g}'):.0f}"
    return f"{value:.{DIGITS}g}"


def tree(found: Sequence[Estimate]) -> dict[str, Any]:
    """The estimates as plain values: seconds and bytes, each from `low` to `high`."""

    def spanned(one: Range) -> dict[str, float]:
        return {"low": one.low, "high": one.high}

    return {
        "study": found[0].study,
        "estimates": [
            {
                "device": one.device,
                "how": list(one.how),
                "workers": one.workers,
                "exist": one.exist,
                "to_make": one.to_make,
                "seconds": spanned(one.seconds),
                "wall_seconds": spanned(one.wall),
                "disk_bytes": spanned(one.disk),
                "memory_bytes_of_a_worker": spanned(one.memory),
                "kinds": [
                    {
                        "kind": kind.kind,
                        "exist": kind.exist,
                        "to_make": kind.to_make,
                        "seconds": spanned(kind.seconds),
                        "disk_bytes": spanned(kind.disk),
                        "memory_bytes_of_a_worker": spanned(kind.memory),
                    }
                    for kind in one.kinds
                ],
            }
            for one in found
        ],
    }
