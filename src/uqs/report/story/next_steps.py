"""What to do next: each sentence answers something that this run could not show."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from uqs.audit.design import LEAST_METHODS
from uqs.audit.profiles import of_methods
from uqs.records import Role
from uqs.report.analysis import Analysis, NoRanking
from uqs.report.story.chapter import Chapter
from uqs.stats.told import FEWEST
from uqs.text import few, listed

TITLE = "What to do next"
NOTHING = "Nothing that this report asks is open: publish the results with their board."


def next_steps(found: Analysis) -> Chapter:
    """All steps that apply, what makes numbers wrong first."""
    said = [sentence for rule in RULES for sentence in rule(found)]
    return Chapter(TITLE, said or [NOTHING])


def _gates(found: Analysis) -> Iterator[str]:
    if found.stopped:
        yield (
            f"Train the originals and oracles of {listed(sorted(found.stopped))} until they pass their"
            " gates; until then nothing can be said of methods there."
        )


def _holdout(found: Analysis) -> Iterator[str]:
    if found.cautions:
        yield "Settle what is said of the models above before any number of them is used."


def _ladder(found: Analysis) -> Iterator[str]:
    cards = [card for card in found.audit.report_cards if card.headline]
    if not cards:
        yield (
            "Add references, models that are taught a known share of the forget entities (references in"
            " the study file): without them no metric is shown to follow the truth."
        )
        return
    if not any(card.suppressed for card in cards):
        yield (
            "Add suppressed models (references.suppressed in the study file): no metric was tested on"
            " models that know and do not say it."
        )
    if not any(card.damaged for card in cards):
        yield (
            "Add damaged models (references.damaged in the study file): no metric was tested on models"
            " that broke and forgot nothing."
        )


def _oracles(found: Analysis) -> Iterator[str]:
    few_of: dict[int, list[str]] = {}
    for name in found.summary.benchmarks:
        seeds = {
            row.seed
            for row in found.rows
            if row.benchmark == name and row.role == Role.ORACLE and row.value is not None
        }
        if len(seeds) < FEWEST:
            few_of.setdefault(len(seeds), []).append(name)
    for number, names in sorted(few_of.items()):
        yield (
            f"Train at least {FEWEST} oracles on {listed(names)}, which {_has(names)} {number or 'none'}:"
            " with fewer no model can be told from one more oracle."
        )


def _has(names: list[str]) -> str:
    return "has" if len(names) == 1 else "have"


def _size(found: Analysis) -> Iterator[str]:
    design = found.audit.design
    if 0 < design.methods < LEAST_METHODS:
        yield (
            f"Measure {LEAST_METHODS} methods or more: with {design.methods} no agreement of metrics, and"
            " no reliability, can be significant."
        )
    if design.methods and design.seeds < 2:
        yield "Run every method with a second seed: with one, other runs of the same method may differ."


def _recovery(found: Analysis) -> Iterator[str]:
    missing = [name for name in ("KR", "KR_IMP") if name not in found.summary.metrics]
    if missing:
        yield (
            f"Measure {listed(missing)}: whether other questions bring back what a model no longer answers"
            " was not asked."
        )


def _nothing_done(found: Analysis) -> Iterator[str]:
    targets = dict.fromkeys(
        one.target.replace("_", " ") for one in found.audit.do_nothing if one.rewarded
    )
    if targets:
        yield (
            f"Do not order methods by the {listed(list(targets))} where a model in which nothing was"
            " unlearned is as near to the oracles."
        )


def _ragged(found: Analysis) -> Iterator[str]:
    methods = of_methods(found.audit.profiles)
    ragged = sum(one.ragged for one in methods)
    if ragged:
        yield (
            f"Report the metrics side by side, not one number: on {ragged} of {len(methods)} unlearned"
            " methods by benchmark they contradict each other."
        )


def _ties(found: Analysis) -> Iterator[str]:
    if isinstance(found.overall, NoRanking):
        return
    first = [one.method for one in found.overall.equal.methods if one.tie_group == 1]
    if len(first) > 1:
        yield (
            f"To choose among {few(first, 6)}, run more seeds and oracles, or choose by what the score"
            " does not hold, such as cost: the noise measured here leaves them in one class."
        )


def _tiny(found: Analysis) -> Iterator[str]:
    if any(row.edition == "tiny" for row in found.rows):
        yield "Repeat the study on a real model before a method is chosen by it."


RULES: tuple[Callable[[Analysis], Iterator[str]], ...] = (
    _gates,
    _holdout,
    _ladder,
    _oracles,
    _size,
    _recovery,
    _nothing_done,
    _ragged,
    _ties,
    _tiny,
)
"""Every rule looks at one thing and says one sentence for each that it finds missing."""
