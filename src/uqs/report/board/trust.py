"""How far the metrics can be trusted: their agreement, and which of them follow the oracle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Sequence

from uqs.audit import Audit
from uqs.audit.association import Association, StratifiedMean, Value
from uqs.audit.findings import Reliability
from uqs.audit.order import Order
from uqs.audit.order_words import NO_ORDER
from uqs.records import Status
from uqs.report import words
from uqs.report.html import (
    Cell,
    Column,
    Grid,
    Markup,
    details,
    el,
    join,
    note,
    p,
    table,
    text,
)
from uqs.text import MINUS, probability, signed

STEPS = 5


def agreement(audit: Audit, stopped: Container[str]) -> Markup:
    """Heat maps of tau-b (over benchmarks, and for each one not stopped), then all pairs with their p."""
    if not audit.agreement:
        return p("The table has fewer than two metrics: there is nothing to agree.")
    names = list(dict.fromkeys(name for one in audit.agreement for name in (one.a, one.b)))
    benchmarks = [n for n in audit.agreement[0].tau.per_benchmark if n not in stopped]
    means = [_stratified(one.tau.stratified) for one in audit.agreement]
    maps = [_heat_map("Mean over benchmarks", names, audit, means)]
    for name in benchmarks:
        cells = [_value(one.tau.per_benchmark[name]) for one in audit.agreement]
        maps.append(_heat_map(name, names, audit, cells))
    return join(
        [
            p(
                "Kendall's tau-b of every two metrics, both turned so that higher is better: +1, they"
                f" rank the models alike; {MINUS}1, they rank them in opposite order."
            ),
            _scale(),
            el("div", {"class": "maps"}, *maps),
            note(
                "Below a mean: on how many of the benchmarks it is defined. An undefined cell says why."
                " Not told apart: one of the two metrics tells no two methods apart there."
            ),
            details("Every pair with its p", table(_pairs(audit))),
        ]
    )


def _stratified(found: StratifiedMean) -> Cell:
    if found.value is None:
        return Cell(words.STATUS[found.status], style="status")
    return Cell(
        signed(found.value, 2),
        found.value,
        f"{found.groups_defined} of {found.groups}",
        _shade(found.value),
    )


def _value(found: Value) -> Cell:
    if found.value is None:
        return Cell(words.STATUS[found.status], style="status")
    small = words.STATUS[Status.UNRESOLVED] if found.status is Status.UNRESOLVED else ""
    return Cell(signed(found.value, 2), found.value, small, _shade(found.value))


def _shade(value: float) -> str:
    """One of 11 steps from -1 to 1."""
    step = round(value * STEPS)
    return f"heat {'n' if step < 0 else 'p'}{abs(step)}"


def _heat_map(title: str, names: Sequence[str], audit: Audit, of_pairs: Sequence[Cell]) -> Markup:
    """The full matrix, so that a metric can be read along its row."""
    pairs = [frozenset((one.a, one.b)) for one in audit.agreement]
    cells = dict(zip(pairs, of_pairs, strict=True))
    itself = Cell(None, style="self")
    rows = [
        [text(_short(row)), *(cells.get(frozenset((row, column)), itself) for column in names)]
        for row in names
    ]
    columns = [Column("", None), *(Column(_short(name), None) for name in names)]
    return table(Grid(title, columns, rows, style="map"))


def _short(name: str) -> str:
    return name.replace("_", " ")


def _scale() -> Markup:
    steps = [value / STEPS for value in range(-STEPS, STEPS + 1)]
    marks = [el("span", {"class": _shade(step)}, signed(step, 1)) for step in steps]
    return el("p", {"class": "scale"}, *marks)


def _pairs(audit: Audit) -> Grid:
    rows = [
        [
            text(f"{_short(one.a)} and {_short(one.b)}"),
            _stratified(one.tau.stratified),
            *_p(one.test.p if one.test else None, one.p_adjusted),
            _pooled(one.tau),
        ]
        for one in audit.agreement
    ]
    columns = [
        Column("pair", words=True),
        Column("tau-b", "descending", "mean over benchmarks"),
        Column("p", hint="methods exchanged"),
        Column("p", hint="Benjamini-Hochberg"),
        Column("pooled tau-b", "descending", "benchmarks mixed"),
    ]
    return Grid("Every pair of metrics", columns, rows)


def _p(*values: float | None) -> list[Cell]:
    return [
        Cell(probability(value), value, style=None if value is not None else "status")
        for value in values
    ]


def _pooled(found: Association) -> Cell:
    cell = _value(found.pooled)
    return Cell(cell.shown, cell.value, "sign reverses" if found.sign_reverses else "", cell.style)


def reliability(audit: Audit, stopped: Container[str]) -> Markup:
    """Which metrics follow a distance to the oracle: over benchmarks, and for each one not stopped."""
    if not audit.reliability:
        return p(
            "The table has no distance to an oracle: which metric to trust cannot be asked of it."
        )
    benchmarks = [n for n in audit.reliability[0].rho.per_benchmark if n not in stopped]
    by_target = defaultdict(list)
    for one in audit.reliability:
        by_target[one.target].append(one)
    parts = [table(_followers(target, items, benchmarks)) for target, items in by_target.items()]
    return join(
        [
            p(
                "Spearman's rho of every metric, higher being better, with closeness to the oracle:"
                " +1, the metric ranks the models as the oracle does."
            ),
            *parts,
            note(
                "Below the mean: on how many of the benchmarks it is defined. Not told apart: the"
                " metric or the distance tells no two methods apart there. p: exact or sampled exchange of"
                " methods within benchmarks, seeds kept together; Holm: corrected for the number of metrics."
                " Pooled mixes the benchmarks; benchmark alone is what knowing nothing but the"
                " benchmark's mean gives."
            ),
        ]
    )


def order(audit: Audit, stopped: Container[str]) -> Markup | None:
    """What each metric shows about the methods' order, on the benchmarks that were not stopped."""
    rows = [
        [
            text(_short(one.metric)),
            text(one.benchmark + (f" at {one.strength}" if one.strength else "")),
            *_told_apart(one),
        ]
        for one in audit.resolution
        if one.benchmark not in stopped
    ]
    if not rows:
        return None
    columns = [
        Column("metric", words=True),
        Column("benchmark", words=True),
        Column("pairs told apart", "descending"),
        Column("G", "descending"),
        Column("tau", "descending", "seeds"),
        Column("tau", "descending", "oracles"),
    ]
    return join(
        [
            table(Grid("Does a metric order the methods?", columns, rows)),
            note(
                "Two methods are told apart where their means differ beyond what seeds and oracles, which all"
                " methods share, move them apart (studentised range, familywise 5%). G: the share of the"
                " variance of the means that is the methods' own. tau: the order by one seed, or oracle,"
                " against the others."
            ),
        ]
    )


def _told_apart(one: Order) -> list[Cell]:
    found = one.found
    if found is None:
        return [Cell(NO_ORDER[one.shown], style="status"), *[Cell("", style="status")] * 3]
    taus = (found.tau_seeds, found.tau_oracles)
    return [
        Cell(f"{found.separated:.0%}", found.separated, f"{found.seeds} x {found.oracles}"),
        Cell(f"{found.g:.2f}", found.g),
        *(Cell("", style="status") if t is None else Cell(signed(t, 2), t) for t in taus),
    ]


def _followers(target: str, items: Sequence[Reliability], benchmarks: Sequence[str]) -> Grid:
    rows = [
        [
            text(_short(one.metric)),
            _stratified(one.rho.stratified),
            *_p(one.test.p if one.test else None, one.p_adjusted),
            *(_value(one.rho.per_benchmark[name]) for name in benchmarks),
            _pooled(one.rho),
            _sentinel(one.sentinels.benchmark_mean),
        ]
        for one in items
    ]
    columns = [
        Column("metric", words=True),
        Column("rho", "descending", "mean over benchmarks"),
        Column("p"),
        Column("p", hint="Holm"),
        *(Column(name, "descending") for name in benchmarks),
        Column("pooled", "descending"),
        Column("benchmark alone", "descending"),
    ]
    return Grid(f"Which metric follows the {_short(target)}", columns, rows)


def _sentinel(value: float | None) -> Cell:
    return Cell("none", style="status") if value is None else Cell(signed(value, 2), value)
