"""Rankings, and how far to trust them."""

from __future__ import annotations

from uqs.report import words
from uqs.report.analysis import NoRanking, Ranking
from uqs.report.board import pictures
from uqs.report.html import (
    Cell,
    Column,
    Grid,
    Markup,
    bullets,
    details,
    join,
    note,
    p,
    table,
    text,
)
from uqs.report.scored import term
from uqs.score import MethodScore, ScoreResult
from uqs.score import words as score_words

NOTE = (
    "UQS ± one standard error, with the ranks that the noise allows at 95%. No two methods of one tie group"
    " can be told apart by the noise that was measured; each group starts from the best method left. In the"
    " picture: dot and bar, equal weights; diamond, published form and weights. First: the share of all"
    " possible weightings under which a method comes first."
)


def ranking(found: Ranking | NoRanking) -> Markup:
    """Which methods may be first, given the noise, and the table of scores."""
    if isinstance(found, NoRanking):
        return p(f"The methods cannot be ranked: {found.reason}.")
    low, high = _range(found)
    benchmarks = found.equal.benchmarks
    where = f"over {len(benchmarks)} benchmarks" if len(benchmarks) > 1 else f"on {benchmarks[0]}"
    published = {one.method: one for one in found.published.methods}
    rows = [_row(one, published[one.method], low, high) for one in found.equal.methods]
    columns = [
        Column("method", words=True),
        Column("rank"),
        Column("UQS", "descending", "equal weights"),
        Column("ranks", hint="95%"),
        Column("UQS", None, f"{low:.2f} to {high:.2f}"),
        Column("UQS", "descending", "published"),
        Column("ranks", hint="95%"),
        Column("first", "descending"),
    ]
    headlines = [
        f"Equal weights, {score_words.form(found.equal)}: {score_words.headline(found.equal)}",
        f"Published form and weights: {score_words.headline(found.published)}",
    ]
    return join([bullets(headlines), table(Grid(f"UQS {where}", columns, rows))])


def _row(one: MethodScore, other: MethodScore, low: float, high: float) -> list[Cell]:
    return [
        text(one.method),
        Cell(str(one.rank), float(one.rank)),
        *_scored(one),
        Cell(pictures.strip(one, other, low, high)),
        *_scored(other),
        Cell(f"{one.first_share:.0%}", one.first_share),
    ]


def _scored(one: MethodScore) -> list[Cell]:
    middle = sum(one.rank_interval) / 2
    return [
        Cell(words.scored(one), one.uqs),
        Cell(words.ranks(one.rank_interval), middle, f"tie group {one.tie_group}"),
    ]


def _range(found: Ranking) -> tuple[float, float]:
    """The range of both scores with their errors, plus a margin."""
    ends = [
        one.uqs + side * (one.se or 0)
        for result in (found.equal, found.published)
        for one in result.methods
        for side in (-1, 1)
    ]
    room = max(0.05 * (max(ends) - min(ends)), 0.005)
    return max(min(ends) - room, 0.0), min(max(ends) + room, 1.0)


def worth(found: Ranking | NoRanking) -> Markup | None:
    """What the score leaves out, what it is based on, and how it does on held-out data."""
    if isinstance(found, NoRanking):
        return None
    covered = score_words.coverage(found.equal)
    return join(
        [
            note(NOTE),
            bullets(covered) if covered else None,
            details(
                "What the score is worth",
                bullets(
                    [
                        *score_words.validation(found.equal),
                        *score_words.recovery(found.equal),
                        *score_words.off_ladder(found.equal),
                        *found.equal.notes,
                    ]
                ),
            ),
            details("Terms and weights", table(_weights(found.equal, found.published))),
        ]
    )


def _weights(equal: ScoreResult, published: ScoreResult) -> Grid:
    rows = [
        [
            text(metric),
            text(term(equal, metric)),
            text(term(published, metric)),
            Cell(f"{one:.3f}", float(one)),
            Cell(f"{other:.3f}", float(other)),
        ]
        for metric, one, other in zip(
            equal.metrics, equal.weights.mean, published.weights.mean, strict=True
        )
    ]
    columns = [
        Column("metric", words=True),
        Column("term, equal weights", words=True),
        Column("term, published", words=True),
        Column("equal", "descending"),
        Column("published", "descending"),
    ]
    return Grid("UQS is the weighted sum of these terms", columns, rows)
