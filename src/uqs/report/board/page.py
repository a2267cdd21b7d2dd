"""The page: what was run, how far to trust it, which method is first, and all numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from uqs.benchmarks import plain_edition
from uqs.records import Role
from uqs.report import words
from uqs.report.analysis import Analysis, tree
from uqs.report.board.live.data import board
from uqs.report.board.live.packing import embedded, packed
from uqs.report.board.live.sample_schema import Samples
from uqs.report.board.metrics import metrics, picture
from uqs.report.board.protocol import points
from uqs.report.board.published import packaged
from uqs.report.board.ranking import ranking, worth
from uqs.report.board.trust import agreement, order, reliability
from uqs.report.gates import Gates
from uqs.report.headlines import headlines
from uqs.report.html import (
    Cell,
    Column,
    Grid,
    Markup,
    bullets,
    details,
    document,
    el,
    hashed,
    join,
    note,
    table,
    text,
)
from uqs.results import SCHEMA
from uqs.text import count, number


@dataclass(frozen=True)
class Section:
    """A section of the page with its title."""

    title: str
    short: str
    anchor: str
    content: Markup


SCRIPTS = ("board.js", "live/app.js")
"""What sorts the plain page, and the application, which stands before it where there is script."""
PACKED = "application/gzip"
"""What a script element holds that the page unpacks itself, in base64."""
MOST_ROWS = 20_000
"""Of a table whose numbers a page holds; the 3,549 of the tiny study take 0.3 MB."""
TINY = (
    "Tiny edition: small drawn pictures and a very small model. Every number is really measured, but it"
    " tells how the measures behave here, not how good a method is on a real vision-language model."
)
WORDS = (
    ("FA, RA", "share of right answers on the forget set and on the retain set"),
    (
        "MIA",
        "how far a loss attack tells forget from holdout questions: 0, not at all; 1, perfectly",
    ),
    ("MIA AUC", "the same as an area under the curve: 0.5, not at all"),
    (
        "AD, JS",
        "distance of activations and of answer distributions to the oracle, on the forget set",
    ),
    ("oracle distance", "distance of the weight updates to the oracle's"),
    ("functional distance", "JS to the oracle on the holdout set"),
    ("UQS", "weighted sum of FA, RA, MIA, AD and JS, each turned so that 1 is best"),
    ("original", "the model before unlearning, trained on forget and retain"),
    ("oracle", "the same start trained on retain only: what unlearning tries to reach"),
    ("noise floor", "how far two oracles that differ in seed alone lie apart"),
)


def page(
    found: Analysis,
    numbers: Mapping[str, Any] | None = None,
    samples: Samples | None = None,
) -> str:
    """The whole board as one HTML document; the same analysis gives the same text.

    `numbers` is the analysis as plain values, where it was made (`uqs.report.analysis.tree`); `samples`
    what is known of single questions (`uqs.report.board.samples`).
    """
    sections = _sections(found)
    title = f"UQS board: {found.rows[0].study}"
    links = [el("a", {"href": f"#{one.anchor}"}, one.short) for one in sections]
    return document(
        title,
        _file("board.css"),
        el("a", {"class": "skip", "href": "#main"}, "To the content"),
        el(
            "header",
            {},
            el("h1", {}, title),
            _short(found),
            _facts(found),
            details("Notes on base and data", bullets(found.notes)) if found.notes else None,
            _banners(found),
        ),
        el("div", {"id": "app"}),
        el("nav", {"aria-label": "Sections"}, *links),
        el("main", {"id": "main"}, *(_section(one) for one in sections)),
        *_numbers(found, numbers),
        el("script", {"type": "application/json", "id": "board"}, embedded(board(found))),
        el("script", {"type": "application/json", "id": "published"}, embedded(packaged())),
        _packed("samples", samples or Samples(pictures=[], sheets=[])),
        *(el("script", {}, Markup(_file(name))) for name in SCRIPTS),
        policy=_policy(),
    )


def _short(found: Analysis) -> Markup:
    """The answers, which the printed report begins with too."""
    named = {"id": "short", "aria-labelledby": "short-title"}
    heading = el("h2", {"id": "short-title"}, "In short")
    return el("section", named, heading, bullets(headlines(found)))


def style() -> tuple[str, str]:
    """The style sheet, and the policy of a page that has no script."""
    css = _file("board.css")
    return css, _allowed([css], [])


def _policy() -> str:
    return _allowed([_file("board.css")], [_file(name) for name in SCRIPTS])


def _allowed(styles: list[str], scripts: list[str]) -> str:
    """The content security policy: load nothing, run only this page's own style and scripts.

    Pictures that the page itself has made may be shown: a chart becomes a PNG through one.
    """
    style, script = (" ".join(map(hashed, some)) or "'none'" for some in (styles, scripts))
    return (
        f"default-src 'none'; style-src {style}; script-src {script}; img-src blob:;"
        " base-uri 'none'; form-action 'none'"
    )


def _file(name: str) -> str:
    return files("uqs.report.board").joinpath(name).read_text(encoding="utf-8")


def _numbers(found: Analysis, analysis: Mapping[str, Any] | None) -> Iterator[Markup]:
    """Results and analysis as JSON; nothing where they would swell the page."""
    if len(found.rows) > MOST_ROWS:
        return
    columns = [name for name in SCHEMA.names if name != "seconds"]
    rows = [[getattr(row, name) for name in columns] for row in found.rows]
    content = {"results": {"columns": columns, "rows": rows}, "analysis": analysis or tree(found)}
    yield _packed("numbers", content)


def _packed(name: str, content: object) -> Markup:
    return el("script", {"type": PACKED, "id": name}, packed(content))


def _sections(found: Analysis) -> list[Section]:
    overall = join([ranking(found.overall), worth(found.overall)])
    agreeing = agreement(found.audit, found.stopped)
    following = reliability(found.audit, found.stopped)
    trusted = join(
        [
            bullets(found.cautions) if found.cautions else None,
            details("In detail", bullets(found.audit.verdicts)),
            order(found.audit, found.stopped),
        ]
    )
    return [
        Section("Ranking", "Ranking", "ranking", overall),
        Section("What can be trusted", "Trust", "trust", trusted),
        *(
            Section(name, name, f"benchmark-{at}", _benchmark(found, name))
            for at, name in enumerate(found.summary.benchmarks, start=1)
        ),
        Section("Do the metrics agree?", "Agreement", "agreement", agreeing),
        Section("Which metric follows the oracle?", "Oracle", "oracle", following),
        Section("The evaluation protocol", "Protocol", "protocol", points(found)),
        Section("Gates", "Gates", "gates", _gates(found)),
        Section("Words and sources", "Words", "sources", _sources(found)),
    ]


def _section(one: Section) -> Markup:
    heading = el("h2", {"id": f"{one.anchor}-title"}, one.title)
    named = {"id": one.anchor, "aria-labelledby": f"{one.anchor}-title"}
    return el("section", named, heading, one.content)


def _benchmark(found: Analysis, name: str) -> Markup:
    """One benchmark. If its gates failed it has no ranking, but measured originals and oracles."""
    first = _failure(found, name) if name in found.stopped else ranking(found.by_benchmark[name])
    beside = el("div", {"class": "beside"}, el("div", {}, first), picture(found.summary, name))
    return join([beside, metrics(found, name)])


def _facts(found: Analysis) -> Markup:
    summary = found.summary
    models = (
        count(found.models(Role.UNLEARNED), "unlearned model"),
        count(found.models(Role.ORIGINAL), "original"),
        count(found.models(Role.ORACLE), "oracle"),
    )
    seeds = sorted({row.seed for row in found.rows if row.role == Role.UNLEARNED})
    facts = (
        ("Benchmarks", summary.benchmarks),
        ("Methods", sorted({name.partition("@")[0] for name in summary.methods})),
        ("Seeds", [str(seed) for seed in seeds]),
        ("Trained", models),
        ("Base model", sorted({row.model for row in found.rows})),
        ("UQS", sorted({row.version for row in found.rows})),
    )
    return el(
        "dl",
        {"class": "facts"},
        *(
            el("div", {}, el("dt", {}, name), el("dd", {}, ", ".join(values)))
            for name, values in facts
        ),
    )


def _banners(found: Analysis) -> Markup:
    tiny = any(plain_edition(row.edition) == "tiny" for row in found.rows)
    return join(
        [
            el("p", {"class": "banner"}, TINY) if tiny else None,
            *(_failure(found, name) for name in found.stopped),
            *(
                _left_out(name, gates)
                for name, gates in found.gates.items()
                if gates.passed and gates.dropped
            ),
        ]
    )


def _failure(found: Analysis, name: str) -> Markup:
    checks = bullets(words.check(check) for check in found.stopped[name].failed)
    sentence = f"{name} failed its gates: nothing was unlearned on it and nothing is ranked there."
    return el("div", {"class": "banner bad"}, el("strong", {}, sentence), checks)


def _left_out(name: str, gates: Gates) -> Markup:
    checks = bullets(words.check(check) for check in gates.failed)
    sentence = f"{name}: {words.dropped(gates)}."
    return el("div", {"class": "banner bad"}, el("strong", {}, sentence), checks)


def _gates(found: Analysis) -> Markup:
    if not found.gates:
        return note("The run contains no gates.")
    rows = [
        [
            text(name),
            text(check.words),
            text(check.who),
            Cell("undefined") if check.value is None else Cell(number(check.value), check.value),
            Cell(f"{check.rule} {number(check.limit)}", check.limit),
            Cell(
                *(("passed",) * 2 if check.passed else ("FAILED",) * 2),
                style=_outcome(check.passed),
            ),
        ]
        for name, gates in found.gates.items()
        for check in gates.checks
    ]
    columns = [
        Column("benchmark", words=True),
        Column("what must hold", words=True),
        Column("model", words=True),
        Column("value"),
        Column("asked for"),
        Column("outcome", words=True),
    ]
    return table(Grid("What held before anything was unlearned", columns, rows))


def _outcome(passed: bool) -> str:
    return "good" if passed else "bad"


def _sources(found: Analysis) -> Markup:
    meanings = [
        part for word, meaning in WORDS for part in (el("dt", {}, word), el("dd", {}, meaning))
    ]
    return join(
        [
            el("dl", {"class": "glossary"}, *meanings),
            details("Methods and data", table(_methods(found)), table(_data(found))),
            el("p", {}, _download(len(found.rows))),
        ]
    )


def _download(rows: int) -> Markup | str:
    if rows > MOST_ROWS:
        return (
            f"The table has {rows:,} rows, too many for a page: all numbers are in the run's results.parquet "
            "and report/analysis.json."
        )
    return el("button", {"type": "button", "id": "download"}, "Download all numbers (JSON)")


def _methods(found: Analysis) -> Grid:
    made = sorted(
        {
            (row.method, row.strength, row.hyperparameters)
            for row in found.rows
            if row.role == Role.UNLEARNED
        }
    )
    columns = [Column(name, words=True) for name in ("method", "strength", "hyperparameters")]
    return Grid("Methods", columns, [[text(word) for word in line] for line in made])


def _data(found: Analysis) -> Grid:
    read = sorted({(row.benchmark, row.edition, row.data_hash) for row in found.rows})
    columns = [Column(name, words=True) for name in ("benchmark", "edition", "hash of the data")]
    return Grid("Data", columns, [[text(word) for word in line] for line in read])
