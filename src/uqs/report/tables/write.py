"""Writes the tables of a results table into files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from uqs.report.chosen import chosen
from uqs.report.evidence import Evidence, gather
from uqs.report.files import write_all
from uqs.report.tables import ablation, agreement, reliability, results
from uqs.report.tables.formats import comma_separated, latex, markdown
from uqs.report.tables.table import NoTable, Table

FORMATS: Mapping[str, Callable[[Table], str]] = {
    "tex": latex,
    "md": markdown,
    "csv": comma_separated,
}
TABLES: Mapping[str, Callable[[Evidence], Table | NoTable]] = {
    "results": results.results,
    "ranking": results.ranking,
    "ranks": agreement.ranks,
    "contradictions": agreement.contradictions,
    "tau": agreement.tau,
    "arms": agreement.arms,
    "reliability": reliability.reliability,
    "ablation": ablation.ablation,
    "stability": ablation.stability,
}


def write(of: Path, out: Path, formats: str, only: Sequence[str] = ()) -> list[str]:
    """Write tables into a folder; a line for each, or why it is left out.

    `formats` and `only` are names with commas between them. Raises UserError for unknown names and for
    results that cannot be read. Nothing is written if a table cannot be made.
    """
    kinds = chosen([formats], list(FORMATS), "format")
    names = chosen(only, list(TABLES), "table") or list(TABLES)
    found = gather(of)
    files: dict[str, bytes] = {}
    lines = []
    for name in names:
        made = TABLES[name](found)
        if isinstance(made, NoTable):
            lines.append(f"{name}: left out; {made.reason}")
            continue
        own = {f"{name}.{kind}": FORMATS[kind](made).encode() for kind in kinds}
        files |= own
        lines.append(f"{name}: {', '.join(str(out / file) for file in own)}")
    if files:
        write_all(out, files)
    return lines
