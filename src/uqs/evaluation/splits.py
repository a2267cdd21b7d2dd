"""Which questions a model is asked, so that given metrics can be computed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from uqs import registry
from uqs.benchmarks.fluent import fluent_split
from uqs.errors import UserError
from uqs.metrics.cards import CARDS
from uqs.questions.candidates import with_candidates
from uqs.records import Benchmark, MetricCard, Split

WITH_CANDIDATES = ("forget", "retain", "holdout", "forget_reworded")
TRACED = frozenset({"candidates", "fluent", "probes", "derived"})
"""The needs that a single model's traces meet."""
EXPENSIVE = frozenset({"derived", "shadows"})
"""What takes more than traces of the measured models: further training."""


def card(name: str) -> MetricCard:
    """The card of a registered metric; UserError where the name is unknown."""
    registry.check("metric", name)
    known = {one.name: one for one in CARDS.values()}
    if name in known:
        return known[name]
    found: MetricCard = registry.get("metric", name).card
    return found


def metric_names(metrics: str | Sequence[str]) -> tuple[str, ...]:
    """`default` (all that need no further training), `all`, or given names or symbols, each once."""
    cards = [one.name for one in CARDS.values()]
    everything = tuple(dict.fromkeys([*cards, *registry.names("metric")]))
    if metrics == "all":
        return everything
    if metrics == "default":
        return tuple(name for name in everything if not card(name).needs & EXPENSIVE)
    given = [metrics] if isinstance(metrics, str) else metrics
    if not given:
        raise UserError("no metric is named")
    chosen = [CARDS[name].name if name in CARDS else name for name in given]
    return tuple(dict.fromkeys(card(name).name for name in chosen))


def needs_of(metrics: Iterable[str]) -> frozenset[str]:
    """All that some metrics read beside traces of the benchmark's own splits."""
    return frozenset().union(*(card(name).needs for name in metrics))


def splits_of(benchmark: Benchmark, needs: Set[str]) -> dict[str, Split]:
    """The splits to trace, by name: the benchmark's own, and what `needs` asks for."""
    found = dict(benchmark.evaluate)
    if "candidates" in needs:
        for name in WITH_CANDIDATES:
            if name in found:
                found[name] = with_candidates(found[name], benchmark)
    if "fluent" in needs:
        found["fluent"] = fluent_split()
    if "probes" in needs:
        for name in registry.names("probe"):
            probe = registry.get("probe", name)()
            if samples := tuple(probe.samples(benchmark)):
                found[probe.split] = Split(probe.split, samples)
    return {name: Split(name, split.samples) for name, split in found.items()}
