"""A short report of the measurements of some models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import TYPE_CHECKING

from rich.console import Console

from uqs.gaps import Verdict, others, over_forgets, verdict
from uqs.metrics.catalogue import CARDS, is_health
from uqs.records import MetricCard, Role, Status
from uqs.report import words
from uqs.report.cautions import cautions
from uqs.report.terminal import Sheet, write_sheet
from uqs.results import Row
from uqs.stats.told import FEWEST
from uqs.text import count, listed, number, signed, with_error

if TYPE_CHECKING:
    from uqs.evaluation.run import Result

SHOWN = ("FA", "RA", "MIA", "AD", "JS", "KR", "KR_IMP")
ABOVE = "forget/above_oracle"
Z = 1.96


def show(found: Result, console: Console) -> None:
    """Print every model's headline values, over-forgetting, and what could not be measured."""
    if found.rows:
        place = f"{found.rows[0].benchmark}:{found.rows[0].edition}"
        built_in = CARDS.built_in()
        cards = {**built_in, **{card.symbol: card for card in found.metrics}}
        health = [symbol for symbol, card in cards.items() if card.group == "health"]
        guests = [symbol for symbol in cards if symbol not in built_in and symbol not in health]
        for symbols, title in (([*SHOWN, *guests], place), (health, "Health")):
            if any(row.metric in symbols for row in found.rows):
                write_sheet(
                    console, _headlines(found.rows, [cards[symbol] for symbol in symbols], title)
                )
    said = (*_findings(found.rows), *cautions(found.rows, _model, found.samples), *found.notes)
    for line in said:
        console.print(f"- {line}", soft_wrap=True)


def _headlines(rows: Sequence[Row], cards: Sequence[MetricCard], title: str) -> Sheet:
    """One line per model with the headline values of the measured metrics."""
    headline = {card.symbol: card.split for card in cards}
    shown = [row for row in rows if headline.get(row.metric) == row.split]
    metrics = [symbol for symbol in headline if any(row.metric == symbol for row in shown)]
    lines = []
    for model in dict.fromkeys(_model(row) for row in _by_role(rows)):
        mine = [row for row in shown if _model(row) == model]
        lines.append((model, *(_cell([r for r in mine if r.metric == m]) for m in metrics)))
    return Sheet(title, ("model", *metrics), lines)


def _by_role(rows: Sequence[Row]) -> list[Row]:
    order = [Role.UNLEARNED, Role.BASELINE, Role.ORIGINAL, Role.ORACLE]
    return sorted(rows, key=lambda row: (order.index(Role(row.role)), row.method, row.seed))


def _model(row: Row) -> str:
    if row.role == Role.ORIGINAL:
        return "original"
    name = f"oracle {row.seed}" if row.role == Role.ORACLE else row.method
    strength = f"@{row.strength}" if row.strength else ""
    return f"{name}{strength}" + (
        f" seed {row.seed}" if row.role != Role.ORACLE and row.seed else ""
    )


def _cell(rows: Sequence[Row]) -> str:
    """A value, or for distances to oracles their mean."""
    known = [row for row in rows if row.value is not None]
    if not known:
        return words.STATUS[Status(rows[0].status)] if rows else ""
    value = sum(row.value for row in known if row.value is not None) / len(known)
    errors = [row.se for row in known if row.se is not None]
    return with_error(value, sum(errors) / len(errors) if errors else None)


def _recovered(model: str, rows: Sequence[Row], oracles: Set[int]) -> Iterator[str]:
    """Sentences on what a model gives away above every oracle, beyond the noise of the questions."""
    found = [(row.value, row.se, row.n) for row in rows if row.value is not None]
    lacking = oracles - {row.oracle_seed for row in rows if row.value is not None}
    if lacking or not found:
        return
    if all(se is not None and value > Z * se for value, se, _ in found):
        values = ", ".join(f"{with_error(value, se)} (n {n})" for value, se, n in found)
        yield (
            f"{model} hides rather than forgets: {rows[0].metric} on the questions that it and the oracle "
            f"no longer answer is above the oracles' by {values}"
        )


def _collapse(model: str, rows: Sequence[Row]) -> Iterator[str]:
    """A sentence if a model is collapsed (only its health has values); else which metrics are."""
    lost = {row.metric for row in rows if row.status == Status.COLLAPSED}
    if not lost:
        return
    if all(row.status == Status.COLLAPSED for row in rows if not is_health(row.metric)):
        yield (
            f"{model} is collapsed: the run that made it was ended, or to the retain questions it says "
            "nothing, or the same over and over, or it gives no probabilities; only its health is measured"
        )
    else:
        yield (
            f"{model} has no values of {', '.join(sorted(lost))} (collapsed): what they compare is no finite "
            "number there; its other values stand"
        )


def _undecided(rows: Sequence[Row]) -> Iterator[str]:
    """What forget accuracy cannot say of models, which is not that they are like an oracle."""
    groups: dict[tuple[Verdict, int], list[str]] = {}
    for row in _by_role(rows):
        if row.role == Role.UNLEARNED and (row.metric, row.split) == ("FA", CARDS["FA"].split):
            oracles = others(row, rows)
            if found := verdict(row, oracles):
                groups.setdefault((found, oracles), []).append(_model(row))
    for (found, oracles), models in groups.items():
        names = listed(models)
        if found == "too few oracles":
            yield (
                f"{count(oracles, 'oracle')} cannot tell whether {names} "
                f"{'differs' if len(models) == 1 else 'differ'} from one more (FA); {FEWEST} or more can"
            )
        elif found == "not told apart from an oracle":
            yield (
                f"FA does not tell {names} from an oracle by these {count(oracles, 'oracle')}; that is "
                "not to be like one: few oracles tell little apart"
            )


def _findings(rows: Sequence[Row]) -> Iterator[str]:
    for row in _by_role(rows):
        if row.split == CARDS["FA"].split and over_forgets(row, others(row, rows)):
            yield (
                f"{_model(row)} over-forgets: {row.metric} {number(row.value or 0)} is "
                f"{signed(row.gap or 0, 3)} from the oracles' own (z {signed(row.z or 0, 1)})"
            )
    yield from _undecided(rows)
    models: dict[str, list[Row]] = {}
    for row in _by_role(rows):
        models.setdefault(_model(row), []).append(row)
    for metric in ("KR", "KR_IMP"):
        for model, mine in models.items():
            if mine[0].role == Role.UNLEARNED:
                above = [row for row in mine if (row.metric, row.split) == (metric, ABOVE)]
                seeds = {row.oracle_seed for row in mine if row.oracle_seed is not None}
                yield from _recovered(model, above, seeds)
    for model, mine in models.items():
        yield from _collapse(model, mine)
    # a single oracle has no other oracle to compare with: not worth reporting
    asked = [row for row in rows if row.role != Role.ORACLE]
    without = sorted({row.metric for row in asked if row.status == Status.MISSING_ORACLE})
    if without:
        yield f"without an oracle there are no values of {', '.join(without)}"
