"""Reads a file into raw cells, by its content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from uqs.errors import DataError
from uqs.results import delimited, json_records, latex, markdown
from uqs.results.encoding import PACKED, as_text
from uqs.results.raw import File, RawTable

Reader = Callable[[str, File], RawTable]
_READERS: dict[str, tuple[str, Reader]] = {
    **dict.fromkeys((".csv", ".tsv", ".tab"), ("CSV", delimited.read)),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), ("JSON", json_records.read)),
    **dict.fromkeys((".md", ".markdown"), ("Markdown", markdown.read)),
    ".tex": ("LaTeX", latex.read),
}
KINDS = "CSV, TSV, JSON, JSON lines, Parquet, Markdown or LaTeX"
_PARQUET = (".parquet", ".pq")


def is_parquet(data: bytes, path: Path) -> bool:
    return data.startswith(b"PAR1") or suffix(path) in _PARQUET


def suffix(path: Path) -> str:
    """`.csv` of `table.csv.gz`."""
    endings = [ending.lower() for ending in path.suffixes]
    if endings and endings[-1] in PACKED:
        endings.pop()
    return endings[-1] if endings else ""


def parse(data: bytes, path: Path) -> RawTable:
    """The cells of a text file: the suffix decides the format, else the content does."""
    named = _READERS.get(suffix(path))
    text = as_text(data, named[0] if named else "text", path)
    kind, reader = named or _guessed(text, path)
    if kind == "CSV":
        start = text.lstrip()
        if latex.is_table(text):
            raise DataError("looks like a LaTeX table; name it .tex", file=path)
        if markdown.is_table(text) and start.startswith("|"):
            raise DataError("looks like a Markdown table; name it .md", file=path)
        if start.startswith(("[{", '{"')):
            raise DataError("looks like JSON; name it .json", file=path)
    return reader(text, path)


def _guessed(text: str, path: Path) -> tuple[str, Reader]:
    start = text.lstrip()
    if latex.is_table(text):
        return _READERS[".tex"]
    if markdown.is_table(text):
        return _READERS[".md"]
    if start.startswith(("[", "{")):
        return _READERS[".json"]
    header = start.partition("\n")[0].lower()
    if any(sign in header for sign in ",;\t") and any(key in header for key in delimited.KNOWN):
        return _READERS[".csv"]
    raise DataError(f"is not a readable table; a table may be {KINDS}", file=path)
