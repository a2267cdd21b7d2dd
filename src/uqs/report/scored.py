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
    said = (words.coverage, words.validation, words.recovery)
    write_lines(console, [line for sentences in said for line in sentences(result)])
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
    if result.recovery:
        yield _recovery(result)
    if result.gates:
        yield _gates(result)
    yield _local(result)


def _weights(result: ScoreResult) -> Sheet:
    learned, several = result.weights.learned, len(result.weights.matrix) > 1
    rows = [
        (
            metric,
            term(result, metric),
            *(f"{value:.4f}" for value in result.weights.matrix[:, k]),
        )
        for k, metric in enumerate(result.metrics)
    ]
    if learned is not None:
        rows.append(("learned share", "", *(f"{value:.1%}" for value in learned)))
    return Sheet(
        "Weights",
        ("metric", "term", *(result.benchmarks if several else ("all benchmarks",))),
        rows,
        "Each column was learned from the other benchmarks"
        + ("; the rest is equal weights." if learned is not None else ".")
        if several
        else "",
        left=(0, 1),
        rules=() if learned is None else (len(rows) - 1,),
    )


def term(result: ScoreResult, metric: str) -> str:
    """What a metric contributes to the score, in words or as a formula."""
    if result.form == "published":
        return TRANSFORMS[metric].formula
    if not result.gates:
        return "nearness to oracle"
    return "kept of references" if TRANSFORMS[metric].group == "utility" else "1 - known share"


def _recovery(result: ScoreResult) -> Sheet:
    return Sheet(
        "Rank correlation with how little comes back",
        ("predictor", "by", "within benchmarks"),
        [(one.predictor, one.target, words.rho(one.within)) for one in result.recovery],
    )


def _gates(result: ScoreResult) -> Sheet:
    rows = [
        (benchmark, method, f"{factors['utility']:.3f}", f"{factors['agreement']:.3f}")
        for benchmark, methods in result.gates.items()
        for method, factors in methods.items()
    ]
    return Sheet(
        "Gates: factors of all terms of a model",
        ("benchmark", "method", "utility", "agreement"),
        rows,
        "",
        left=(0, 1),
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
