"""What the ranking owes to each metric, and to the weights."""

from __future__ import annotations

from collections.abc import Iterator

from uqs.report.evidence import Evidence
from uqs.report.tables.table import NoTable, Table, Value
from uqs.report.terminal import Sheet
from uqs.score import ScoreResult
from uqs.score.scoring import DRAWS
from uqs.stats.coefficients import tau_b
from uqs.text import count, few, signed


def ablation(found: Evidence) -> Table | NoTable:
    """UQS of the table without one metric at a time."""
    if isinstance(found.score, str):
        return NoTable(f"the methods cannot be ranked: {found.score}")
    whole = found.score
    if len(whole.metrics) < 2:
        return NoTable("UQS has one metric here, and none can be left out")
    parts = {metric: found.without(metric).scored("equal") for metric in whole.metrics}
    rows = [_row("nothing", whole, whole), *(_row(name, one, whole) for name, one in parts.items())]
    sheet = Sheet(
        "UQS without one metric",
        ("left out", "tau-b", "first", "may be first", "classes"),
        rows,
        "Each score is that of the table without the metric, under equal weights. tau-b: with the ranking"
        f" by all metrics ({count(len(whole.methods), 'method')}). May be first: how many methods the"
        " noise allows (95%).",
        left=(0, 2),
    )
    records = [*_records("", whole, whole)]
    for name, one in parts.items():
        records += _records(name, one, whole)
    return Table("ablation", [sheet], records)


def _row(name: str, part: ScoreResult | str, whole: ScoreResult) -> tuple[str, ...]:
    if isinstance(part, str):
        return (name, "none", part, "", "")
    tau = _agreement(part, whole)
    return (
        name,
        "undefined" if tau is None else signed(tau, 2),
        few([one.method for one in part.methods if one.rank == 1]),
        str(sum(one.rank_interval[0] == 1 for one in part.methods)),
        str(len({one.tie_group for one in part.methods})),
    )


def _agreement(part: ScoreResult, whole: ScoreResult) -> float | None:
    """tau-b of two scores over the methods that both rank."""
    own = {one.method: one.uqs for one in part.methods}
    both = [(one.uqs, own[one.method]) for one in whole.methods if one.method in own]
    return tau_b([x for x, _ in both], [y for _, y in both]).value


def _records(name: str, part: ScoreResult | str, whole: ScoreResult) -> Iterator[dict[str, Value]]:
    if isinstance(part, str):
        yield {"left_out": name, "why": part}
        return
    tau = _agreement(part, whole)
    for one in part.methods:
        low, high = one.rank_interval
        yield {
            "left_out": name,
            "form": part.form,
            "method": one.method,
            "uqs": one.uqs,
            "rank": one.rank,
            "rank_low": low,
            "rank_high": high,
            "class": one.tie_group,
            "tau_b": tau,
            "why": None,
        }


def stability(found: Evidence) -> Table | NoTable:
    """The ranking when the weights move about equal ones."""
    if isinstance(found.score, str):
        return NoTable(f"the methods cannot be ranked: {found.score}")
    local = found.score.stability.local
    sheet = Sheet(
        "UQS under other weights",
        ("concentration", "SD of a weight", "tau-b", "SD", "same first"),
        [
            (
                f"{one.kappa:g}",
                f"{one.weight_sd:.3f}",
                "undefined" if one.mean_tau is None else f"{one.mean_tau:.3f}",
                "" if one.sd_tau is None else f"{one.sd_tau:.3f}",
                f"{one.same_first:.1%}",
            )
            for one in local
        ],
        f"{DRAWS:,} weightings drawn around equal weights (Dirichlet); tau-b with the ranking under equal"
        " weights, its mean and standard deviation. Over all weightings: the table of the ranking, column"
        " first.",
    )
    records: list[dict[str, Value]] = [
        {
            "kappa": one.kappa,
            "weight_sd": one.weight_sd,
            "mean_tau": one.mean_tau,
            "sd_tau": one.sd_tau,
            "same_first": one.same_first,
            "draws": DRAWS,
        }
        for one in local
    ]
    return Table("stability", [sheet], records)
