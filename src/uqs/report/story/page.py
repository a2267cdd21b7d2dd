"""The report as one HTML page without script, for a screen and for A4 paper."""

from __future__ import annotations

from importlib.resources import files

from uqs.report.analysis import Analysis
from uqs.report.html import Markup, bullets, document, el, grid, hashed, note, table
from uqs.report.story.chapter import Chapter
from uqs.report.story.metrics import said, trusted
from uqs.report.story.models import asked, models
from uqs.report.story.next_steps import next_steps
from uqs.report.story.ranking import limits, methods

CHAPTERS = (asked, models, trusted, said, methods, limits, next_steps)


def page(found: Analysis) -> str:
    """The chapters in order; the same analysis gives the same text."""
    title = f"Report of the study {found.rows[0].study}"
    style = files("uqs.report.story").joinpath("story.css").read_text(encoding="utf-8")
    return document(
        title,
        style,
        el("header", {}, el("h1", {}, title), note(f"UQS {_versions(found)}")),
        el("main", {}, *(_chapter(at, one(found)) for at, one in enumerate(CHAPTERS, start=1))),
        policy=_policy(style),
    )


def _versions(found: Analysis) -> str:
    return ", ".join(sorted({row.version for row in found.rows}))


def _chapter(number: int, one: Chapter) -> Markup:
    """A numbered section; its tables can be as many as there are benchmarks."""
    return el(
        "section",
        {},
        el("h2", {}, f"{number}. {one.title}"),
        bullets(one.sentences),
        one.picture,
        *(
            el(
                "div",
                {"class": "sheet"},
                table(grid(sheet)),
                note(sheet.note) if sheet.note else None,
            )
            for sheet in one.sheets
        ),
    )


def _policy(style: str) -> str:
    """Load nothing, run nothing: only this page's own style."""
    return f"default-src 'none'; style-src {hashed(style)}; base-uri 'none'; form-action 'none'"
