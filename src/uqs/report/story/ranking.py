"""Which methods can be told apart, and what cannot be said."""

from __future__ import annotations

from collections.abc import Iterator

from uqs.audit.short import by_topic
from uqs.report import words
from uqs.report.analysis import Analysis, NoRanking
from uqs.report.headlines import headlines
from uqs.report.protocol.points import protocol
from uqs.report.story.chapter import Chapter
from uqs.report.terminal import Sheet
from uqs.score import ScoreResult
from uqs.score import words as score_words
from uqs.text import count, few


def methods(found: Analysis) -> Chapter:
    """The ranks that the noise allows, and what they hang on."""
    title = "Which methods can be told apart"
    sentences = [headlines(found)[0], *by_topic(found.audit)["methods"]]
    if isinstance(found.overall, NoRanking):
        return Chapter(title, sentences)
    score = found.overall.equal
    sentences += [*_classes(score), *_weights(score)]
    rows = [
        (
            one.method,
            words.scored(one),
            words.ranks(one.rank_interval),
            str(one.tie_group),
            f"{one.first_share:.0%}",
        )
        for one in score.methods
    ]
    sheet = Sheet(
        f"UQS over {count(len(score.benchmarks), 'benchmark')}",
        ("method", "UQS", "95% ranks", "class", "first"),
        rows,
        f"Equal weights, {score_words.form(score)}; ± one standard error. First: the share of all"
        " weightings under which a method comes first.",
    )
    return Chapter(title, sentences, [sheet])


def _classes(score: ScoreResult) -> Iterator[str]:
    groups: dict[int, list[str]] = {}
    for one in score.methods:
        groups.setdefault(one.tie_group, []).append(one.method)
    if len(groups) == 1:
        yield f"No method is told from the best one: all {len(score.methods)} are in one class."
        return
    first = next(iter(groups.values()))
    yield (
        f"The noise allows {len(groups)} classes; nothing tells the methods of one class apart. The first"
        f" holds {few(first, 6)}."
    )


def _weights(score: ScoreResult) -> Iterator[str]:
    best = max(score.methods, key=lambda one: (one.first_share, -one.rank))
    if best.first_share < 1:
        yield (
            f"Who comes first hangs on the weights: {best.method} does under {best.first_share:.0%} of all"
            " weightings, and no other method under more."
        )
    else:
        yield f"{best.method} comes first whatever the weights of the metrics are."


def limits(found: Analysis) -> Chapter:
    """What the table cannot show, what the score leaves out, and which points of the protocol are not met."""
    sentences = list(by_topic(found.audit)["limits"])
    if not isinstance(found.overall, NoRanking):
        sentences += [
            *score_words.coverage(found.overall.equal),
            *score_words.validation(found.overall.equal),
        ]
    turned = [f"{one.a} and {one.b}" for one in found.audit.agreement if one.tau.sign_reverses]
    if turned:
        sentences.append(
            f"Pooled over benchmarks {few(turned)} seem to agree where they disagree, or the reverse: do"
            " not pool."
        )
    points = [one for one in protocol(found) if one.met is not True]
    sheet = Sheet(
        "Points of the evaluation protocol that are not met",
        ("point", "", "what says so"),
        [(one.name, "not known" if one.met is None else "not met", one.figure) for one in points],
        left=(0, 1, 2),
    )
    return Chapter("What cannot be said", sentences, [sheet] if points else [])
