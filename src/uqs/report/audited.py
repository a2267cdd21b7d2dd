"""An audit for a person: on the terminal, and as one page of HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from rich.console import Console
from rich.table import Table

from uqs.audit.findings import Audit
from uqs.audit.inference import Interval
from uqs.stats.permutation import PermutationTest


@dataclass(frozen=True)
class Sheet:
    """A titled table of text; `note` says how to read it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def show(audit: Audit) -> None:
    """Print verdicts, then tables."""
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console = Console(markup=False, highlight=False, width=120)
    for verdict in audit.verdicts:
        console.print(f"- {verdict}")
    for sheet in sheets(audit):
        table = Table(title=sheet.title, caption=sheet.note or None, title_justify="left")
        for at, name in enumerate(sheet.columns):
            table.add_column(name, justify="left" if at == 0 else "right")
        for row in sheet.rows:
            table.add_row(*row)
        console.print()
        console.print(table)


def page(audit: Audit, name: str) -> str:
    """One self-contained page; every word from the table is escaped."""
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width'>",
        f"<title>Audit of {escape(name)}</title><style>{_STYLE}</style>",
        f"<main><h1>Audit of {escape(name)}</h1><ul class='verdicts'>",
        *(f"<li>{escape(verdict)}</li>" for verdict in audit.verdicts),
        "</ul>",
        *(_section(sheet) for sheet in sheets(audit)),
        "</main></html>",
    ]
    return "\n".join(parts)


def _section(sheet: Sheet) -> str:
    head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in sheet.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in sheet.rows
    )
    note = f"<p>{escape(sheet.note)}</p>" if sheet.note else ""
    return (
        f"<h2>{escape(sheet.title)}</h2>{note}"
        f"<div><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def sheets(audit: Audit) -> Iterable[Sheet]:
    """The tables of an audit; one that would be empty is left out."""
    found = (
        _design(audit),
        _degenerate(audit),
        *_reliability(audit),
        _agreement(audit),
        _comparisons(audit),
        _separations(audit),
        _clusters(audit),
        _noise(audit),
        _meta(audit),
    )
    return [sheet for sheet in found if sheet.rows]


def _design(audit: Audit) -> Sheet:
    d = audit.design
    return Sheet(
        "Design",
        (
            "rows",
            "cells",
            "methods",
            "benchmarks",
            "seeds",
            "arrangements",
            "smallest p",
            "smallest tau",
        ),
        [
            (
                *map(str, (d.rows, d.cells, d.methods, d.benchmarks, d.seeds)),
                ("over 1e15" if d.arrangements is None else f"{d.arrangements:,}")
                + ("" if d.exact else f", {d.resamples:,} drawn"),
                _p(d.min_p),
                _number(d.min_detectable_tau, 2),
            )
        ],
        "A cell is a method on a benchmark; seeds are repeats. Smallest p that a test can reach, and"
        " smallest tau found in 80% of such tables at 5%.",
    )


def _degenerate(audit: Audit) -> Sheet:
    return Sheet(
        "Metrics that say nothing",
        ("metric", "benchmark", "status", "value or range"),
        [(i.metric, i.benchmark, i.status, _number(i.value, 4)) for i in audit.degenerate],
    )


def _reliability(audit: Audit) -> Iterable[Sheet]:
    for target in dict.fromkeys(item.target for item in audit.reliability):
        yield Sheet(
            f"Which metric follows the {target.replace('_', ' ')}",
            (
                "metric",
                "rho",
                "benchmarks",
                "p",
                "p (Holm)",
                "95% interval",
                "pooled rho",
                "pooled p",
                "benchmark alone",
                "ceiling",
            ),
            [
                (
                    item.metric,
                    _number(item.rho.stratified.value),
                    f"{item.rho.stratified.groups_defined} of {item.rho.stratified.groups}",
                    _tested(item.test),
                    _p(item.p_adjusted),
                    _interval(item.interval),
                    _number(item.rho.pooled.value) + _mark(item.rho.sign_reverses),
                    _tested(item.pooled_test),
                    _number(item.sentinels.benchmark_mean),
                    _number(item.ceiling, 2),
                )
                for item in audit.reliability
                if item.target == target
            ],
            "Spearman's rho of the aligned metric with closeness to the oracle, mean over benchmarks;"
            " the pooled one mixes benchmarks and stands beside what knowing the benchmark alone gives."
            f" ! marks a sign that reverses.{_refusals(i.interval for i in audit.reliability)}",
        )


def _agreement(audit: Audit) -> Sheet:
    return Sheet(
        "Which metrics agree",
        ("pair", "tau-b", "benchmarks", "p", "p (BH)", "95% interval", "pooled tau-b"),
        [
            (
                f"{item.a}-{item.b}",
                _number(item.tau.stratified.value),
                f"{item.tau.stratified.groups_defined} of {item.tau.stratified.groups}",
                _tested(item.test),
                _p(item.p_adjusted),
                _interval(item.interval),
                _number(item.tau.pooled.value) + _mark(item.tau.sign_reverses),
            )
            for item in audit.agreement
        ],
        "tau-b of aligned metrics, mean over benchmarks. ! marks a sign that reverses."
        + _refusals(item.interval for item in audit.agreement),
    )


def _comparisons(audit: Audit) -> Sheet:
    return Sheet(
        "Metric against metric",
        ("pair", "target", "rho difference", "p", "benchmarks"),
        [
            (f"{i.a}-{i.b}", i.target, _number(i.difference), _p(i.p), str(i.groups))
            for i in audit.comparisons
            if i.p is not None
        ],
        "Difference of the stratified rho over the benchmarks where both are defined; scores swapped"
        " cell by cell.",
    )


def _separations(audit: Audit) -> Sheet:
    return Sheet(
        "Does a metric rank the methods alike on all benchmarks? (Friedman)",
        ("metric", "p", "mean ranks, 1 is best", "critical difference"),
        [
            (
                item.metric,
                _p(item.test.p),
                ", ".join(
                    f"{method} {rank:.2f}"
                    for method, rank in zip(item.methods, item.test.mean_ranks, strict=True)
                ),
                _number(item.test.critical_difference, 2),
            )
            for item in audit.separations
            if len(item.methods) <= MANY
        ],
    )


def _clusters(audit: Audit) -> Sheet:
    return Sheet(
        "Two clusters: how often metrics fall together when methods are drawn again",
        ("pair", "share of draws"),
        [(f"{i.a}-{i.b}", f"{i.frequency:.0%}") for i in audit.clusters.together],
    )


def _noise(audit: Audit) -> Sheet:
    return Sheet(
        "Measurement noise",
        ("metric", "benchmark", "standard error", "oracle floor", "reliability"),
        [
            (
                item.metric,
                item.benchmark,
                _number(item.error, 4),
                _number(item.floor, 4),
                _number(item.reliability, 2),
            )
            for item in audit.noise
        ],
    )


def _meta(audit: Audit) -> Sheet:
    return Sheet(
        "Faithfulness and robustness (as OpenUnlearning defines them)",
        ("metric", "faithfulness", "relearning", "quantisation", "robustness"),
        [
            (
                item.metric,
                *(
                    _number(value, 2)
                    for value in (
                        item.faithfulness,
                        item.relearning,
                        item.quantisation,
                        item.robustness,
                    )
                ),
            )
            for item in audit.meta_evaluation
        ],
    )


MANY = 12
"""Most methods whose mean ranks are printed."""


def _number(value: float | None, digits: int = 3) -> str:
    return "undefined" if value is None else f"{value:.{digits}f}"


def _p(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"


def _tested(test: PermutationTest | None) -> str:
    return "none" if test is None else _p(test.p) + ("" if test.exact else " (drawn)")


def _interval(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return "refused"
    return f"{interval.low:.2f} to {interval.high:.2f}"


def _refusals(intervals: Iterable[Interval]) -> str:
    """Why intervals were refused, each reason once."""
    reasons = sorted({interval.reason for interval in intervals if interval.reason})
    return f" No interval: {'; '.join(reasons)}." if reasons else ""


def _mark(reverses: bool) -> str:
    return " !" if reverses else ""


_STYLE = """
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
main{max-width:72rem;margin:2rem auto;padding:0 1rem}
.verdicts li{margin:.4rem 0}
div{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}
th,td{padding:.3rem .7rem;text-align:right;border-bottom:1px solid #8884}
th:first-child,td:first-child{text-align:left}
"""
