"""The published rows and printed figures, as data (SOURCE.md says where they come from)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from io import StringIO

import pandas as pd
import yaml

METRICS = ("FA", "RA", "MIA", "AD", "JS")
LOWER_IS_BETTER = frozenset({"FA", "MIA", "AD", "JS"})
GROUPS = (
    "tau",
    "tau_p",
    "modality",
    "rho",
    "rho_p",
    "weights",
    "uqs",
    "uqs_exp",
    "stability",
    "stability_exp",
)


@dataclass(frozen=True)
class PrintedFigure:
    """A figure as it was printed."""

    text: str

    @property
    def value(self) -> float:
        return float(self.text)

    @property
    def tolerance(self) -> float:
        """Half a unit of the last printed digit, but at least 1e-6."""
        decimals = len(self.text.partition(".")[2])
        return max(1e-6, 0.5 * 10.0**-decimals)

    def agrees(self, value: float) -> bool:
        return abs(value - self.value) <= self.tolerance * (1 + 1e-9)


@dataclass(frozen=True)
class RecoveryCount:
    """The number of directly suppressed items, and how many of them another probe recovered."""

    recovered: int
    suppressed: int


@dataclass(frozen=True)
class Figures:
    """`printed[group][key]`; `blip2[method][metric]` and `recoverability[method]` are as published."""

    printed: Mapping[str, Mapping[str, PrintedFigure]]
    blip2: Mapping[str, Mapping[str, float]]
    recoverability: Mapping[str, RecoveryCount]


def _text(name: str) -> str:
    return files("uqs.reproduction").joinpath(name).read_text(encoding="utf-8")


def multimodal() -> pd.DataFrame:
    """The 36 runs of LLaVA-1.5-7B in published row order."""
    return pd.read_csv(StringIO(_text("multimodal_llava15_7b.csv")))


def unimodal() -> pd.DataFrame:
    """The 12 runs of the ResNet-18 on CIFAR-10 in published row order; NaN where NaN was published."""
    return pd.read_csv(StringIO(_text("unimodal_cifar10_resnet18.csv")))


def printed() -> Figures:
    """All printed figures."""
    tree = yaml.safe_load(_text("figures.yaml"))
    return Figures(
        printed={
            group: {key: PrintedFigure(text) for key, text in tree[group].items()}
            for group in GROUPS
        },
        blip2=tree["blip2"],
        recoverability={
            method: RecoveryCount(**counts)
            for method, counts in tree["knowledge_recoverability"].items()
        },
    )
