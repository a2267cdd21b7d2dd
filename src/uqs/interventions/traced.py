"""Traces of models made from a model, which show what it still knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict
from typing import Any

import torch

from uqs.interventions.quantisation import BLOCK, GROUP, SCHEMES, quantised
from uqs.interventions.relearning import RelearnSettings, halves, relearn
from uqs.models.vlm import VLM
from uqs.records import Split
from uqs.traces.trace import Trace

RELEARN = "relearn_"
DEFAULT = RelearnSettings()
SEED = 0
DECLARED: Mapping[str, Any] = {
    "schemes": list(SCHEMES),
    "group": GROUP,
    "block": BLOCK,
    "relearning": asdict(DEFAULT),
    "seed": SEED,
}
"""All defaults that decide what `intervention_traces` does, JSON-able: part of the key of traces."""


def intervention_traces(
    vlm: VLM,
    forget: Split,
    trace: Callable[[Split], Trace],
    relearning: RelearnSettings = DEFAULT,
    seed: int = SEED,
) -> dict[str, dict[str, Trace]]:
    """Traces by intervention and split; afterwards the model is restored bit for bit.

    `int8`, `int4` and `nf4`: the whole forget split. `relearn_K`: one half of the entities after K steps on
    the other half. Halves and draws depend only on `seed` and the split, so all models of a study get the
    same questions. Source: interventions/quantisation.py, interventions/relearning.py.
    """
    found: dict[str, dict[str, Trace]] = {}
    for scheme in SCHEMES:
        with quantised(vlm, scheme):
            found[scheme] = {forget.name: trace(forget)}
    train, test = halves(forget, seed)
    generator = torch.Generator().manual_seed(seed)
    with closing(relearn(vlm, train, relearning, generator)) as steps:
        for step in steps:
            found[f"{RELEARN}{step}"] = {forget.name: trace(test)}
    return found
