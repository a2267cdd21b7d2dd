"""The question in text only, with the entity's name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from uqs.benchmarks.entity_names import known_names
from uqs.benchmarks.in_forms import naming, overlap
from uqs.questions.base import ExplicitProbe, in_words
from uqs.records import Benchmark, Sample


class NamedProbe(ExplicitProbe):
    """Picture questions asked without the picture; only if the benchmark gives the name and the name is not
    the answer."""

    name = "named"
    source = "Liu et al. 2024 (arXiv 2410.22108): questions in text alone"

    def samples(self, benchmark: Benchmark) -> Sequence[Sample]:
        return list(self._asked(benchmark))

    def _asked(self, benchmark: Benchmark) -> Iterator[Sample]:
        names = known_names(benchmark)
        for item in benchmark.evaluate["forget"].samples:
            name = names.get(item.entity)
            if name and item.picture is not None and not overlap(name, in_words(item)):
                yield self.ask(item, naming(item.question, name), None)
