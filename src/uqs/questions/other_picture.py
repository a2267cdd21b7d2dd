"""The same question about another picture of the same entity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from uqs.questions.base import ExplicitProbe, answered
from uqs.records import Benchmark, Picture, Sample
from uqs.traces.trace import Trace

PICTURES = 2
VIEWS = "forget_views"


class OtherPicture(ExplicitProbe):
    """Reads `forget_views` if the benchmark has it; otherwise asks with the entity's next two pictures, in
    name order."""

    name = "other_picture"
    source = "Liu et al. 2024 (arXiv 2410.22108): transformed pictures; Li et al. 2024 (arXiv 2405.12523)"

    def samples(self, benchmark: Benchmark) -> Sequence[Sample]:
        if VIEWS in benchmark.evaluate:
            return ()
        items = benchmark.evaluate["forget"].samples
        pictures: dict[str, dict[bytes, Picture]] = {}
        for item in items:
            if item.picture is not None:
                pictures.setdefault(item.entity, {}).setdefault(item.picture.data, item.picture)
        return [
            self.ask(item, item.question, picture, number)
            for item in items
            if item.picture is not None
            for number, picture in enumerate(_next(item.picture, pictures[item.entity]), start=1)
        ]

    def recovered(self, traces: Mapping[str, Trace]) -> Mapping[str, bool]:
        return answered(traces[VIEWS]) if VIEWS in traces else super().recovered(traces)


def _next(picture: Picture, pictures: Mapping[bytes, Picture]) -> list[Picture]:
    ordered = sorted(pictures.values(), key=lambda one: (one.name, one.data))
    place = [one.data for one in ordered].index(picture.data)
    return (ordered[place + 1 :] + ordered[:place])[:PICTURES]
