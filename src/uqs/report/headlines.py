"""The first lines of a report: which method, which metrics, how sure. Each sentence is made from the
tables.
"""

from __future__ import annotations

from collections import Counter

from uqs.metrics.catalogue import is_health
from uqs.records import Role
from uqs.report import ladder
from uqs.report.analysis import Analysis, NoRanking
from uqs.score import words as score_words
from uqs.text import count, listed


def headlines(found: Analysis) -> list[str]:
    """At most four sentences."""
    return [line for line in (_method(found), _metrics(found), _sure(found), _base(found)) if line]


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


def _metrics(found: Analysis) -> str:
    least = ladder.following(
        one
        for one in ladder.headline(found.ladders, found.summary.headline)
        if not is_health(one.metric)
    )
    if not least:
        return ""
    good = [name for name, rho in least.items() if rho is not None and rho >= ladder.FOLLOWS]
    poor = [
        f"{name} ({'undefined' if rho is None else f'{rho:.2f}'})"
        for name, rho in least.items()
        if name not in good
    ]
    where = count(len({one.benchmark for one in found.ladders}), "benchmark")
    said = f"Which metrics: along models of known truth (|rho| with the known share, least of {where}) "
    said += (
        f"{listed(good)} reach {ladder.FOLLOWS:g}" if good else f"none reaches {ladder.FOLLOWS:g}"
    )
    return said + (f"; below it are {listed(poor)}." if poor else ".")


def _sure(found: Analysis) -> str:
    """How many pairs of methods each metric tells apart, summed over benchmarks and strengths."""
    pairs: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for order in found.audit.resolution:
        if order.found is not None:
            pairs[order.metric] += len(order.methods) * (len(order.methods) - 1) // 2
            told[order.metric] += len(order.separated)
    if not pairs:
        return "How sure: without repeated runs it cannot be known whether a metric tells the methods apart."
    ranked = sorted(pairs, key=lambda name: (-told[name] / pairs[name], name))
    cells = [f"{name} {told[name]} of {pairs[name]}" for name in ranked]
    return f"How sure: pairs of methods told apart beyond seeds and oracles: {', '.join(cells)}."


def _base(found: Analysis) -> str:
    made = count(found.models(Role.UNLEARNED), "unlearned model")
    oracles = count(found.models(Role.ORACLE), "oracle")
    where = count(len(found.summary.benchmarks), "benchmark")
    stopped = f"; {listed(sorted(found.stopped))} failed its gates" if found.stopped else ""
    return f"What it stands on: {made} and {oracles} on {where}{stopped}."
