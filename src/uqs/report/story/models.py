"""What was asked, and whether the models are what they are called."""

from __future__ import annotations

from collections.abc import Iterator

from uqs.records import Role
from uqs.report import words
from uqs.report.analysis import Analysis
from uqs.report.means import Line
from uqs.report.story.chapter import Chapter
from uqs.report.terminal import Sheet
from uqs.text import count, listed

TINY = (
    "These are tiny editions: drawn pictures and a very small model. Every number is really measured; it"
    " tells how the measures behave here, not how good a method is on a real vision-language model."
)
MOST = 6
"""The most warnings that are told."""
NAMES = {
    Role.UNLEARNED: "unlearned model",
    Role.ORIGINAL: "original",
    Role.ORACLE: "oracle",
    Role.REFERENCE: "reference",
    Role.SUPPRESSED: "suppressed model",
    Role.DAMAGED: "damaged model",
}
SHOWN = (("original", Line.ORIGINAL), ("oracles", Line.ORACLE))


def asked(found: Analysis) -> Chapter:
    """The study in words."""
    methods = sorted(found.unlearned)
    strengths = {row.strength for row in found.rows if row.role == Role.UNLEARNED} - {""}
    seeds = {row.seed for row in found.rows if row.role == Role.UNLEARNED}
    spread = [count(len(seeds), "seed")]
    if len(strengths) > 1:
        spread.append(count(len(strengths), "strength"))
    said = [
        f"Which of {count(len(found.summary.metrics), 'metric')} say truly what a model has forgotten, and"
        f" which of {count(len(methods), 'method')} forgets best? Asked on"
        f" {count(len(found.summary.benchmarks), 'benchmark')} ({listed(found.summary.benchmarks)}), with"
        f" {listed(spread)} a method.",
        f"Methods: {listed(methods)}." if methods else "No method was measured.",
        f"Base model: {listed(sorted({row.model for row in found.rows}))}.",
    ]
    if any(row.edition == "tiny" for row in found.rows):
        said.append(TINY)
    return Chapter("What was asked", said)


def models(found: Analysis) -> Chapter:
    """The models, their gates, and what else a reader must know before any number."""
    made = [count(many, name) for role, name in NAMES.items() if (many := found.models(role))]
    said = [f"Made and measured: {listed(made) or 'nothing'}."]
    return Chapter(
        "The models, and whether they passed",
        [*said, *_gates(found), *_cautions(found)],
        _known(found),
    )


def _cautions(found: Analysis) -> Iterator[str]:
    """The first warnings, and where the others are."""
    shown = found.cautions[:MOST]
    yield from (f"{one.removesuffix('.')}." for one in shown)
    if left := len(found.cautions) - len(shown):
        yield f"{count(left, 'more warning')} of this kind: on the board."


def _gates(found: Analysis) -> Iterator[str]:
    if not found.gates:
        yield "The run has no gates: nothing checked that the models are what they are called."
        return
    passed = [name for name, one in found.gates.items() if one.passed and not one.dropped]
    if passed:
        checks = sum(len(found.gates[name].checks) for name in passed)
        yield f"All {count(checks, 'check')} passed on {listed(passed)}."
    for name, one in found.gates.items():
        failed = "; ".join(words.check(check) for check in one.failed)
        if not one.passed:
            yield f"{name} failed its gates, and nothing was unlearned on it: {failed}."
        elif one.dropped:
            yield f"{name} passed, but {words.dropped(one)}: {failed}."


def _known(found: Analysis) -> list[Sheet]:
    """What originals and oracles answer."""
    summary = found.summary
    metrics = [name for name in ("FA", "RA") if name in summary.metrics]
    rows = [
        (
            benchmark,
            *(
                words.mean(summary.mean(benchmark, line, metric))
                for metric in metrics
                for _, line in SHOWN
            ),
        )
        for benchmark in summary.benchmarks
    ]
    if not metrics:
        return []
    columns = ("benchmark", *(f"{metric}, {name}" for metric in metrics for name, _ in SHOWN))
    note = "Share of right answers on the forget set (FA) and on the retain set (RA), ± one standard error."
    return [Sheet("What the models that methods are held against know", columns, rows, note)]
