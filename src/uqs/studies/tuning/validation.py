"""What is forgotten while strengths are searched: never the forget set of a study."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from uqs.records import Benchmark, Picture, Sample, Split


class Validation(NamedTuple):
    """`unlearn`: what a method gets as `forget` and `retain`; `forget` and `retain`: what is then asked."""

    unlearn: Mapping[str, Split]
    forget: Split
    retain: Split


def validation(data: Benchmark, seed: int, questions: int) -> Validation:
    """Retain entities are forgotten in place of the forget entities, which no method sees here.

    As many as the forget set has, or half of the retain entities where these are fewer than twice that; the
    others are the retain set. A method sees as many pictures of an entity as it sees of a forget entity in
    a study, and is asked about all that the original has learnt, up to `questions` of each kind, drawn at
    random.
    """
    rng = np.random.default_rng(seed)
    entities = sorted(data.unlearn["retain"].entities)
    count = min(len(data.unlearn["forget"].entities), len(entities) // 2)
    chosen = frozenset(entities[i] for i in rng.permutation(len(entities))[:count])
    seen, known = data.unlearn["retain"].samples, data.learn["retain"].samples
    pictures = max(map(len, _pictures(data.unlearn["forget"].samples).values()), default=0)
    shown = {
        entity: set(found[:pictures])
        for entity, found in _pictures([s for s in seen if s.entity in chosen]).items()
    }
    forget = [
        s
        for s in seen
        if s.entity in chosen and (s.picture is None or s.picture in shown[s.entity])
    ]
    return Validation(
        {
            "forget": Split("forget", tuple(forget)),
            "retain": Split("retain", tuple(s for s in seen if s.entity not in chosen)),
        },
        _drawn("forget", [s for s in known if s.entity in chosen], questions, rng),
        _drawn("retain", [s for s in known if s.entity not in chosen], questions, rng),
    )


def _pictures(samples: Sequence[Sample]) -> Mapping[str, list[Picture]]:
    """The distinct pictures of each entity that is shown, in their order."""
    found: dict[str, dict[Picture, None]] = defaultdict(dict)
    for sample in samples:
        if sample.picture is not None:
            found[sample.entity][sample.picture] = None
    return {entity: list(pictures) for entity, pictures in found.items()}


def _drawn(name: str, samples: Sequence[Sample], limit: int, rng: np.random.Generator) -> Split:
    picked = sorted(rng.permutation(len(samples))[:limit].tolist())
    return Split(name, tuple(samples[i] for i in picked))
