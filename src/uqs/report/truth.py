"""Tables of report cards and profiles: which metric follows the truth, and what models still know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from uqs.audit.profiles import Profile, of_methods
from uqs.audit.report_cards import USEFUL, Judged, ReportCard
from uqs.audit.share_words import shown, two
from uqs.records import TRAINED, Role
from uqs.report.terminal import Sheet
from uqs.text import DASH, probability

ROLES = (Role.UNLEARNED, Role.BASELINE, Role.SUPPRESSED, Role.DAMAGED)
"""The order of models in tables of profiles; models of the ladder follow, by their share."""


def card_sheets(cards: Iterable[ReportCard], *, headline: bool = True) -> list[Sheet]:
    """One table per benchmark, the metrics that follow the truth first, by error."""
    kept = [card for card in cards if card.headline or not headline]
    names = dict.fromkeys(card.benchmark for card in kept)
    return [_cards(name, [card for card in kept if card.benchmark == name]) for name in names]


def profile_sheets(found: Iterable[Profile]) -> list[Sheet]:
    """One table per benchmark: a row per model, a column per metric."""
    every = list(found)
    names = dict.fromkeys(one.benchmark for one in every)
    return [_profiles(name, [one for one in every if one.benchmark == name]) for name in names]


def _cards(benchmark: str, cards: Sequence[ReportCard]) -> Sheet:
    beside = list(dict.fromkeys(_kind(one) for card in cards for one in _beside(card)))
    splits = any(not card.headline for card in cards)
    rows = []
    for card in sorted(cards, key=_quality):
        others = {_kind(one): one for one in _beside(card)}
        response = card.response
        rows.append(
            (
                card.metric,
                *([card.split] if splits else []),
                card.why.replace("_", " ") or "usable",
                _number(card.error),
                _number(card.gap),
                "undefined" if response is None else f"{response.span:.1f}",
                _number(card.rho),
                *(_judged(others.get(name)) for name in beside),
            )
        )
    note = (
        "Error: of the estimated share, for models of other seeds (root mean square; a guess without a metric"
        f" has {two(min(card.chance for card in cards))} or more). Gap: the difference of share from which on"
        " any two models are told apart by one run each (5%). Span: the ends of the ladder, in standard"
        " deviations between models. rho: Spearman, value against share. Too weak: one run does not tell the"
        f" ends apart. Too coarse: the error is above {USEFUL:g} times that of a guess."
    )
    if beside:
        note += (
            " Behind rho: the known share (95%) of models that know everything (1); * if knowledge is missed:"
            " the metric is blind to what is hidden, or takes damage for forgetting."
        )
    return Sheet(
        f"Which metrics follow the truth on {benchmark}",
        (
            "metric",
            *(["split"] if splits else []),
            "verdict",
            "error",
            "gap",
            "span",
            "rho",
            *beside,
        ),
        rows,
        note,
        left=(0, 1, 2) if splits else (0, 1),
    )


def _quality(card: ReportCard) -> tuple[bool, float, str, str]:
    return not card.usable, inf if card.error is None else card.error, card.metric, card.split


def _beside(card: ReportCard) -> tuple[Judged, ...]:
    return (*card.suppressed, *card.damaged)


def _kind(one: Judged) -> str:
    return f"{one.method} {one.strength}".strip()


def _judged(one: Judged | None) -> str:
    if one is None:
        return "-"
    share = one.share
    if share.low is None or share.high is None:
        text = shown(share)
    else:
        text = f"{two(share.low)}{DASH}{two(share.high)}"
    return text + ("*" if one.missed else "")


def _profiles(benchmark: str, found: Sequence[Profile]) -> Sheet:
    own = means(found)
    metrics = metrics_of(own)
    rows, rules = [], []
    for at, one in enumerate(own):
        if at and _group(one) != _group(own[at - 1]):
            rules.append(at)
        parts = {part.metric: part for part in one.parts}
        rows.append(
            (
                model_name(one),
                *(shown(parts[name].share) if name in parts else "-" for name in metrics),
                common(one),
                probability(one.p),
            )
        )
    return Sheet(
        f"Known shares on {benchmark}",
        ("model", *metrics, "all", "p"),
        rows,
        "The share of the forget entities that a retrained model with such a value was taught; off the"
        " ladder, the position in units of its span. all: the share that fits all metrics best, or none if no"
        f" one share explains them (p at most 5%). {_basis(own)} Models of the ladder and baselines are"
        " judged without their seed.",
        rules=rules,
    )


def _basis(found: Sequence[Profile]) -> str:
    """What p is made from; the basis is the same for all unlearned models of a benchmark."""
    one = found[0]
    if one.basis == "normal":
        return "p: that of a retrained model's misfit, by normal noise (too few models to compare with)."
    where = "all benchmarks" if one.basis == "all_benchmarks" else "this benchmark"
    return f"p: by the misfit of {one.references} left-out models of the ladders of {where}."


def means(found: Sequence[Profile]) -> list[Profile]:
    """Profiles of one benchmark in the order of tables; of a method with several runs only their mean."""
    others = [one for one in found if one.role != Role.UNLEARNED]
    return sorted(
        [*of_methods(found), *others],
        key=lambda one: (_group(one), one.truth or 0.0, one.method, one.strength, one.seed or 0),
    )


def _group(one: Profile) -> int:
    return ROLES.index(Role(one.role)) if one.role in ROLES else len(ROLES)


def model_name(one: Profile) -> str:
    """`npo 0.5, mean of 3`."""
    if one.role in TRAINED:
        return f"{one.role} {one.truth or 0:g}, seed {one.seed}"
    runs = f", mean of {one.runs}" if one.seed is None else ""
    seed = "" if one.seed is None or one.role == Role.UNLEARNED else f", seed {one.seed}"
    return f"{one.method} {one.strength}".strip() + runs + seed


def metrics_of(found: Iterable[Profile]) -> list[str]:
    """All metrics of the profiles, each once."""
    return list(dict.fromkeys(part.metric for one in found for part in one.parts))


def common(one: Profile) -> str:
    """The share that fits all metrics, if one does."""
    return "none" if one.ragged else two(one.common)


def _number(value: float | None) -> str:
    return "undefined" if value is None else two(value)
