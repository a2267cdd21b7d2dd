"""A table as LaTeX (booktabs), as Markdown and as CSV; hostile text stays text in each."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape
from io import StringIO

from uqs.report.latex import escaped
from uqs.report.pages import pages
from uqs.report.tables.table import Table, Value
from uqs.report.terminal import Sheet
from uqs.report.visible import shortened, visible

MOST = 45
"""The most rows of a LaTeX table on a page."""
LONGEST = 80
"""The most characters of a cell that is read."""
_FORMULA = re.compile(r"[=+\-@\t\r]")
_MARKS = re.compile(r"([\\`*_\[\]|~])")
NEEDS = "% needs \\usepackage{booktabs,graphicx}\n"


def latex(table: Table) -> str:
    """A table float per sheet and page; one that is wider than its column is made smaller."""
    sheets = [part for sheet in table.sheets for part in _parts(sheet)]
    parts = [
        _float(sheet, f"tab:uqs-{table.name}" + (f"-{at}" if at > 1 else ""))
        for at, sheet in enumerate(sheets, start=1)
    ]
    return NEEDS + "\n".join(parts)


def _parts(sheet: Sheet) -> Iterator[Sheet]:
    """The sheet in parts that a page can hold."""
    parts = pages(sheet.rows, MOST)
    start = 0
    for at, rows in enumerate(parts, start=1):
        rules = [row - start for row in sheet.rules if start < row < start + len(rows)]
        title = sheet.title if len(parts) == 1 else f"{sheet.title} ({at} of {len(parts)})"
        yield replace(sheet, title=title, rows=rows, rules=rules)
        start += len(rows)
    if not parts:
        yield sheet


def _float(sheet: Sheet, label: str) -> str:
    kinds = "".join("l" if at in sheet.left else "r" for at in range(len(sheet.columns)))
    body = [_line(sheet.columns), "\\midrule"]
    for at, row in enumerate(sheet.rows):
        body += ["\\midrule"] * (at in sheet.rules) + [_line(row)]
    star = "*" if len(sheet.columns) > 6 else ""
    return "\n".join(
        [
            f"\\begin{{table{star}}}",
            "\\centering",
            f"\\caption{{{escaped(_caption(sheet))}}}",
            f"\\label{{{label}}}",
            "\\small",
            "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
            f"\\begin{{tabular}}{{{kinds}}}",
            "\\toprule",
            *body,
            "\\bottomrule",
            "\\end{tabular}}",
            f"\\end{{table{star}}}",
            "",
        ]
    )


def _line(cells: Sequence[str]) -> str:
    return " & ".join(escaped(_short(cell)) for cell in cells) + " \\\\"


def _caption(sheet: Sheet) -> str:
    return f"{sheet.title}. {sheet.note}".strip()


def _short(cell: str) -> str:
    return shortened(" ".join(cell.split()), LONGEST)


def markdown(table: Table) -> str:
    """A heading, a pipe table and a note per sheet."""
    return "\n".join(map(_pipes, table.sheets))


def _pipes(sheet: Sheet) -> str:
    rule = [":---" if at in sheet.left else "---:" for at in range(len(sheet.columns))]
    rows = [sheet.columns, *sheet.rows]
    lines = [f"| {' | '.join(_marked(_short(cell)) for cell in row)} |" for row in rows]
    note = f"\n{_marked(sheet.note)}\n" if sheet.note else ""
    return "\n".join(
        [f"### {_marked(sheet.title)}\n", lines[0], f"| {' | '.join(rule)} |", *lines[1:], note]
    )


def _marked(text: str) -> str:
    """Text that Markdown and the HTML in it show as it is."""
    return escape(_MARKS.sub(r"\\\1", visible(text)), quote=False)


def comma_separated(table: Table) -> str:
    """The records with all their digits; a text that a spreadsheet would take for a formula begins with an
    apostrophe, as in the files that the board saves."""
    out = StringIO()
    columns = list(dict.fromkeys(name for one in table.records for name in one))
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(one.get(name)) for name in columns] for one in table.records)
    return out.getvalue()


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) else value
    return repr(value)
