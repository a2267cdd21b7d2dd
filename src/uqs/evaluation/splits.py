"""Which splits must be traced to compute given metrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from uqs import registry
from uqs.benchmarks.fluent import fluent_split
from uqs.errors import UserError
from uqs.metrics.catalogue import BUILT_IN, chosen, metric_card
from uqs.questions.candidates import with_candidates
from uqs.records import Benchmark, Need, Split

WITH_CANDIDATES = ("forget", "retain", "holdout", "forget_reworded")
TRACED = frozenset({Need.CANDIDATES, Need.FLUENT, Need.PROBES, Need.INTERVENTIONS})
"""The needs that traces of a single model satisfy."""
EXPENSIVE = frozenset({Need.INTERVENTIONS, Need.SHADOWS})
"""The needs that require additional training, not only traces of the measured models."""


def metric_names(metrics: str | Sequence[str]) -> tuple[str, ...]:
    """The metric names for `default` (all that need no further training), `all`, or names, symbols and
    FILE.py:CLASS; without repeats."""
    everything = tuple(dict.fromkeys([*BUILT_IN, *registry.names("metric")]))
    if metrics == "all":
        return everything
    if metrics == "default":
        return tuple(name for name in everything if not metric_card(name).needs & EXPENSIVE)
    given = [metrics] if isinstance(metrics, str) else metrics
    if not given:
        raise UserError("no metric is given")
    return chosen(given)


def needs_of(metrics: Iterable[str]) -> frozenset[str]:
    """Everything that the metrics read in addition to traces of the benchmark's own splits."""
    return frozenset().union(*(metric_card(name).needs for name in metrics))


def splits_of(benchmark: Benchmark, needs: Set[str]) -> dict[str, Split]:
    """The splits to trace, by name: the benchmark's own, and those for `needs`."""
    found = dict(benchmark.evaluate)
    if Need.CANDIDATES in needs:
        for name in WITH_CANDIDATES:
            if name in found:
                found[name] = with_candidates(found[name], benchmark)
    if Need.FLUENT in needs:
        found["fluent"] = fluent_split()
    if Need.PROBES in needs:
        for name in registry.names("probe"):
            probe = registry.get("probe", name)()
            if samples := tuple(probe.samples(benchmark)):
                found[probe.split] = Split(probe.split, samples)
    return {name: Split(name, split.samples) for name, split in found.items()}
