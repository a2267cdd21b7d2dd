"""A score on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console

from uqs.records import Status
from uqs.report.terminal import Sheet, write_lines, write_sheet, write_sheets
from uqs.score import words
from uqs.score.result import ScoreResult
from uqs.score.transforms import TRANSFORMS
from uqs.text import count


def show(result: ScoreResult, console: Console, *, full: bool = False) -> None:
    """Print the ranking, what is left out and how far to trust it; `full`: also the tables behind it."""
    write_sheet(console, _ranking(result))
    for line in (words.headline(result), *result.notes):
        console.print(line)
    console.print()
    write_lines(console, [*words.coverage(result), *words.validation(result)])
    more = list(_more(result))
    if full:
        write_sheets(console, more)
    else:
        console.print(f"\nMore with --full: {'; '.join(sheet.title for sheet in more)}.")


def _ranking(result: ScoreResult) -> Sheet:
    ranks = [one.rank for one in result.methods]
    rows = []
    for one in result.methods:
        low, high = one.rank_interval
        rows.append(
            (
                f"{one.rank}{'=' if ranks.count(one.rank) > 1 else ''}",
                one.method,
                f"{one.uqs:.4f}",
                _error(one.se),
                f"{low} to {high}",
                str(one.tie_group),
                f"{one.first_share:.1%}",
                "yes" if one.pareto else "no",
            )
        )
    last = ("95% ranks", "tie group", "first under\nall weights", "Pareto")
    return Sheet(
        f"UQS, {result.form} form, weights: {result.weights.source}",
        ("rank", "method", "UQS", "se", *last),
        rows,
        f"Over {count(len(result.benchmarks), 'benchmark')}. = marks equal scores.",
        left=(1, 7),
    )


def _error(se: float | None) -> str:
    if se is None:
        return "unknown"
    return f"{se:.4f}" if se == 0 or se >= 5e-5 else "<0.0001"


def _more(result: ScoreResult) -> Iterator[Sheet]:
    yield _weights(result)
    if not isinstance(result.validation, Status):
        yield _validation(result)
    yield _local(result)


def _weights(result: ScoreResult) -> Sheet:
    learned = result.weights.learned
    rows = [
        (
            metric,
            TRANSFORMS[metric].formula if result.form == "published" else "nearness to oracle",
            *(f"{value:.4f}" for value in result.weights.matrix[:, k]),
        )
        for k, metric in enumerate(result.metrics)
    ]
    if learned is not None:
        rows.append(("learned share", "", *(f"{value:.1%}" for value in learned)))
    return Sheet(
        "Weights",
        ("metric", "term", *(result.benchmarks if learned is not None else ("all benchmarks",))),
        rows,
        "Each column was learned from the other benchmarks; the rest is equal weights."
        if learned is not None
        else "",
        left=(0, 1),
        rules=() if learned is None else (len(rows) - 1,),
    )


def _validation(result: ScoreResult) -> Sheet:
    held = () if isinstance(result.validation, Status) else result.validation
    return Sheet(
        "Rank correlation with nearness to the oracle, where it was left out",
        ("predictor", "left out", "within benchmarks", "pooled"),
        [
            (
                one.predictor,
                one.left_out,
                words.rho(one.within),
                "" if one.pooled is None else words.rho(one.pooled),
            )
            for one in held
        ],
    )


def _local(result: ScoreResult) -> Sheet:
    return Sheet(
        "When the weights move",
        ("kappa", "sd of a weight", "mean tau", "sd of tau", "same first"),
        [
            (
                f"{one.kappa:g}",
                f"{one.weight_sd:.3f}",
                "undefined" if one.mean_tau is None else f"{one.mean_tau:.3f}",
                "undefined" if one.sd_tau is None else f"{one.sd_tau:.3f}",
                f"{one.same_first:.1%}",
            )
            for one in result.stability.local
        ],
        "Weights drawn from Dirichlet(kappa x weights); tau against the ranking above.",
        left=(),
    )
