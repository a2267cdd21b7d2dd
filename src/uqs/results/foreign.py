"""Recognises files that are not tables by their first bytes."""

from __future__ import annotations

_STARTS = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel file (.xls); save it as CSV"),
    (b"%PDF", "a PDF file; copy the table into a CSV file"),
    (b"SQLite format 3\x00", "an SQLite database; export the table as CSV"),
    (b"version https://git-lfs.github.com/spec", "a Git LFS pointer; run `git lfs pull`"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file; save the table as Parquet or CSV"),
    (b"\x93NUMPY", "a NumPy array; save the table as Parquet or CSV"),
    (b"ARROW1", "an Arrow or Feather file; save it as Parquet"),
    (b"\x28\xb5\x2f\xfd", "a file compressed by zstd; unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"\x89PNG\r\n\x1a\n", "an image; type its numbers into a CSV file"),
    (b"\xff\xd8\xff", "an image; type its numbers into a CSV file"),
    (b"GIF8", "an image; type its numbers into a CSV file"),
    (b"{\\rtf", "a text document (RTF); save the table as CSV"),
    (b"ORC", "an ORC file; save it as Parquet"),
    (b"Obj\x01", "an Avro file; save it as Parquet"),
    (b"RDX", "an R data file; save the table as CSV"),
    (b"\x7fELF", "a program"),
)
_ZIPS = (
    (b"xl/", "an Excel file; save it as CSV"),
    (b"opendocument.spreadsheet", "an OpenDocument spreadsheet; save it as CSV"),
    (b"word/", "a Word document; copy the table into a CSV file"),
    (b".npy", "a NumPy archive; save the table as Parquet or CSV"),
    (b"data.pkl", "a PyTorch file, which does not contain a table"),
)
_MARKUP = (
    (b"<!doctype html", "an HTML page; save the table as CSV"),
    (b"<html", "an HTML page; save the table as CSV"),
    (b"<table", "an HTML table; save it as CSV"),
    (b"<?xml", "an XML file; save the table as CSV"),
)


def looks_like(data: bytes) -> str | None:
    """What the file is and what to do; None if it may be a table. Nothing in it is run or unpickled."""
    for start, words in _STARTS:
        if data.startswith(start):
            return words
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        for inside, words in _ZIPS:
            if inside in data:
                return words
        return "a zip archive; unpack it"
    if data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "a pickle, which is never opened; save the table as Parquet or CSV"
    if data[257:262] == b"ustar":
        return "a tar archive; unpack it"
    start = data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for tag, words in _MARKUP:
        if start.startswith(tag):
            return words
    return None
