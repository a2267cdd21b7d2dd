"""How metrics agree: the tau matrix, the arms, the pairs that contradict each other, and ranks by metric."""

from __future__ import annotations

from collections.abc import Sequence

from uqs.audit.findings import Agreement
from uqs.report.arms import arms as by_arm
from uqs.report.evidence import Evidence
from uqs.report.pages import pages
from uqs.report.ranked import RankColumn, profile
from uqs.report.tables.table import NoTable, Table, Value, coverage
from uqs.report.terminal import Sheet
from uqs.report.words import STATUS
from uqs.text import count, few, probability, signed


def tau(found: Evidence) -> Table | NoTable:
    """tau-b of every two metrics, mean over benchmarks, with coverage."""
    pairs = found.audit.agreement
    if found.no_pairs:
        return NoTable(found.no_pairs)
    names = list(dict.fromkeys(name for one in pairs for name in (one.a, one.b)))
    cells = {(one.a, one.b): _tau(one) for one in pairs}
    rows = [(row, *(cells.get((row, column), "") for column in names[1:])) for row in names[:-1]]
    design = found.audit.design
    sheet = Sheet(
        "Agreement of metrics",
        ("", *names[1:]),
        rows,
        "Kendall's tau-b of aligned metrics: the mean over the benchmarks where it is defined, and how"
        f" many these are; * shown at 5% (Benjamini-Hochberg). n = {count(design.rows, 'model')} of"
        f" {count(design.methods, 'method')}.",
    )
    return Table("tau", [sheet], [_record(one) for one in pairs])


def _tau(one: Agreement) -> str:
    found = one.tau.stratified
    if found.value is None:
        return STATUS[found.status]
    star = "*" if one.shown else ""
    return f"{signed(found.value, 2)}{star} ({found.groups_defined}/{found.groups})"


def _record(one: Agreement) -> dict[str, Value]:
    within, pooled = one.tau.stratified, one.tau.pooled
    return {
        "a": one.a,
        "b": one.b,
        "tau_b": within.value,
        "benchmarks_defined": within.groups_defined,
        "benchmarks": within.groups,
        "status": str(within.status),
        "p": None if one.test is None else one.test.p,
        "p_adjusted": one.p_adjusted,
        "low": one.interval.low,
        "high": one.interval.high,
        "no_interval": one.interval.reason,
        "shown": one.shown,
        "pooled_tau_b": pooled.value,
        "pooled_n": pooled.n,
        "sign_reverses": str(one.tau.sign_reverses).lower(),
    }


def arms(found: Evidence) -> Table | NoTable:
    """The mean tau-b of all pairs on each benchmark, over benchmarks, and pooled."""
    every = by_arm(found.audit.agreement)
    if found.no_pairs:
        return NoTable(found.no_pairs)
    rows = [
        (
            one.name,
            "undefined" if one.mean is None else signed(one.mean, 3),
            "none" if one.sd is None else f"{one.sd:.3f}",
            coverage(len(one.defined), len(one.values)),
            str(one.rows),
        )
        for one in every
    ]
    sheet = Sheet(
        "Agreement by arm",
        ("arm", "mean tau-b", "SD", "pairs", "models"),
        rows,
        "Over all pairs of aligned metrics whose tau-b is defined; SD: standard deviation between pairs.",
    )
    pairs = found.audit.agreement
    records: list[dict[str, Value]] = [
        {"arm": one.name, "a": pair.a, "b": pair.b, "tau_b": value, "models": one.rows}
        for one in every
        for pair, value in zip(pairs, one.values, strict=True)
    ]
    return Table("arms", [sheet], records)


def contradictions(found: Evidence) -> Table | NoTable:
    """The pairs of metrics that order the methods oppositely, the most opposed first."""
    pairs = found.audit.agreement
    if found.no_pairs:
        return NoTable(found.no_pairs)
    against = [one for one in pairs if (one.tau.stratified.value or 0) < 0]
    if not against:
        return NoTable("no two metrics order the methods oppositely")
    against.sort(key=lambda one: (one.tau.stratified.value or 0, one.a, one.b))
    table = profile(found)
    ranked = {column.name: column for column in table.columns}
    rows = [
        (
            f"{one.a} and {one.b}",
            signed(one.tau.stratified.value or 0, 2),
            coverage(one.tau.stratified.groups_defined, one.tau.stratified.groups),
            probability(one.p_adjusted),
            "yes" if one.shown < 0 else "no",
            _turned(table.methods, ranked.get(one.a), ranked.get(one.b)),
        )
        for one in against
    ]
    sheet = Sheet(
        "Metrics that contradict each other",
        ("metrics", "tau-b", "benchmarks", "p", "shown", "first by one, rank by the other"),
        rows,
        "Pairs whose tau-b is below 0, mean over benchmarks. p: Benjamini-Hochberg. Shown: opposed at 5%."
        f" Ranks are means over benchmarks, of {count(len(table.methods), 'method')}.",
        left=(0, 5),
    )
    return Table("contradictions", [sheet], [_record(one) for one in against])


def _turned(methods: Sequence[str], a: RankColumn | None, b: RankColumn | None) -> str:
    """`salun: 1 and 3.7`, for the method that is first by a."""
    if a is None or b is None:
        return "not ranked"
    both = {
        method: (x, y)
        for method, x, y in zip(methods, a.ranks, b.ranks, strict=True)
        if x is not None and y is not None
    }
    if not both:
        return "not ranked"
    least = min(x for x, _ in both.values())
    first = [method for method, (x, _) in both.items() if x == least]
    return "; ".join(f"{method}: {least:.1f} and {both[method][1]:.1f}" for method in first[:1]) + (
        f" (also first: {few(first[1:])})" if first[1:] else ""
    )


def ranks(found: Evidence) -> Table | NoTable:
    """The mean rank of each method by each metric, and by UQS."""
    table = profile(found)
    if found.no_ranks:
        return NoTable(found.no_ranks)
    parts = pages(table.columns, 10)
    note = (
        f"Mean rank over {count(table.blocks, 'benchmark')}, 1 is best; seeds and strengths averaged. CD:"
        " two methods differ where their mean ranks are so far apart (Nemenyi, 5%)."
    )
    if table.left_out:
        note += f" Not ranked for want of values: {', '.join(table.left_out)}."
    sheets = [
        Sheet(
            "Ranks of the methods by each metric",
            ("method", *(column.name for column in part)),
            [
                *(
                    (method, *(_rank(column.ranks[at]) for column in part))
                    for at, method in enumerate(table.methods)
                ),
                ("CD", *(_rank(column.critical) for column in part)),
            ],
            note,
            rules=(len(table.methods),),
        )
        for part in parts
    ]
    records: list[dict[str, Value]] = [
        {
            "metric": column.name,
            "method": method,
            "mean_rank": rank,
            "benchmarks": table.blocks,
            "critical_difference": column.critical,
            "p": column.p,
        }
        for column in table.columns
        for method, rank in zip(table.methods, column.ranks, strict=True)
    ]
    return Table("ranks", sheets, records)


def _rank(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
