"""The results: means over seeds by benchmark, method and metric, and the ranking by UQS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from uqs.metrics.catalogue import is_health
from uqs.report import words
from uqs.report.evidence import Evidence
from uqs.report.means import Line, Mean, Summary
from uqs.report.pages import pages
from uqs.report.tables.table import NoTable, Table, Value
from uqs.report.terminal import Sheet
from uqs.score import MethodScore, ScoreResult
from uqs.score import words as score_words
from uqs.text import DASH, count

MOST = 6
"""The most metrics side by side."""
BETTER = {
    "lower": "lower is better",
    "higher": "higher is better",
    "target": "the oracle's is best",
}
REFERENCES = (("original", Line.ORIGINAL), ("oracle", Line.ORACLE), ("noise floor", Line.FLOOR))


def results(found: Evidence) -> Table | NoTable:
    """Per benchmark a sheet of means with standard errors; references below."""
    summary = found.summary
    if not summary.means:
        return NoTable("the table has no values of unlearned models, originals or oracles")
    metrics = [name for name in summary.metrics if not is_health(name)] or list(summary.metrics)
    parts = pages(metrics, MOST)
    sheets = [sheet(found, name, part) for name in summary.benchmarks for part in parts]
    return Table("results", sheets, list(_records(summary)))


def sheet(found: Evidence, benchmark: str, metrics: Sequence[str]) -> Sheet:
    """Means of some metrics on one benchmark."""
    summary = found.summary
    own = [(method, Line.UNLEARNED, method) for method in summary.methods]
    beside = [(name, line, "") for name, line in REFERENCES]
    rows = []
    for name, line, method in [*own, *beside]:
        means = [summary.mean(benchmark, line, metric, method) for metric in metrics]
        if any(means):
            shown = [words.mean(one) if one or method else DASH for one in means]
            rows.append((name, *shown, _runs(means)))
    better = {} if found.panel is None else found.panel.better
    arrows = [f"{metric}: {BETTER[better[metric]]}" for metric in metrics if metric in better]
    unlearned = sum(row[0] in summary.methods for row in rows)
    return Sheet(
        f"Results on {benchmark}",
        ("model", *metrics, "runs"),
        rows,
        "Mean over runs ± one standard error (spread between seeds, and noise of the items). Noise floor:"
        f" how far oracles lie apart. {'; '.join(arrows)}.",
        rules=(unlearned,) if 0 < unlearned < len(rows) else (),
    )


def _runs(means: Sequence[Mean | None]) -> str:
    held = sorted({one.runs for one in means if one is not None})
    return f"{held[0]}" if len(held) == 1 else f"{held[0]} to {held[-1]}"


def _records(summary: Summary) -> Iterator[dict[str, Value]]:
    for place, one in sorted(summary.means.items()):
        yield {
            **{name: str(value) for name, value in place._asdict().items()},
            "value": one.value,
            "se": one.se,
            "known": one.known,
            "runs": one.runs,
            "status": str(one.status),
        }


def ranking(found: Evidence) -> Table | NoTable:
    """UQS with equal weights, and the ranks that the noise allows."""
    if isinstance(found.score, str):
        return NoTable(f"the methods cannot be ranked: {found.score}")
    score = found.score
    rows = [
        (
            one.method,
            words.scored(one),
            str(one.rank),
            words.ranks(one.rank_interval),
            str(one.tie_group),
            f"{one.first_share:.1%}",
        )
        for one in score.methods
    ]
    sheet = Sheet(
        f"UQS over {count(len(score.benchmarks), 'benchmark')}",
        ("method", "UQS", "rank", "95% ranks", "class", "first"),
        rows,
        f"Equal weights, {score_words.form(score)}; ± one standard error. Methods of one class cannot be"
        " told apart. First: the share of all weightings under which a method is first."
        f" {score_words.headline(score)}",
    )
    return Table("ranking", [sheet], [_ranked(one, score) for one in score.methods])


def _ranked(one: MethodScore, score: ScoreResult) -> dict[str, Value]:
    low, high = one.rank_interval
    return {
        "method": one.method,
        "uqs": one.uqs,
        "se": one.se,
        "rank": one.rank,
        "rank_low": low,
        "rank_high": high,
        "class": one.tie_group,
        "first_share": one.first_share,
        "pareto": str(one.pareto).lower(),
        **{f"uqs[{name}]": one.by_benchmark[name] for name in score.benchmarks},
    }
