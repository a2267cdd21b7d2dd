"""The board as files: one page, or a page for each of several results and one that lists them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from uqs import io
from uqs.errors import UserError
from uqs.report.analysis import Analysis, analyse
from uqs.report.board.page import page, style
from uqs.report.board.samples.gather import gather
from uqs.report.html import bullets, document, el
from uqs.results.public import check_size, wrong_names


def pages(results: Sequence[Path]) -> dict[str, str]:
    """Every page of the board by its path inside the site.

    Raises UserError for results of one name, that are too large, or whose names are paths.
    """
    found = [_analysed(one) for one in results]
    held = [gather(one.rows, path) for one, path in zip(found, results, strict=True)]
    if len(found) == 1:
        return {"index.html": page(found[0], samples=held[0])}
    folders: dict[str, Analysis] = {}
    for one, path in zip(found, results, strict=True):
        folder = re.sub(r"[^A-Za-z0-9_-]+", "-", one.rows[0].study).strip("-") or "study"
        if folder in folders:
            raise UserError(f"{path}: another of the results is also of a study named {folder!r}")
        folders[folder] = one
    made = {
        f"{name}/index.html": page(one, samples=own)
        for (name, one), own in zip(folders.items(), held, strict=True)
    }
    return made | {"index.html": _listing(folders)}


def _analysed(path: Path) -> Analysis:
    file = path if path.is_file() else path / "results.parquet"
    check_size(file)
    found = analyse(path)
    for error in wrong_names(found.rows, file):
        raise error
    return found


def write(results: Sequence[Path], out: Path) -> Path:
    """Write the board into a folder, and return its first page. Nothing is written if any of it fails."""
    made = pages(results)
    for name, text in made.items():
        file = out / name
        file.parent.mkdir(parents=True, exist_ok=True)
        io.write_text(file, text)
    return out / "index.html"


def _listing(folders: Mapping[str, Analysis]) -> str:
    links = [
        el("a", {"href": f"{name}/index.html"}, one.rows[0].study) for name, one in folders.items()
    ]
    title = "UQS boards"
    css, policy = style()
    header = el("header", {}, el("h1", {}, title), bullets(links))
    return document(title, css, header, policy=policy)
