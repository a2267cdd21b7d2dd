"""All metrics of one model, with the status `collapsed` where it no longer works."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from uqs import registry
from uqs.metrics.base import Evidence, Measured, Metric, References
from uqs.metrics.cards import health
from uqs.metrics.collapse import collapsed
from uqs.records import Status

_HEALTH = frozenset(card.name for card in health.CARDS)


class Problem(NamedTuple):
    """A metric that could not be computed, and the error."""

    metric: str
    error: Exception


def measured(
    names: Sequence[str], model: Evidence, references: References, dead: bool = False
) -> Iterator[Measured | Problem]:
    """Every row of the named metrics; a metric that fails costs no other its rows.

    A model that is collapsed has values of the health metrics alone: the others would praise it for what it
    cannot say. So has one that is known to be `dead`, because its training collapsed.
    """
    dead = dead or collapsed(model.traces)
    finite = all(trace.finite for trace in model.traces.values())
    for name in names:
        metric: Metric = registry.get("metric", name)()
        if dead and not (finite and name in _HEALTH):
            yield metric.missing(Status.COLLAPSED)
            continue
        try:
            yield from list(metric.measure(model, references))
        except Exception as error:
            yield Problem(name, error)
