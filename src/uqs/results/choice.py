"""Which columns of a table are read, under which names, and which are in percent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from uqs.errors import DataError, UserError
from uqs.results.raw import File


@dataclass(frozen=True)
class Choice:
    """`rename` applies first; the other options use the new names.

    `columns` keeps only these metrics (keys are always kept), `drop` leaves columns or metrics out,
    `percent` divides the values of these metrics, and their errors, by 100.
    """

    columns: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    percent: tuple[str, ...] = ()


EVERYTHING = Choice()


def parse(
    columns: Sequence[str], drop: Sequence[str], rename: Sequence[str], percent: Sequence[str]
) -> Choice:
    """From command-line options: comma-separated names, OLD=NEW for `rename`. Raises UserError."""
    found: dict[str, str] = {}
    for word in rename:
        old, _, new = word.rpartition("=")
        if not old.strip() or not new.strip():
            raise UserError(f"--rename {word!r} is not OLD=NEW")
        if old.strip() in found:
            raise UserError(f"--rename names {old.strip()!r} twice")
        found[old.strip()] = new.strip()
    return Choice(
        _names(columns, "--columns"), _names(drop, "--drop"), found, _names(percent, "--percent")
    )


def _names(words: Sequence[str], option: str) -> tuple[str, ...]:
    names = [name.strip() for word in words for name in word.split(",")]
    if not all(names):
        raise UserError(f"{option} has an empty name")
    return tuple(dict.fromkeys(names))


def unknown(option: str, name: str, known: Iterable[str], file: File) -> DataError:
    """The error for a name that the table does not have."""
    listed = ", ".join(dict.fromkeys(known))
    return DataError(
        f"{option} names {name!r}, which is not in the table; it has {listed}", file=file
    )
