"""Shows an audit: on the terminal, and as one page of HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from rich.console import Console

from uqs.audit.arm_words import arms_title
from uqs.audit.arms import ArmAgreement, Arms
from uqs.audit.association import StratifiedMean
from uqs.audit.findings import Audit
from uqs.audit.inference import Interval
from uqs.audit.order import Order
from uqs.audit.order_words import NO_ORDER
from uqs.report.html import bullets, document, el, grid, join, note, table
from uqs.report.terminal import Sheet, write_lines, write_sheets
from uqs.report.told import models_sheet, told_sheet
from uqs.report.truth import card_sheets, profile_sheets
from uqs.report.truth_picture import strips
from uqs.stats.permutation import PermutationTest
from uqs.text import probability

CARRYING = ("report_cards", "resolution", "reliability", "agreement", "arms")
"""The parts whose first table supports the verdicts; other tables are printed only on request."""
LONG = 40
"""A larger table is printed only on request (rows)."""
MANY = 12
"""The largest number of methods whose mean ranks are printed."""


def show(audit: Audit, console: Console, *, full: bool = False) -> None:
    """Print the verdicts, then the tables that support them, or all tables."""
    every = sheets(audit)
    firsts = [sheet for name in CARRYING for sheet in sheets(audit, [name])[:1]]
    shown = every if full else [sheet for sheet in firsts if len(sheet.rows) <= LONG]
    console.print("In short\n")
    write_lines(console, audit.in_short)
    console.print("\nIn detail\n")
    write_lines(console, audit.verdicts)
    write_sheets(console, shown)
    if left := [sheet.title for sheet in every if sheet not in shown]:
        console.print(f"\nMore with --full: {'; '.join(left)}.")


def page(audit: Audit, name: str) -> str:
    """The whole audit as one self-contained page; every word from the table is escaped."""
    title = f"Audit of {name}"
    parts = [
        join(
            [
                el("h2", {}, sheet.title),
                note(sheet.note) if sheet.note else None,
                table(grid(sheet)),
            ]
        )
        for sheet in sheets(audit)
    ]
    main = el(
        "main",
        {},
        el("h1", {}, title),
        bullets(audit.in_short),
        *([el("h2", {}, "Known shares"), strips(audit.profiles)] if audit.profiles else []),
        el("h2", {}, "In detail"),
        bullets(audit.verdicts),
        *parts,
    )
    return document(title, _STYLE, main)


def sheets(audit: Audit, parts: Iterable[str] | None = None) -> list[Sheet]:
    """The tables of an audit, or of some of its `PARTS`; empty tables are left out."""
    found = [sheet for name in parts or PARTS for sheet in PARTS[name](audit)]
    return [sheet for sheet in found if sheet.rows]


def _design(audit: Audit) -> Iterable[Sheet]:
    d = audit.design
    yield Sheet(
        "Design",
        (
            "rows",
            "cells",
            "methods",
            "benchmarks",
            "strengths",
            "seeds",
            "arrangements",
            "smallest p",
            "smallest tau",
        ),
        [
            (
                *map(str, (d.rows, d.cells, d.methods, d.benchmarks, d.strengths, d.seeds)),
                ("over 1e15" if d.arrangements is None else f"{d.arrangements:,}")
                + ("" if d.exact else f", {d.resamples:,} drawn"),
                probability(d.min_p),
                _number(d.min_detectable_tau, 2),
            )
        ],
        "A cell is a method on a benchmark; its seeds and strengths are repeats. Tests exchange whole"
        " methods, alike on all benchmarks. Smallest p that a test can reach, and smallest tau found in 80%"
        " of such tables at 5%.",
    )


def _degenerate(audit: Audit) -> Iterable[Sheet]:
    yield Sheet(
        "Metrics that say nothing",
        ("metric", "benchmark", "status", "value or range"),
        [(i.metric, i.benchmark, i.status, _number(i.value, 4)) for i in audit.degenerate],
        left=(0, 1, 2),
    )


def _resolution(audit: Audit) -> Iterable[Sheet]:
    strengths = any(item.strength for item in audit.resolution)
    yield Sheet(
        "Does a metric order the methods?",
        (
            "metric",
            "benchmark",
            *(["strength"] if strengths else []),
            "methods x seeds x oracles",
            "pairs told apart",
            "G",
            "G of ranks",
            "tau, seeds",
            "tau, oracles",
            "spread",
        ),
        [
            (
                item.metric,
                item.benchmark,
                *([item.strength] if strengths else []),
                *_order(item),
            )
            for item in audit.resolution
        ],
        "Pairs of methods whose means differ beyond the interactions of methods with seeds and oracles"
        " (studentised range, familywise 5%; distances in logarithms). G: share of the variance of means that"
        " is the methods'. tau: one seed, or oracle, against the others. Spread: the largest of the methods'"
        " error variances over the median one.",
    )


def _order(item: Order) -> tuple[str, ...]:
    found = item.found
    if found is None:
        return (str(len(item.methods)), NO_ORDER[item.shown], *["undefined"] * 5)
    return (
        f"{len(item.methods)} x {found.seeds} x {found.oracles}",
        f"{found.separated:.0%}",
        _number(found.g, 2),
        _number(found.g_ranks, 2),
        _number(found.tau_seeds, 2),
        _number(found.tau_oracles, 2),
        _number(found.variance_ratio, 1),
    )


def _level(audit: Audit) -> Iterable[Sheet]:
    yield Sheet(
        "How near to retraining? (a level, not an order)",
        (
            "metric",
            "benchmark",
            "between oracles",
            "pairs of oracles",
            "methods farther",
            "nearest",
            "median",
            "farthest",
        ),
        [
            (
                item.metric,
                item.benchmark,
                _number(item.floor, 4),
                str(item.pairs),
                f"{item.farther} of {item.methods}",
                *(_number(ratio, 2) for ratio in (item.nearest, item.median, item.farthest)),
            )
            for item in audit.level
        ],
        "Methods' mean distance to the oracles as a multiple of the mean distance between two oracles.",
    )


def _reliability(audit: Audit) -> Iterable[Sheet]:
    strengths = audit.design.strengths > 1
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
                *_STRENGTH_COLUMNS[: 2 * strengths],
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
                    probability(item.p_adjusted),
                    _interval(item.interval),
                    *_one_strength(item.one_strength, item.one_strength_test),
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


def _agreement(audit: Audit) -> Iterable[Sheet]:
    yield Sheet(
        "Which metrics agree",
        (
            *("pair", "tau-b", "benchmarks", "p", "p (BH)", "95% interval"),
            *_STRENGTH_COLUMNS[: 2 * (audit.design.strengths > 1)],
            "pooled tau-b",
        ),
        [
            (
                f"{item.a}-{item.b}",
                _number(item.tau.stratified.value),
                f"{item.tau.stratified.groups_defined} of {item.tau.stratified.groups}",
                _tested(item.test),
                probability(item.p_adjusted),
                _interval(item.interval),
                *_one_strength(item.one_strength, item.one_strength_test),
                _number(item.tau.pooled.value) + _mark(item.tau.sign_reverses),
            )
            for item in audit.agreement
        ],
        "tau-b of aligned metrics, mean over benchmarks. ! marks a sign that reverses."
        + _refusals(item.interval for item in audit.agreement),
    )


def _arms(audit: Audit) -> Iterable[Sheet]:
    if audit.arms is None:
        return
    yield from _arm_sheets(audit.arms, arms_title(audit.arms.by))
    if audit.arms.published is not None:
        yield from _arm_sheets(audit.arms.published, "The published arms")


def _arm_sheets(found: Arms, title: str) -> Iterable[Sheet]:
    yield Sheet(
        f"{title}: agreement of metrics",
        ("pair", *found.names),
        [
            (f"{a}-{b}", *(_covered(one) for one in found.agreement if (one.a, one.b) == (a, b)))
            for a, b in dict.fromkeys((one.a, one.b) for one in found.agreement)
        ],
        "tau-b of aligned metrics among the methods' means over seeds, mean over the places of an arm (a "
        "benchmark at one strength each); in brackets the places where it is defined, if not all.",
    )
    yield Sheet(
        f"{title}: differences",
        ("arms", "pair", "first", "second", "difference", "places", "p", "p (BH)", "95% interval"),
        [
            (
                f"{one.first} - {one.second}",
                f"mean of {one.pairs} pairs" if one.a is None else f"{one.a}-{one.b}",
                _number(one.tau_first),
                _number(one.tau_second),
                _number(one.difference),
                str(one.places),
                probability(one.p),
                probability(one.p_adjusted),
                _interval(one.interval),
            )
            for one in found.differences
        ],
        "Over the methods and places of both arms. p: whole methods swapped between the arms, alike at all "
        f"places; no p can fall below {probability(found.min_p)}. Interval: methods drawn with replacement."
        + _refusals(one.interval for one in found.differences),
        left=(0, 1),
    )


def _covered(one: ArmAgreement) -> str:
    if one.tau is None:
        return str(one.status)
    part = "" if one.groups_defined == one.groups else f" ({one.groups_defined} of {one.groups})"
    return _number(one.tau) + part


_STRENGTH_COLUMNS = ("at one strength", "p there")


def _one_strength(found: StratifiedMean | None, test: PermutationTest | None) -> tuple[str, ...]:
    return () if found is None else (_number(found.value), _tested(test))


def _strengths(audit: Audit) -> Iterable[Sheet]:
    names = list(audit.strengths[0].mean_ranks) if audit.strengths else []
    yield Sheet(
        "What strength does to a metric",
        ("metric", *names, "methods", "benchmarks", "p"),
        [
            (
                item.metric,
                *(_number(rank, 2) for rank in item.mean_ranks.values()),
                str(item.methods),
                str(item.benchmarks),
                probability(item.p),
            )
            for item in audit.strengths
        ],
        "Mean rank among all models of a benchmark, from 0 (worst) to 1 (best). p: strengths exchanged within"
        " whole methods.",
    )


def _do_nothing(audit: Audit) -> Iterable[Sheet]:
    yield Sheet(
        "Does a distance reward doing nothing?",
        (
            "distance",
            "benchmark",
            "original",
            "median of methods",
            "methods nearer than the original",
        ),
        [
            (
                item.target.replace("_", " "),
                item.benchmark,
                _number(item.original, 4),
                _number(item.median, 4),
                f"{item.nearer} of {item.methods}",
            )
            for item in audit.do_nothing
        ],
        "Distance to the oracles: of the original, in which nothing was unlearned, and of the methods.",
        left=(0, 1),
    )


def _comparisons(audit: Audit) -> Iterable[Sheet]:
    yield Sheet(
        "Metric against metric",
        ("pair", "target", "rho difference", "p", "benchmarks"),
        [
            (f"{i.a}-{i.b}", i.target, _number(i.difference), probability(i.p), str(i.groups))
            for i in audit.comparisons
            if i.p is not None
        ],
        "Difference of the stratified rho over the benchmarks where both are defined; scores of whole"
        " methods swapped.",
    )


def _separations(audit: Audit) -> Iterable[Sheet]:
    yield Sheet(
        "Does a metric rank the methods alike on all benchmarks? (Friedman)",
        ("metric", "p", "mean ranks, 1 is best", "critical difference"),
        [
            (
                item.metric,
                probability(item.test.p),
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


def _clusters(audit: Audit) -> Iterable[Sheet]:
    yield Sheet(
        "Two clusters: how often metrics fall together when methods are drawn again",
        ("pair", "share of draws"),
        [(f"{i.a}-{i.b}", f"{i.frequency:.0%}") for i in audit.clusters.together],
    )


def _noise(audit: Audit) -> Iterable[Sheet]:
    yield Sheet(
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


def _meta(audit: Audit) -> Iterable[Sheet]:
    yield Sheet(
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


def _number(value: float | None, digits: int = 3) -> str:
    return "undefined" if value is None else f"{value:.{digits}f}"


def _tested(test: PermutationTest | None) -> str:
    return "none" if test is None else probability(test.p) + ("" if test.exact else " (drawn)")


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


PARTS: Mapping[str, Callable[[Audit], Iterable[Sheet]]] = {
    "design": _design,
    "degenerate": _degenerate,
    "resolution": _resolution,
    "level": _level,
    "reliability": _reliability,
    "agreement": _agreement,
    "report_cards": lambda audit: card_sheets(audit.report_cards),
    "profiles": lambda audit: profile_sheets(audit.profiles),
    "told": lambda audit: [told_sheet(audit.told), models_sheet(audit.told)],
    "do_nothing": _do_nothing,
    "strengths": _strengths,
    "comparisons": _comparisons,
    "separations": _separations,
    "clusters": _clusters,
    "noise": _noise,
    "meta_evaluation": _meta,
    "arms": _arms,
}
"""All parts of an audit that have tables, in display order."""
_STYLE = """
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
main{max-width:72rem;margin:2rem auto;padding:0 1rem}
li{margin:.4rem 0}
div{overflow-x:auto}
caption{display:none}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}
th,td{padding:.3rem .7rem;text-align:right;border-bottom:1px solid #8884}
th.words,td.words{text-align:left}
"""
