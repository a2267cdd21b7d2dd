"""A run's outcome on the terminal: gates, verdicts, gaps to the oracle, ranking."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from uqs.metrics.catalogue import CARDS
from uqs.records import Need
from uqs.report import words
from uqs.report.analysis import Analysis, NoRanking, Ranking
from uqs.report.means import Line, Summary
from uqs.score import words as score_words


def show(found: Analysis, console: Console) -> None:
    """Print all parts; the ranking comes last, where the eye is."""
    for part in (_gates, _cautions, _verdicts, _gaps, _ranking):
        part(found, console)


def _gates(found: Analysis, console: Console) -> None:
    console.print("\nGates", style="bold")
    if not found.gates:
        console.print("The run has no gates.")
    for name, gates in found.gates.items():
        if not gates.passed:
            console.print(f"{name}: FAILED; nothing was unlearned on it", style="bold red")
        elif gates.dropped:
            console.print(f"{name}: passed, but {words.dropped(gates)}", style="yellow")
        else:
            console.print(
                f"{name}: passed ({words.count(len(gates.checks), 'check')})", style="green"
            )
        for check in gates.failed:
            console.print(f"  {words.check(check)}", style="red")


def _cautions(found: Analysis, console: Console) -> None:
    if found.cautions:
        console.print("\nBefore any number", style="bold")
    for caution in found.cautions:
        console.print(f"- {caution}")


def _verdicts(found: Analysis, console: Console) -> None:
    console.print("\nWhat this table can and cannot support", style="bold")
    for verdict in found.audit.verdicts:
        console.print(f"- {verdict}")


def _gaps(found: Analysis, console: Console) -> None:
    measured = [name for name in found.summary.benchmarks if name not in found.stopped]
    for benchmark in measured:
        console.print()
        console.print(_gap_table(found.summary, benchmark))
    if measured:
        console.print(
            "With a sign: the value minus the oracle's own. Otherwise: the distance to the oracle over"
            f" that between oracles; 1{words.TIMES} is the noise floor."
        )


def _gap_table(summary: Summary, benchmark: str) -> Table:
    table = Table(title=f"Gap to the oracle on {benchmark}", title_justify="left")
    table.add_column("model")
    for metric in summary.metrics:
        table.add_column(metric.replace("_", " "), justify="right")
    for method in summary.methods:
        table.add_row(method, *_gap_cells(summary, benchmark, Line.UNLEARNED, method))
    table.add_section()
    table.add_row("original", *_gap_cells(summary, benchmark, Line.ORIGINAL))
    return table


def _gap_cells(summary: Summary, benchmark: str, line: Line, method: str = "") -> Iterator[str]:
    for metric in summary.metrics:
        mean = summary.mean(benchmark, line, metric, method)
        if mean is None or mean.value is None:
            yield words.mean(mean)
        else:
            yield words.gap(summary.gap(benchmark, line, metric, method)) or _no_gap(metric)


def _no_gap(metric: str) -> str:
    """A distance has an oracle wherever it has a value; what may be missing is a second one."""
    compared = metric in CARDS and Need.ORACLE in CARDS[metric].needs
    return "no noise floor" if compared else "no oracle"


def _ranking(found: Analysis, console: Console) -> None:
    console.print("\nRanking", style="bold")
    if isinstance(found.overall, NoRanking):
        console.print(f"The methods cannot be ranked: {found.overall.reason}.")
        return
    console.print(_table(found.overall))
    for name, one in (("Equal", found.overall.equal), ("Published", found.overall.published)):
        console.print(f"{name} weights: {score_words.headline(one)}")
    for line in score_words.coverage(found.overall.equal):
        console.print(f"- {line}")


def _table(ranking: Ranking) -> Table:
    benchmarks = ranking.equal.benchmarks
    table = Table(
        title=f"UQS over {words.count(len(benchmarks), 'benchmark')}", title_justify="left"
    )
    table.add_column("rank", justify="right")
    table.add_column("method")
    for name in ("UQS, equal\nweights", "95%\nranks", "tie\ngroup"):
        table.add_column(name, justify="right")
    for name in ("UQS, published\nweights", "95%\nranks", "tie\ngroup"):
        table.add_column(name, justify="right")
    published = {one.method: one for one in ranking.published.methods}
    for one in ranking.equal.methods:
        other = published[one.method]
        table.add_row(
            str(one.rank),
            one.method,
            *(
                cell
                for each in (one, other)
                for cell in (
                    words.scored(each),
                    words.ranks(each.rank_interval),
                    str(each.tie_group),
                )
            ),
        )
    return table
