"""Tables of models of known truth: what metrics say along the ladder and for models beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from uqs.audit.ladder import Ladder, Rung
from uqs.report.terminal import Sheet
from uqs.text import number


def headline(found: Iterable[Ladder], splits: Mapping[str, str]) -> list[Ladder]:
    """The ladders on each metric's headline split."""
    return [one for one in found if splits.get(one.metric) == one.split]


def sheets(found: Sequence[Ladder]) -> list[Sheet]:
    """One table per benchmark: metrics by known share, and the models beside the ladder."""
    return [
        _sheet(name, [one for one in found if one.benchmark == name])
        for name in dict.fromkeys(one.benchmark for one in found)
    ]


def _sheet(benchmark: str, found: Sequence[Ladder]) -> Sheet:
    shares = sorted({rung.share for one in found for rung in one.rungs})
    beside = list(dict.fromkeys(_name(rung) for one in found for rung in one.beside))
    rows = []
    for one in found:
        rungs = {rung.share: rung for rung in one.rungs}
        others = {_name(rung): rung for rung in one.beside}
        rows.append(
            (
                one.metric,
                *(_cell(rungs.get(share)) for share in shares),
                "undefined" if one.rho is None else f"{one.rho:.2f}",
                *(_cell(others.get(name)) for name in beside),
            )
        )
    note = (
        "Mean ± standard deviation between models trained on retain and a known share of the forget"
        " entities: 0 are the oracles, 1 the originals. rho: Spearman, value against share."
    )
    if beside:
        note += (
            " Behind rho: models that know all of it, and do not say it (suppressed) or broke elsewhere"
            " (damaged)."
        )
    return Sheet(
        f"Models of known truth on {benchmark}",
        ("metric", *(f"{share:g}" for share in shares), "rho", *beside),
        rows,
        note,
    )


def _name(rung: Rung) -> str:
    return f"{rung.method} {rung.strength}".strip()


def _cell(rung: Rung | None) -> str:
    if rung is None:
        return "-"
    return number(rung.mean) + ("" if rung.sd is None else f" ± {number(rung.sd)}")
