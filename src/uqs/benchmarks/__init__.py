"""Benchmarks: one file each; `load` finds, reads and checks one edition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from uqs import registry
from uqs.benchmarks import checks, hub
from uqs.benchmarks._progress import shown_by
from uqs.benchmarks._recognise import recognise
from uqs.benchmarks.cards import card_of
from uqs.benchmarks.limit import asked, limited
from uqs.benchmarks.options import options_of, read_options
from uqs.benchmarks.own_holdout import exchanged, parted
from uqs.benchmarks.prompts import OPTION, laid_out, layouts_of
from uqs.errors import DataError, UserError
from uqs.judging.rules import check_all
from uqs.progress import Display
from uqs.records import Benchmark

__all__ = ["Loader", "edition_path", "generalises", "judges_of", "load", "plain_edition"]

_EMBEDDED = Path(__file__).with_name("tiny")


class Loader(Protocol):
    """A benchmark's loader: a frozen dataclass whose fields are its options."""

    def load(self, path: Path, edition: str) -> Benchmark:
        """Read and check the edition in the folder `path`; DataError where the data are bad."""
        ...


def edition_path(name: str, edition: str) -> Path:
    """The folder of an edition: `tiny` is embedded, anything else is a folder of the user's, or
    `OWNER/NAME@COMMIT` of the hub, which is fetched unless it was before."""
    registry.check("benchmark", name)
    path = _EMBEDDED / name if edition == "tiny" else Path(edition)
    if not path.is_dir() and hub.is_named(edition) and not path.parent.is_dir():
        return hub.folder(edition)
    if not path.is_dir():
        ways = f"'{name}:tiny' or " if (_EMBEDDED / name).is_dir() else ""
        missing = "no tiny edition" if edition == "tiny" else f"no folder {str(path)!r}"
        raise UserError(
            f"{name}: {missing}; write {ways}'{name}:FOLDER' with the data, or '{name}:OWNER/NAME@COMMIT' to "
            "fetch a release from the hub"
        )
    return path


def load(
    spec: str, options: Mapping[str, object] | None = None, display: Display | None = None
) -> Benchmark:
    """Load `name:tiny` (embedded), `name:FOLDER` (the same files as the real release), or
    `name:OWNER/NAME@COMMIT` (the release on the Hugging Face hub).

    `name:tiny#4` is a part for a quick try: four entities per split. `name:FOLDER&forget=5` sets an option, a
    field of the benchmark's loader; `options` sets more of them. With `&prompts=release` questions are asked
    as the release asks them. `name:FOLDER&holdout=OTHER:EDITION`, after all options, has the holdout of
    another edition or benchmark. The reading of large files is shown on `display`.
    UserError for an unknown name, folder or option; DataError, naming file, row and field, for bad data.
    What was left out or is to be known is in the benchmark's `notes`.
    """
    name, _, given = spec.partition(":")
    registry.check("benchmark", name)
    whole, entities = asked(given)
    whole, other = parted(whole)
    edition, written = options_of(whole)
    if not edition:
        raise UserError(f"benchmark {spec!r} names no edition; write '{name}:tiny'")
    loader = registry.get("benchmark", name)
    layouts = layouts_of(name, written.pop(OPTION, None))
    opened = loader(**read_options(loader, name, written, options or {}))
    with shown_by(display):
        path = edition_path(name, edition)
    try:
        with shown_by(display):
            found: Benchmark = replace(opened.load(path, edition), edition=whole)
        found = replace(found, generalises=generalises(spec))
        if other is not None:
            found = exchanged(found, load(other, display=display))
        found = replace(found, notes=(*found.notes, *checks.check(found)))
    except DataError as error:
        raise _hinted(error, name, path) from None
    except (
        ValueError
    ) as error:  # what a record refuses: overlapping splits, doubled ids, empty texts
        raise UserError(f"{spec}: {error}") from error
    found = laid_out(replace(found, judges=judges_of(spec)), layouts)
    return found if entities is None else limited(found, entities)


def plain_edition(edition: str) -> str:
    """An edition without its options, limit and other holdout."""
    return options_of(parted(asked(edition)[0])[0])[0]


def _hinted(error: DataError, name: str, path: Path) -> DataError:
    """The error, with the name of the benchmark that the folder looks like if it is another one."""
    other = recognise(path)
    card = None if other in (None, name) else card_of(str(other))
    if card is None:
        return error
    problem = f"{error.problem}; this folder looks like {card.title}: write '{other}:{path}'"
    return DataError(problem, file=error.file, row=error.row, field=error.field)


def generalises(spec: str) -> bool:
    """Whether what `name:edition` asks of one entity can be answered from what is learnt of others:
    `generalises` of the loader."""
    return bool(getattr(registry.get("benchmark", spec.partition(":")[0]), "generalises", False))


def judges_of(spec: str) -> Mapping[str, str]:
    """The rules by which answers of `name:edition` count as right, by task: `judges` of the loader.

    A loader whose data may name their own has `judges_in`, which reads them from the edition's folder. The
    embedded editions are judged strictly: models learn their short answers word by word.
    """
    name, _, given = spec.partition(":")
    edition = plain_edition(given)
    if edition == "tiny":
        return {}
    loader = registry.get("benchmark", name)
    judges: Mapping[str, str] = (
        loader.judges_in(Path(edition))
        if hasattr(loader, "judges_in")
        else getattr(loader, "judges", {})
    )
    try:
        check_all(judges)
    except ValueError as error:
        raise UserError(f"{name}: {error}") from None
    return judges
