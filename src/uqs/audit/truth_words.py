"""Sentences on which metrics follow the truth, and on what they say of unlearned models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from uqs.audit.profile_words import known_sentences, ragged_sentences
from uqs.audit.profiles import Profile
from uqs.audit.report_cards import REASONS, Judged, ReportCard
from uqs.audit.share_words import NAMED, grouped, two
from uqs.text import count, few, listed


def truth_sentences(cards: Sequence[ReportCard], found: Sequence[Profile]) -> list[str]:
    """What report cards and profiles say, the decisive first; headline splits only, nothing without cards."""
    headline = [card for card in cards if card.headline]
    if not headline:
        return []
    said = [
        *_following(headline),
        *_blind(headline),
        *_fooled(headline),
        *known_sentences(headline, found),
        *ragged_sentences(found),
    ]
    return said


def _following(cards: Sequence[ReportCard]) -> Iterator[str]:
    """Which metrics can be used, where, and how large their errors are."""
    groups = grouped(cards, lambda card: card.metric)
    where = len({card.benchmark for card in cards})
    everywhere, some = [], []
    nowhere: dict[str, list[str]] = {}
    for metric, own in groups.items():
        usable = [card for card in own if card.usable]
        worst = max((card.error for card in usable if card.error is not None), default=0.0)
        if len(usable) == where:
            everywhere.append((worst, f"{metric} ({two(worst)})"))
        elif usable:
            places = few([card.benchmark for card in usable], NAMED)
            some.append((worst, f"{metric} ({two(worst)}, on {places})"))
        else:
            why = [reason for key, reason in REASONS.items() if any(c.why == key for c in own)]
            nowhere.setdefault(", or ".join(why), []).append(metric)
    chance = min(card.chance for card in cards)
    ladder = (
        f"judged by models that were taught a known share of the forget entities"
        f" ({count(where, 'benchmark')}; in brackets the error of the estimated share for models of other"
        f" seeds, where the best guess without a metric is off by {two(chance)} or more)"
    )
    if everywhere:
        verb = "follows" if len(everywhere) == 1 else "follow"
        yield f"{listed([text for _, text in sorted(everywhere)])} {verb} the truth, {ladder}."
    else:
        each = "on every benchmark, " if where > 1 else ""
        yield f"No metric follows the truth {each}{ladder}."
    if some:
        yield f"Only on a part of the benchmarks it is followed by {listed([t for _, t in sorted(some)])}."
    if nowhere:
        parts = [f"{listed(metrics)} ({why})" for why, metrics in nowhere.items()]
        yield f"The truth is not followed by {'; '.join(parts)}."


def _blind(cards: Sequence[ReportCard]) -> Iterator[str]:
    """Which usable metrics miss hidden knowledge, and which see it everywhere."""
    asked = [card for card in cards if card.usable and card.suppressed]
    if not asked:
        return
    blind: list[str] = []
    seeing: dict[bool, list[str]] = {False: [], True: []}
    for metric, own in grouped(asked, lambda card: card.metric).items():
        missed = [one for card in own for one in card.blind]
        if missed:
            blind.append(f"{metric} ({_at_most(missed)})")
        else:
            off = all(one.share.position > 1 for card in own for one in card.suppressed)
            seeing[off].append(metric)
    kinds = listed(sorted({_name(one) for card in asked for one in card.suppressed}))
    if blind:
        yield (
            f"Models that know everything and do not say it ({kinds}) are taken for models that know less by"
            f" {listed(blind)}: a good value there does not show that the knowledge is gone."
        )
    for off, metrics in seeing.items():
        if metrics:
            verb, them = ("is", "it puts") if len(metrics) == 1 else ("are", "they put")
            how = f": {them} these beyond the models that know everything" if off else ""
            who = f"models that do not say what they know ({kinds})"
            yield f"{listed(metrics)} {verb} not deceived by {who}{how}."


def _fooled(cards: Sequence[ReportCard]) -> Iterator[str]:
    """Which usable metrics take damage for forgetting."""
    asked = [card for card in cards if card.usable and card.damaged]
    if not asked:
        return
    fooled = []
    for metric, own in grouped(asked, lambda card: card.metric).items():
        missed = [(card.benchmark, one) for card in own for one in card.fooled]
        if missed:
            places = dict.fromkeys(f"{_name(one)} on {benchmark}" for benchmark, one in missed)
            fooled.append(
                f"{metric} ({_at_most([one for _, one in missed])}: {few(list(places), NAMED)})"
            )
    if fooled:
        yield f"Models that forgot nothing and are damaged elsewhere seem to know less by {listed(fooled)}."
    else:
        kinds = listed(sorted({_name(one) for card in asked for one in card.damaged}))
        yield f"No metric that follows the truth takes damaged models ({kinds}) for models that know less."


def _at_most(missed: Sequence[Judged]) -> str:
    """The largest upper limit of the known share."""
    highs = [one.share.high for one in missed if one.share.high is not None]
    return f"known share at most {two(max(highs))}" if highs else "beyond the end of the ladder"


def _name(one: Judged) -> str:
    return f"{one.method} {one.strength}".strip()
