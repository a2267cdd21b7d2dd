"""Shadow models: which entities each one learns and then unlearns.

Source: the likelihood ratio attack, Carlini et al. 2022 (arXiv 2112.03570); on unlearned models, Hayes et al.
2024 (arXiv 2403.01218).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from uqs.records import Benchmark, Sample, Split

SHADOW = "shadow"
"""The role of a shadow model's jobs; no row is of a shadow model."""
TRACED = ("forget", "holdout")


@dataclass(frozen=True)
class ShadowData:
    """A shadow model's members, what it learns of them, and what a method gets that unlearns them."""

    members: frozenset[str]
    learn: tuple[Sample, ...]
    unlearn: Mapping[str, Split]


def draw_members(entities: Collection[str], shadow: int) -> frozenset[str]:
    """A random half of the entities for every shadow of even number; the next shadow has the other half.

    So each entity is a member of exactly one of a pair, and of half of an even number of shadows. Of an odd
    number of entities the second of a pair has one more. Further shadows leave those before them alone.
    """
    known = sorted(entities)
    order = np.random.default_rng(shadow // 2).permutation(len(known))
    middle = len(known) // 2
    chosen = order[:middle] if shadow % 2 == 0 else order[middle:]
    return frozenset(known[i] for i in chosen)


def draw(data: Benchmark, shadow: int) -> ShadowData:
    """The members of a shadow model among the entities of forget and holdout, and their samples.

    What is evaluated of holdout stands for what an original would have learnt of it.
    """
    holdout = data.evaluate["holdout"]
    members = draw_members(data.learn["forget"].entities | holdout.entities, shadow)

    def of_members(forget: Split) -> tuple[Sample, ...]:
        both = (*forget.samples, *holdout.samples)
        return tuple(sample for sample in both if sample.entity in members)

    return ShadowData(
        members,
        of_members(data.learn["forget"]),
        {**data.unlearn, "forget": Split("forget", of_members(data.unlearn["forget"]))},
    )
