"""A run's outcome on the terminal: gates, verdicts, gaps to the oracle, ranking, protocol."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console

from uqs.metrics.catalogue import CARDS
from uqs.records import Need
from uqs.report import ladder, protocol, words
from uqs.report.analysis import Analysis, NoRanking, Ranking
from uqs.report.headlines import headlines
from uqs.report.means import Line, Summary
from uqs.report.terminal import Sheet, write_lines, write_sheet, write_sheets
from uqs.score import words as score_words
from uqs.text import TIMES, count


def show(found: Analysis, console: Console) -> None:
    """Print all parts: the answers first; last the ranking, and whether the table is sound."""
    for part in (_answers, _gates, _cautions, _verdicts, _ladders, _gaps, _ranking, _protocol):
        part(found, console)


def _answers(found: Analysis, console: Console) -> None:
    console.print("\nIn short", style="bold")
    write_lines(console, headlines(found))


def _ladders(found: Analysis, console: Console) -> None:
    write_sheets(console, ladder.sheets(ladder.headline(found.ladders, found.summary.headline)))


def _gates(found: Analysis, console: Console) -> None:
    console.print("\nGates", style="bold")
    if not found.gates:
        console.print("The run contains no gates.")
    for name, gates in found.gates.items():
        if not gates.passed:
            console.print(f"{name}: FAILED; nothing was unlearned on it", style="bold red")
        elif gates.dropped:
            console.print(f"{name}: passed, but {words.dropped(gates)}", style="yellow")
        else:
            console.print(f"{name}: passed ({count(len(gates.checks), 'check')})", style="green")
        for check in gates.failed:
            console.print(f"  {words.check(check)}", style="red")


def _cautions(found: Analysis, console: Console) -> None:
    if found.cautions:
        console.print("\nBefore any number", style="bold")
    for caution in found.cautions:
        console.print(f"- {caution}")


def _verdicts(found: Analysis, console: Console) -> None:
    console.print("\nWhat this table can and cannot support", style="bold")
    write_lines(console, found.audit.verdicts)


def _gaps(found: Analysis, console: Console) -> None:
    measured = [name for name in found.summary.benchmarks if name not in found.stopped]
    write_sheets(console, [_gap_sheet(found.summary, benchmark) for benchmark in measured])
    if measured:
        console.print(
            "With a sign: the value minus the oracle's own. Otherwise: the distance to the oracle over"
            f" that between oracles; 1{TIMES} is the noise floor."
        )


def _gap_sheet(summary: Summary, benchmark: str) -> Sheet:
    methods = [
        (method, *_gap_cells(summary, benchmark, Line.UNLEARNED, method))
        for method in summary.methods
    ]
    return Sheet(
        f"Gap to the oracle on {benchmark}",
        ("model", *(metric.replace("_", " ") for metric in summary.metrics)),
        [*methods, ("original", *_gap_cells(summary, benchmark, Line.ORIGINAL))],
        rules=(len(methods),),
    )


def _gap_cells(summary: Summary, benchmark: str, line: Line, method: str = "") -> Iterator[str]:
    for metric in summary.metrics:
        mean = summary.mean(benchmark, line, metric, method)
        if mean is None or mean.value is None:
            yield words.mean(mean)
        else:
            yield words.gap(summary.gap(benchmark, line, metric, method)) or _no_gap(metric)


def _no_gap(metric: str) -> str:
    """Why there is no gap. A distance with a value has an oracle; only a second one may be missing."""
    compared = metric in CARDS and Need.ORACLE in CARDS[metric].needs
    return "no noise floor" if compared else "no oracle"


def _ranking(found: Analysis, console: Console) -> None:
    console.print("\nRanking", style="bold")
    if isinstance(found.overall, NoRanking):
        console.print(f"The methods cannot be ranked: {found.overall.reason}.")
        return
    write_sheet(console, _scores(found.overall))
    equal, published = found.overall.equal, found.overall.published
    console.print(f"Equal weights, {score_words.form(equal)}: {score_words.headline(equal)}")
    console.print(f"Published form and weights: {score_words.headline(published)}")
    write_lines(console, [*score_words.coverage(equal), *score_words.recovery(equal)])


def _protocol(found: Analysis, console: Console) -> None:
    write_sheets(console, [protocol.sheet(found)])


def _scores(ranking: Ranking) -> Sheet:
    columns = [
        (f"UQS, {weights}\nweights", "95%\nranks", "tie\ngroup")
        for weights in ("equal", "published")
    ]
    published = {one.method: one for one in ranking.published.methods}
    rows = [
        (
            str(one.rank),
            one.method,
            *(
                cell
                for each in (one, published[one.method])
                for cell in (
                    words.scored(each),
                    words.ranks(each.rank_interval),
                    str(each.tie_group),
                )
            ),
        )
        for one in ranking.equal.methods
    ]
    return Sheet(
        f"UQS over {count(len(ranking.equal.benchmarks), 'benchmark')}",
        ("rank", "method", *columns[0], *columns[1]),
        rows,
        left=(1,),
    )
