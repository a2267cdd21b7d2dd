"""Draws the figures of a results table into files."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from uqs.errors import UserError
from uqs.report.chosen import chosen
from uqs.report.evidence import gather
from uqs.report.files import write_all
from uqs.report.latex import escaped
from uqs.report.visible import visible

if TYPE_CHECKING:
    from uqs.report.figures.canvas import Drawing

Format = Literal["pdf", "svg", "png"]
FORMATS: tuple[Format, ...] = ("pdf", "svg", "png")
CAPTIONS, INCLUDES = "captions.txt", "figures.tex"


def write(results: Path, out: Path, formats: str, only: Sequence[str] = ()) -> list[str]:
    """Write figures and their captions into a folder; a line for each, or why it is left out.

    `formats` and `only` are names with commas between them. Raises UserError for unknown names, for results
    that cannot be read, and without matplotlib. Nothing is written if a figure cannot be drawn.
    """
    kinds = chosen([formats], FORMATS, "format")
    if find_spec("matplotlib") is None:
        raise UserError("matplotlib is not installed; figures need: pip install 'uqs[figures]'")
    from uqs.report.figures.canvas import Missing, encoded
    from uqs.report.figures.catalogue import DRAWS, drawn

    names = chosen(only, list(DRAWS), "figure") or list(DRAWS)
    found = gather(results)
    files: dict[str, bytes] = {}
    drawings: list[Drawing] = []
    lines = []
    for name in names:
        figures = drawn(name, found)
        if isinstance(figures, Missing):
            lines.append(f"{name}: left out; {figures.reason}")
            continue
        drawings += figures
        for one in figures:
            made = {f"{one.name}.{kind}": encoded(one, kind) for kind in FORMATS if kind in kinds}
            files |= made
            lines.append(f"{one.name}: {', '.join(str(out / file) for file in made)}")
    if drawings:
        files[CAPTIONS] = captions(drawings).encode()
    if drawings and "pdf" in kinds:
        files[INCLUDES] = includes(drawings).encode()
    if files:
        write_all(out, files)
    return lines


def captions(drawings: Sequence[Drawing]) -> str:
    """All captions as plain text, a paragraph each."""
    return "".join(f"{one.name}: {visible(one.caption)}\n\n" for one in drawings)


def includes(drawings: Sequence[Drawing]) -> str:
    """LaTeX that puts every figure into one column, with its caption."""
    parts = [
        "\\begin{figure}\n\\centering\n"
        f"\\includegraphics[width=\\linewidth]{{{one.name}.pdf}}\n"
        f"\\caption{{{escaped(one.caption)}}}\n\\label{{fig:uqs-{one.name.replace('_', '-')}}}\n"
        "\\end{figure}\n"
        for one in drawings
    ]
    return "% needs \\usepackage{graphicx}\n" + "".join(parts)
