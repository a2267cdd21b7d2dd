"""The published study computed again: by its own procedures, and by correct ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from uqs.audit import Audit, audit
from uqs.reproduction import procedures
from uqs.reproduction.procedures import PAIRS, Span
from uqs.score import ScoreResult, figures, score
from uqs.score.figures import METRICS, Figures

Tree = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Fragility:
    """How the published figures change with things that should not matter."""

    row_order: Mapping[str, Span]
    """By pair: the range of tau over all orders of a group's rows."""
    weights_without: Mapping[str, Mapping[str, float]]
    """By benchmark left out."""
    first_share: Mapping[str, Mapping[str, float]]
    """By form of the AD term: how often uniform random weights put each method first."""


@dataclass(frozen=True)
class Reproduction:
    """`reproduced[group][key]` follows `printed`; `blip2_tau` is None if tau is undefined."""

    figures: Figures
    reproduced: Tree
    blip2_tau: Mapping[str, float | None]
    fragility: Fragility
    audit: Audit
    score: ScoreResult
    aligned_tau: Mapping[str, float]
    """Mean pairwise tau_b with aligned directions, over all rows of each table."""

    def disagreements(self) -> list[str]:
        """The figures that differ from the printed ones."""
        return [
            f"{group}.{key}"
            for group, values in self.figures.printed.items()
            for key, printed in values.items()
            if not printed.agrees(self.reproduced[group][key])
        ]


def reproduce(rng: np.random.Generator) -> Reproduction:
    """Compute everything from the rows. The published draws keep their seed; all others come from `rng`."""
    audit_rng, score_rng, share_rng = rng.spawn(3)
    multimodal, unimodal = figures.multimodal(), figures.unimodal()
    printed = figures.printed()
    return Reproduction(
        figures=printed,
        reproduced=_reproduced(multimodal, unimodal),
        blip2_tau={
            f"{a}-{b}": procedures.two_method_tau(printed.blip2, a, b)
            for a, b in (("FA", "AD"), ("RA", "AD"))
        },
        fragility=_fragility(multimodal, share_rng),
        audit=audit(multimodal, rng=audit_rng),
        score=score(multimodal, "held-out", rng=score_rng),
        aligned_tau={
            "multimodal": procedures.mean_pairwise_tau(multimodal, align=True),
            "unimodal": procedures.mean_pairwise_tau(unimodal, align=True),
        },
    )


def _reproduced(multimodal: pd.DataFrame, unimodal: pd.DataFrame) -> Tree:
    taus = {f"{a}-{b}": procedures.group_tau(multimodal, a, b) for a, b in PAIRS}
    rhos = {metric: procedures.reliability(multimodal, metric) for metric in METRICS}
    many = procedures.mean_pairwise_tau(multimodal, align=False)
    one = procedures.mean_pairwise_tau(unimodal, align=False)
    weights = procedures.weights(multimodal)
    found: Tree = {
        "tau": {pair: result.value for pair, result in taus.items()},
        "tau_p": {pair: result.p for pair, result in taus.items()},
        "modality": {"multimodal": many, "unimodal": one, "gap": one - many},
        "rho": {metric: result.value for metric, result in rhos.items()},
        "rho_p": {metric: result.p for metric, result in rhos.items()},
        "weights": weights,
    }
    forms: dict[str, procedures.ADForm] = {"": "inverse", "_exp": "exp"}
    for suffix, ad_form in forms.items():
        spread = procedures.stability(multimodal, weights, ad_form)
        found[f"uqs{suffix}"] = procedures.uqs(multimodal, weights, ad_form)
        found[f"stability{suffix}"] = {"mean": spread.mean, "sd": spread.sd}
    return found


def _fragility(multimodal: pd.DataFrame, rng: np.random.Generator) -> Fragility:
    return Fragility(
        row_order={f"{a}-{b}": procedures.row_order_span(multimodal, a, b) for a, b in PAIRS},
        weights_without={
            benchmark: procedures.weights_without(multimodal, benchmark)
            for benchmark in sorted(set(multimodal["benchmark"]))
        },
        first_share={
            "inverse": procedures.first_shares(multimodal, "inverse", rng),
            "exp": procedures.first_shares(multimodal, "exp", rng),
        },
    )
