"""What lies beside a results table: items, and the jobs of its run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from uqs.errors import UserError
from uqs.report.board.samples import recorded, verdicts
from uqs.report.board.samples.models import Key
from uqs.report.board.samples.recorded import Folders
from uqs.report.board.samples.verdicts import Verdicts
from uqs.training_extra import require_training_extra

NO_ITEMS = (
    "The table stands without items.parquet: which questions are answered right is not known."
)


@dataclass(frozen=True)
class Known:
    """`lacks` says in words what is missing for all models."""

    verdicts: Mapping[Key, Verdicts]
    folders: Folders
    lacks: tuple[str, ...]


def beside(run: Path) -> Known:
    """Of a run folder, or of a results file. Raises DataError for what cannot be read."""
    folder = run if run.is_dir() else run.parent
    ours = run.is_dir() or run.name == "results.parquet"
    lacks = []
    file = folder / "items.parquet"
    said = verdicts.read(file) if ours and file.is_file() else {}
    if not said:
        lacks.append(NO_ITEMS)
    jobs = Folders({}, {})
    if ours and (folder / "jobs").is_dir():
        try:
            require_training_extra("showing answers")
        except UserError as error:
            lacks.append(f"Answers are not shown: {error}.")
        else:
            jobs = recorded.folders(folder)
    return Known(said, jobs, tuple(lacks))
