"""The first lines of a report: which method, what can be trusted, and what it stands on."""

from __future__ import annotations

from uqs.records import Role
from uqs.report.analysis import Analysis, NoRanking
from uqs.score import words as score_words
from uqs.text import count, listed, verb


def headlines(found: Analysis) -> list[str]:
    """The first methods, the audit's short sentences, and how many models they stand on."""
    return [_method(found), *found.audit.in_short, _base(found)]


def _method(found: Analysis) -> str:
    if isinstance(found.overall, NoRanking):
        return f"Which method: the methods cannot be ranked: {found.overall.reason}."
    equal, published = (
        score_words.headline(one) for one in (found.overall.equal, found.overall.published)
    )
    how = score_words.form(found.overall.equal)
    if equal == published:
        return f"Which method: {equal} Equal weights ({how}) and the published ones agree in this."
    other = f"With the published form and weights: {published}"
    return f"Which method: with equal weights, {how}: {equal} {other}"


def _base(found: Analysis) -> str:
    made = count(found.models(Role.UNLEARNED), "unlearned model")
    oracles = count(found.models(Role.ORACLE), "oracle")
    where = count(len(found.summary.benchmarks), "benchmark")
    names = sorted(found.stopped)
    stopped = f"; {listed(names)} failed {verb(names, 'its', 'their')} gates" if names else ""
    return f"What it stands on: {made} and {oracles} on {where}{stopped}."
