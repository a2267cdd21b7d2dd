"""The published comparison of modalities, tested as the arms of any table are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from uqs.audit.arms import Arms, compare_arms
from uqs.audit.findings import Audit
from uqs.reproduction.procedures import mean_pairwise_tau
from uqs.results.tables import long_form
from uqs.score import figures
from uqs.text import signed

NAMES = ("multimodal", "unimodal")


def published_arms(rng: np.random.Generator) -> Arms:
    """The published rows: LLaVA-1.5-7B on three benchmarks against a ResNet-18 on CIFAR-10."""
    parts = [
        table.drop(columns="oracle_distance", errors="ignore").assign(arm=name)
        for name, table in zip(NAMES, (figures.multimodal(), figures.unimodal()), strict=True)
    ]
    rows = pd.concat(parts, ignore_index=True)
    return compare_arms(long_form(rows, "the published rows"), "arm", rng=rng)


def with_published(audit: Audit, rng: np.random.Generator) -> Audit:
    """An audit that compares arms, with the published comparison beside them."""
    if audit.arms is None:
        return audit
    published = published_arms(rng)
    return replace(
        audit,
        arms=replace(audit.arms, published=published),
        verdicts=(*audit.verdicts, *published_sentences(published)),
    )


def published_sentences(found: Arms) -> tuple[str, ...]:
    """What the published rows allow to be said of modality."""
    printed = figures.printed().printed["modality"]
    pooled = {
        name: mean_pairwise_tau(table, align=True)
        for name, table in zip(NAMES, (figures.multimodal(), figures.unimodal()), strict=True)
    }
    mean = next(one for one in found.differences if one.a is None)
    first, second, difference = (
        signed(value or 0.0, 2) for value in (mean.tau_first, mean.tau_second, mean.difference)
    )
    return (
        "The published study (arXiv 2605.02206) prints a mean agreement of "
        f"{printed['multimodal'].value:.3f} for the multimodal and {printed['unimodal'].value:.3f} for the "
        "unimodal arm: tau-b over all rows of an arm in one list, directions not aligned. The same "
        "with aligned directions is "
        f"{signed(pooled['multimodal'], 3)} and {signed(pooled['unimodal'], 3)}.",
        f"Within benchmarks, aligned, among the means of its {found.methods} methods: {first} multimodal, "
        f"{second} unimodal, difference {difference}, p {mean.p:.3g}; with {found.methods} methods no p can "
        f"fall below {found.min_p:.3g}.",
        "Its arms differ in data, model and task as well, and one data set stands against three: no "
        "difference of these rows could be put down to modality.",
    )
