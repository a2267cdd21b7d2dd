"""Which models a metric tells from one more oracle, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from uqs.audit.told import Finding, Told
from uqs.audit.told_words import TESTED
from uqs.records import Role
from uqs.report.terminal import Sheet
from uqs.text import DASH, number, probability, signed

ROLES = {
    Role.UNLEARNED: "unlearned",
    Role.BASELINE: "baselines",
    Role.ORIGINAL: "originals",
    Role.REFERENCE: "references",
    Role.SUPPRESSED: "suppressed",
    Role.DAMAGED: "damaged",
    Role.ORACLE: "oracles",
}
"""The columns of counts, those with models only."""
NO_TEST = {
    Finding.TOO_FEW_ORACLES: "too few oracles",
    Finding.CONSTANT: "oracles do not differ",
    Finding.NO_VALUE: "no value",
}


def told_sheet(told: Sequence[Told]) -> Sheet:
    """One line per metric and benchmark: how many models of each kind are told from an oracle."""
    roles = [role for role in ROLES if any(one.role == role for one in told)]
    groups: dict[tuple[str, str], list[Told]] = {}
    for one in told:
        groups.setdefault((one.metric, one.benchmark), []).append(one)
    return Sheet(
        "Is a model told from one more oracle?",
        ("metric", "benchmark", "oracles", "df", *(ROLES[role] for role in roles)),
        [
            (metric, benchmark, *_design(part), *(_share(part, role) for role in roles))
            for (metric, benchmark), part in groups.items()
        ],
        "Models told apart, of those that can be tested: by distance farther from the oracles than one more"
        " would be (logarithms where all are above 0), by own values on either side (familywise 5%, Dunnett;"
        " an oracle against the others, Bonferroni). df: degrees of freedom of the spread, more than"
        " oracles less one where references lend theirs. Not told apart is not like an oracle.",
        left=(0, 1),
    )


def models_sheet(told: Sequence[Told]) -> Sheet:
    """One line per model and metric."""
    return Sheet(
        "Each model against the oracles",
        (
            "metric",
            "benchmark",
            "model",
            "value",
            "oracles'",
            "t",
            "p",
            "p adjusted",
            "p by rank",
            "verdict",
        ),
        [
            (
                one.metric,
                one.benchmark,
                f"{one.method} seed {one.seed}",
                _number(one.value),
                _number(one.expected),
                DASH if one.statistic is None else signed(one.statistic, 2),
                *(_p(p) for p in (one.p, one.p_adjusted, one.p_rank)),
                _verdict(one),
            )
            for one in told
        ],
        "p by rank assumes no distribution; it is never under 1 over the oracles plus one. Not told apart is"
        " not like an oracle.",
        left=(0, 1, 2, 9),
    )


def _design(part: Sequence[Told]) -> tuple[str, str]:
    """Oracles and degrees of freedom, of models that are no oracles."""
    models = [one for one in part if one.role != Role.ORACLE] or list(part)
    freedom = {one.freedom for one in models if one.freedom is not None}
    return (
        str(max(one.oracles for one in models)),
        str(max(freedom)) if freedom else DASH,
    )


def _share(part: Sequence[Told], role: Role) -> str:
    mine = [one for one in part if one.role == role]
    tested = [one for one in mine if one.finding in TESTED]
    if not mine:
        return ""
    if not tested:
        return NO_TEST[mine[0].finding]
    return f"{sum(one.finding == Finding.TOLD for one in tested)} of {len(tested)}"


def _verdict(one: Told) -> str:
    if one.finding in NO_TEST:
        return NO_TEST[one.finding]
    return str(one.finding) + (f": {one.direction}" if one.direction is not None else "")


def _number(value: float | None) -> str:
    return DASH if value is None else number(value)


def _p(value: float | None) -> str:
    return DASH if value is None else probability(value)
