"""All metrics of a benchmark: means, original, oracle, noise floor; every run; other splits."""

from __future__ import annotations

from uqs.report import words
from uqs.report.analysis import Analysis
from uqs.report.board.pictures import Point, scatter
from uqs.report.html import Cell, Column, Grid, Markup, details, join, note, table, text
from uqs.report.means import Key, Line, Mean, Run, Summary
from uqs.text import DASH, with_error

BETTER = {"lower": "lower is better", "higher": "higher is better", "target": "oracle's is best"}
REFERENCES = (
    ("original", Line.ORIGINAL),
    ("oracle", Line.ORACLE),
    ("noise floor", Line.FLOOR),
)
NOTE = (
    "Mean over seeds ± one standard error (spread between seeds and noise of the items). Small print: the"
    " gap to the oracle, as value minus the oracle's own value, or as a multiple of the distance"
    " between two oracles. The noise floor is that distance, or the difference between the oracles' own"
    " values: a model within it is as near to an oracle as oracles are to each other. It is no error of a"
    " difference between methods, which are all held against the same oracles."
)


def metrics(found: Analysis, benchmark: str) -> Markup:
    """The table of means; on demand also every run and the other splits."""
    summary = found.summary
    return join(
        [
            table(_means(found, benchmark)),
            note(NOTE),
            details("Every run", table(_runs(found, benchmark))),
            _other_splits(summary, benchmark),
        ]
    )


def picture(summary: Summary, benchmark: str) -> Markup | None:
    """FA against RA for every method, the original and the oracle; None if the table lacks them."""
    if not {"FA", "RA"} <= set(summary.metrics):
        return None
    lines: list[tuple[str, int | str, Line, str]] = [
        *((method, at, Line.UNLEARNED, method) for at, method in enumerate(summary.methods)),
        ("original", "original", Line.ORIGINAL, ""),
        ("oracle", "oracle", Line.ORACLE, ""),
    ]
    points = [
        point
        for name, mark, line, method in lines
        if (point := _point(summary, benchmark, name, mark, line, method)) is not None
    ]
    if not points:
        return None
    return scatter(
        f"Forgetting against keeping on {benchmark}: the nearer to the oracle the better",
        "forget accuracy (FA)",
        "retain accuracy (RA)",
        points,
    )


def _point(
    summary: Summary, benchmark: str, name: str, mark: int | str, line: Line, method: str
) -> Point | None:
    fa, ra = (summary.mean(benchmark, line, metric, method) for metric in ("FA", "RA"))
    if fa is None or ra is None or fa.value is None or ra.value is None:
        return None
    title = f"{name}: FA {words.mean(fa)}, RA {words.mean(ra)}"
    runs = _both(summary, benchmark, line, method)
    return Point(name, mark, title, fa.value, ra.value, fa.se or 0.0, ra.se or 0.0, runs)


def _both(summary: Summary, benchmark: str, line: Line, method: str) -> list[tuple[float, float]]:
    """FA and RA of each model that has both."""
    by_seed = []
    for metric in ("FA", "RA"):
        key = Key(benchmark, line, method, metric, summary.headline[metric])
        runs = summary.runs.get(key, ())
        by_seed.append({run.seed: run.value for run in runs if run.value is not None})
    fa, ra = by_seed
    return [(fa[seed], ra[seed]) for seed in sorted(set(fa) & set(ra))]


def _means(found: Analysis, benchmark: str) -> Grid:
    summary = found.summary

    def row(label: str, line: Line, method: str) -> list[Cell]:
        cells = []
        for metric in summary.metrics:
            mean = summary.mean(benchmark, line, metric, method)
            gap = (
                ""
                if line in (Line.ORACLE, Line.FLOOR)
                else words.gap(summary.gap(benchmark, line, metric, method))
            )
            cells.append(_mean(mean, gap))
        return [text(label), *cells]

    return Grid(
        f"All metrics on {benchmark}",
        [Column("model", words=True), *_columns(found)],
        [row(method, Line.UNLEARNED, method) for method in summary.methods],
        [row(label, line, "") for label, line in REFERENCES],
    )


def _columns(found: Analysis) -> list[Column]:
    return [
        Column(
            metric.replace("_", " "),
            "descending" if found.better.get(metric) == "higher" else "ascending",
            BETTER.get(found.better.get(metric, ""), ""),
        )
        for metric in found.summary.metrics
    ]


def _mean(mean: Mean | None, small: str = "") -> Cell:
    """A cell: a number, a word if the number does not exist, or a dash if the metric does not apply."""
    if mean is None:
        return Cell(DASH)
    style = None if mean.value is not None else "status"
    return Cell(words.mean(mean), mean.value, small, style)


def _runs(found: Analysis, benchmark: str) -> Grid:
    summary = found.summary
    seeds = sorted(
        {
            (key.method, run.seed)
            for key, runs in summary.runs.items()
            for run in runs
            if key.benchmark == benchmark and key.line is Line.UNLEARNED
        }
    )
    rows = [
        [
            text(method),
            Cell(str(seed), float(seed)),
            *(_run(summary.run(benchmark, metric, method, seed)) for metric in summary.metrics),
        ]
        for method, seed in seeds
    ]
    columns = [Column("method", words=True), Column("seed"), *_columns(found)]
    return Grid(f"Every run on {benchmark}, with the standard error of the items", columns, rows)


def _run(run: Run | None) -> Cell:
    if run is None:
        return Cell("not measured", style="status")
    if run.value is None:
        return Cell(words.STATUS[run.status], style="status")
    return Cell(with_error(run.value, run.se), run.value)


def _other_splits(summary: Summary, benchmark: str) -> Markup | None:
    others = summary.other_splits(benchmark)
    if not others:
        return None
    lines = [
        *((method, Line.UNLEARNED, method) for method in summary.methods),
        *((label, line, "") for label, line in REFERENCES),
    ]
    rows = [
        [
            text(label),
            *(
                _mean(summary.means.get(Key(benchmark, line, method, metric, split)))
                for metric, split in others
            ),
        ]
        for label, line, method in lines
    ]
    count = len(summary.methods)
    sheet = Grid(
        f"The same metrics on other splits of {benchmark}",
        [
            Column("model", words=True),
            *(Column(metric, hint=split.replace("_", " ")) for metric, split in others),
        ],
        rows[:count],
        rows[count:],
    )
    return details("Other splits: reworded questions, other pictures, neighbours", table(sheet))
