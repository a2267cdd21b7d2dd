"""Reads a LaTeX tabular as papers print it."""

from __future__ import annotations

import re
from typing import NamedTuple

from uqs.errors import DataError
from uqs.results.cells import without_latex
from uqs.results.raw import File, RawTable, of_lines

_KINDS = r"(?:tabular\*?|tabularx|tabulary|longtable|array)"
_BEGIN = re.compile(rf"\\begin\s*\{{({_KINDS})\}}")
_COMMENT = re.compile(r"(?<!\\)%.*")
_RULES = re.compile(
    r"\\(?:toprule|midrule|bottomrule|hline|endhead|endfirsthead|endfoot|endlastfoot)\b(?:\s*\[[^\]]*\])?"
    r"|\\(?:cmidrule|cline)\s*(?:\([a-z]*\))?\s*(?:\[[^\]]*\])?\s*\{[^}]*\}"
    r"|\\(?:addlinespace|specialrule)(?:\s*\[[^\]]*\])?(?:\s*\{[^}]*\})*"
    r"|\\(?:rowcolor|cellcolor|arrayrulecolor)\s*(?:\[[^\]]*\])?\s*\{[^}]*\}"
    r"|\\(?:label|caption)\s*\{[^}]*\}"
)
_GONE = re.compile(
    r"~?\\(?:cite[a-z]*|footnote|footnotemark|phantom)\s*(?:\[[^\]]*\])*\s*\{[^}]*\}"
)
_COLOURED = re.compile(r"\\(?:textcolor|colorbox)\s*(?:\[[^\]]*\])?\s*\{[^}]*\}\s*(?=\{)")
_END_OF_ROW = re.compile(r"\\\\\*?\s*(?:\[[^\]]*\])?|\\tabularnewline\b")
_MULTI = re.compile(r"\\(multirow|multicolumn)\b")


class Cell(NamedTuple):
    """A printed cell: its text, and how many rows and columns it spans."""

    text: str
    rows: int = 1
    columns: int = 1


def is_table(text: str) -> bool:
    return _BEGIN.search(text) is not None


def read(text: str, file: File) -> RawTable:
    """The cells of the only tabular in the text. DataError if there is none, several, or an unusual one.

    A `\\multirow` applies to all rows that it spans. In the header, a `\\multicolumn` over several metrics
    names their benchmark; elsewhere a cell that spans columns is refused.
    """
    text = "\n".join(_COMMENT.sub("", line) for line in text.splitlines())
    rows = _filled([_row(line, file) for line in _lines(text, file)], file)
    spanned = bool(rows) and any(cell.columns > 1 for cell in rows[0])
    if len(rows) < 2 + spanned:
        raise DataError("has no rows", file=file)
    if spanned:
        found = _by_benchmark(rows, file)
        body = len(rows) - 2
        numbers = [number % body + 1 for number in range(len(found) - 1)]
        return RawTable(of_lines(found, file), rows=tuple(numbers))
    return RawTable(of_lines(_texts(rows, file, first=0), file))


def _lines(text: str, file: File) -> list[str]:
    begins = list(_BEGIN.finditer(text))
    if not begins:
        raise DataError("contains no LaTeX tabular", file=file)
    if len(begins) > 1:
        raise DataError(f"has {len(begins)} tabulars; keep one", file=file)
    kind = begins[0][1]
    end = re.search(rf"\\end\s*\{{{re.escape(kind)}\}}", text)
    if end is None:
        raise DataError(f"has no \\end{{{kind}}}", file=file)
    body = text[begins[0].end() : end.start()]
    if kind in ("tabular*", "tabularx", "tabulary"):
        _, body = _argument(body, file)
    body = re.sub(r"^\s*\[[a-z]\]", "", body)
    _, body = _argument(body, file)
    body = _RULES.sub(" ", body)
    return [line for line in _END_OF_ROW.split(body) if line.strip()]


def _argument(text: str, file: File) -> tuple[str, str]:
    """The text in the leading braces, and the rest."""
    start = text.lstrip()
    if not start.startswith("{"):
        raise DataError("is not readable LaTeX (a brace is missing)", file=file)
    depth = 0
    for at, sign in enumerate(start):
        if at and start[at - 1] == "\\":
            continue
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            return start[1:at], start[at + 1 :]
    raise DataError("is not readable LaTeX (a brace is not closed)", file=file)


def _row(line: str, file: File) -> list[Cell]:
    return [_cell(part, file) for part in re.split(r"(?<!\\)&", line)]


def _cell(text: str, file: File) -> Cell:
    """Read a cell; a `\\multicolumn` may hold a `\\multirow`."""
    rows = columns = 1
    while (found := _MULTI.search(text)) is not None:
        before, rest = text[: found.start()], text[found.end() :]
        rest = re.sub(r"^\s*\[[^\]]*\]", "", rest)
        count, rest = _argument(rest, file)
        _, rest = _argument(re.sub(r"^\s*\[[^\]]*\]", "", rest), file)
        inner, after = _argument(re.sub(r"^\s*\[[^\]]*\]", "", rest), file)
        try:
            size = int(count)
        except ValueError:
            raise DataError(f"\\{found[1]}{{{count}}} has no count", file=file) from None
        if size < 1:
            problem = (
                f"\\{found[1]}{{{count}}} spans no whole rows down; print the cell on its first row"
            )
            raise DataError(problem, file=file)
        rows, columns = (size, columns) if found[1] == "multirow" else (rows, size)
        text = before + inner + after
    text = _COLOURED.sub("", _GONE.sub("", text))
    return Cell(without_latex(text.replace("~", " ")), rows, columns)


def _filled(rows: list[list[Cell]], file: File) -> list[list[Cell]]:
    """The rows with every `\\multirow` repeated in the empty cells that it spans."""
    spans: dict[int, Cell] = {}
    found = []
    for number, row in enumerate(rows):
        full, at = [], 0
        for cell in row:
            above = spans.pop(at, None)
            if above is not None:
                if cell.text:
                    problem = f"{cell.text!r} stands where {above.text!r} spans"
                    raise DataError(problem, file=file, row=number)
                cell = above
            if cell.rows > 1:
                spans[at] = cell._replace(rows=cell.rows - 1)
            full.append(cell)
            at += cell.columns
        found.append(full)
    return found


def _texts(rows: list[list[Cell]], file: File, first: int) -> list[list[str]]:
    for number, row in enumerate(rows, start=first):
        for cell in row:
            if cell.columns > 1:
                problem = f"{cell.text!r} spans {cell.columns} columns; give it a column of its own"
                raise DataError(problem, file=file, row=number)
    return [[cell.text for cell in row] for row in rows]


def _by_benchmark(rows: list[list[Cell]], file: File) -> list[list[str]]:
    """Unfold a two-line header (benchmarks above their metrics) to one row per benchmark and method."""
    over: list[str] = []
    for cell in rows[0]:
        over += [cell.text if cell.columns > 1 else ""] * cell.columns
    under, *body = _texts(rows[1:], file, first=0)
    above = [cell.text for cell in rows[0] for _ in range(cell.columns)]
    if len(under) != len(over):
        raise DataError(f"the header's lines have {len(over)} and {len(under)} cells", file=file)
    keys = [at for at, name in enumerate(over) if not name]
    names = [under[at] or above[at] for at in keys]
    if "benchmark" in (name.lower() for name in names):
        raise DataError("has a column of benchmarks and cells that span metrics", file=file)
    benchmarks = [name for name in dict.fromkeys(over) if name]
    metrics = list(dict.fromkeys(under[at] for at, name in enumerate(over) if name))
    found = [["benchmark", *names, *metrics]]
    for number, line in enumerate(body, start=1):
        if len(line) != len(over):
            raise DataError(f"has {len(line)} cells, not {len(over)}", file=file, row=number)
    for benchmark in benchmarks:
        place = {under[at]: at for at, name in enumerate(over) if name == benchmark}
        if len(place) < over.count(benchmark):
            raise DataError("a second column of a metric", file=file, field=benchmark)
        found += [
            [
                benchmark,
                *(line[at] for at in keys),
                *(line[place[metric]] if metric in place else "" for metric in metrics),
            ]
            for line in body
        ]
    return found
