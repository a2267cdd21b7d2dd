"""What a reader of a run's table must know, in sentences beside the table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from uqs import io
from uqs.errors import DataError

NOTES = "notes.json"


def write_notes(run: Path, lines: Sequence[str]) -> None:
    """Write the sentences into a run folder."""
    io.write_text(run / NOTES, json.dumps(list(lines), ensure_ascii=False, indent=1) + "\n")


def read_notes(run: Path) -> tuple[str, ...]:
    """The sentences of a run folder; none where an earlier version made it. Raises DataError for other
    files of that name."""
    file = run / NOTES
    if not file.exists():
        return ()
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"is not readable ({error})", file=file) from None
    if not isinstance(found, list) or not all(isinstance(line, str) for line in found):
        raise DataError("is no list of sentences; run the study again", file=file)
    return tuple(found)
