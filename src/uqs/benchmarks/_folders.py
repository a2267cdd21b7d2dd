"""Folders as people have them: what lies in them without being data, and files that are not there yet."""

from __future__ import annotations

from pathlib import Path

from uqs.errors import DataError

_JUNK = frozenset({"__macosx", "thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r", "__pycache__"})
_POINTER = b"version https://git-lfs.github.com/spec/"
TABLES = (".parquet", ".jsonl", ".json")


def is_junk(path: Path) -> bool:
    """Whether an operating system or a tool left it there; hidden files are such."""
    return path.name.startswith(".") or path.name.casefold() in _JUNK


def entries(folder: Path) -> list[Path]:
    """What is in a folder, sorted, without junk; DataError where it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if not is_junk(path))
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", file=folder) from None


def refuse_pointer(start: bytes, file: Path) -> None:
    """DataError where a file, by its first bytes, is what Git LFS leaves in the place of the data."""
    if start.startswith(_POINTER):
        raise DataError("is a Git LFS pointer, not the data; run 'git lfs pull' there", file=file)


def read_bytes(file: Path) -> bytes:
    """A file's content; DataError where it cannot be read or is a Git LFS pointer."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise DataError("no such file", file=file) from None
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", file=file) from None
    refuse_pointer(data[:100], file)
    return data


def within(folder: Path, name: str) -> Path | None:
    """The file of that relative name inside a folder, or None: never one outside of it."""
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder.resolve()) and path.is_file() else None


def table_files(root: Path, config: str) -> list[Path]:
    """The files of a configuration: `<config>/*.parquet`, *.jsonl or *.json, or `<config>.parquet`, ...

    A release splits some configurations into several files. DataError where there are none, or of two kinds.
    """
    for place in (root / config, root / "data" / config):
        found = [f for f in entries(place) if f.suffix in TABLES] if place.is_dir() else []
        # identifiers of people stand beside some configurations, as forget_ids.json
        found = [f for f in found if not f.stem.endswith("_ids")]
        found += [f for s in TABLES if (f := place.parent / f"{place.name}{s}").is_file()]
        if len({file.suffix for file in found}) > 1:
            raise DataError(
                f"holds this configuration twice: {found[0].name} and {found[-1].name}", file=place
            )
        if found:
            return found
    raise DataError(
        "this configuration is missing: a folder with *.parquet files, or a file of its name, is needed",
        file=root / config,
    )


def has_table(root: Path, config: str) -> bool:
    """Whether there are files of a configuration."""
    places = (root / config, root / "data" / config)
    return any(
        place.is_dir() or any(place.with_name(place.name + s).is_file() for s in TABLES)
        for place in places
    )
