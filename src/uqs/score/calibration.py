"""The calibrated form by references: how much of the forget set a model still knows, and what it kept.

References are models that were taught a known share of the forget entities, retrained in the same way as the
oracles (share 0) and the originals (share 1). A metric's response to that share turns a value into a known
share; a model scores by how little it knows. Distances to the oracles have no term: a retrained model that
knows less is nearer to them, but an unlearned one can be far from them for other reasons than what it knows.

All terms are multiplied by two gates. *Utility*: the model's RA over that of references with the same share,
at most 1, so that a model that broke scores nothing. *Agreement*: a retrained model has one known share by
all metrics, and JS, the distance of its answers to the oracles', gives the same; where those of a model lie
farther apart than those of any reference, the excess is taken off. A model that refuses to answer deceives
accuracy and membership, and its answers are as far from the oracles' as the original's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uqs.audit.ladder import models_of
from uqs.audit.report_cards import REASONS, ReportCard, report_cards
from uqs.records import TRAINED, Role
from uqs.results.pivot import labelled
from uqs.score.transforms import TRANSFORMS
from uqs.stats.response import Response

FloatArray = NDArray[np.float64]
KNOWING = tuple(metric for metric, one in TRANSFORMS.items() if one.group == "privacy")
UTILITY = next(metric for metric, one in TRANSFORMS.items() if one.group == "utility")
AGREEING = (*KNOWING, "JS")
"""AD is not among them: nearly all unlearned models are farther from the oracles in activations than the
original is, whatever they know."""
NO_LADDER = "its references have no value of it"


@dataclass(frozen=True)
class Utility:
    """RA of the references: the mean `(rungs,)` at each of `shares`, and the SD between models of a rung."""

    shares: tuple[float, ...]
    means: tuple[float, ...]
    sd: float

    def kept(self, values: FloatArray, shares: FloatArray) -> FloatArray:
        """The part of the references' RA at the same share that is left, 1 within one SD of it or above."""
        expected = np.interp(shares, self.shares, self.means) - self.sd
        return np.clip(values / np.maximum(expected, 1e-9), 0, 1)


@dataclass(frozen=True)
class Ladder:
    """The references of one benchmark.

    `responses`: of the metrics that follow the known share, distances too. `why`: the reason for each metric
    of what a model knows that does not, and for RA without a gate, in words. `tolerance`: the largest
    distance between known shares of one reference by the AGREEING ones.
    """

    responses: Mapping[str, Response]
    utility: Utility | None
    why: Mapping[str, str]
    tolerance: float
    cards: Mapping[str, ReportCard]

    def follow(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of the metrics that have a response."""
        return tuple(name for name in names if name in self.responses)


@dataclass(frozen=True)
class LadderTerms:
    """The terms `(..., K)` of models with values `(..., K)` on one benchmark, times the two gates.

    `metrics` name the columns, `known` those with values of all methods. Of these the `used` ones have a
    term, and RA its gate.
    """

    ladder: Ladder
    metrics: tuple[str, ...]
    known: tuple[str, ...]
    used: tuple[str, ...]

    @property
    def agreeing(self) -> tuple[str, ...]:
        """The metrics whose agreement is the second gate."""
        return self.ladder.follow(name for name in AGREEING if name in self.known)

    def __call__(self, values: FloatArray) -> FloatArray:
        utility, agreement = self.gates(values)
        return np.asarray(self.plain(values) * (utility * agreement)[..., None])

    def plain(self, values: FloatArray) -> FloatArray:
        """What each metric would say alone, also those without a term."""
        found = np.full(values.shape, np.nan)
        for name in self.ladder.follow(self.metrics):
            at = self.metrics.index(name)
            found[..., at] = 1 - self.ladder.responses[name].estimates(values[..., at])
        if UTILITY in self.used:
            found[..., self.metrics.index(UTILITY)] = self.gates(values)[0]
        return found

    def gates(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Utility and agreement `(...)`, from 0 to 1; 1 where the table cannot show them."""
        open_ = np.ones(values.shape[:-1])
        knowing = self.ladder.follow(name for name in KNOWING if name in self.used)
        if not knowing:
            return open_, open_
        common = self._shares(values, knowing).mean(axis=0)
        agreement = self._agreement(self._shares(values, self.agreeing))
        if UTILITY not in self.used or self.ladder.utility is None:
            return open_, agreement
        kept = self.ladder.utility.kept(values[..., self.metrics.index(UTILITY)], common)
        return kept, agreement

    def _shares(self, values: FloatArray, names: Iterable[str]) -> FloatArray:
        """`(metrics, ...)` known shares by those of the metrics that have a response."""
        return np.stack(
            [
                self.ladder.responses[name].estimates(values[..., self.metrics.index(name)])
                for name in self.ladder.follow(names)
            ]
        )

    def _agreement(self, shares: FloatArray) -> FloatArray:
        tolerance = min(self.ladder.tolerance, 0.99)
        apart = shares.max(axis=0) - shares.min(axis=0)
        return np.asarray(1 - np.maximum(apart - tolerance, 0) / (1 - tolerance))


@dataclass(frozen=True)
class Calibration:
    """The ladders of a table, by benchmark."""

    ladders: Mapping[str, Ladder]

    def of(self, benchmark: str) -> Ladder | None:
        return self.ladders.get(benchmark)

    def __bool__(self) -> bool:
        return bool(self.ladders)


def calibration(long: pd.DataFrame) -> Calibration:
    """The ladders of a checked long form; empty without references. Benchmarks are named as in the table."""
    if "share" not in long or not (long["role"] == Role.REFERENCE).any():
        return Calibration({})
    here = labelled(long[long["metric"].isin(list(TRANSFORMS))].copy())
    taught = here.loc[here["role"] == Role.REFERENCE, "benchmark"].unique()
    here = here[here["benchmark"].isin(taught)]
    cards = [one for one in report_cards(here) if one.headline]
    models = models_of(here)
    found = {}
    for benchmark in sorted({one.benchmark for one in cards}):
        own = {one.metric: one for one in cards if one.benchmark == benchmark}
        ladder = _ladder(own, models[models["benchmark"] == benchmark])
        if ladder is not None:
            found[benchmark] = ladder
    return Calibration(found)


def _ladder(cards: Mapping[str, ReportCard], models: pd.DataFrame) -> Ladder | None:
    responses = {
        name: one.response
        for name, one in cards.items()
        if name != UTILITY and one.usable and one.response is not None
    }
    if not any(name in KNOWING for name in responses):
        return None
    trained = models[models["role"].isin(list(TRAINED)) & models["share"].notna()]
    utility = _utility(cards.get(UTILITY), trained)
    why = {
        name: REASONS[cards[name].why] if name in cards else NO_LADDER
        for name in KNOWING
        if name not in responses
    }
    if utility is None:
        why[UTILITY] = NO_LADDER
    return Ladder(responses, utility, why, _tolerance(responses, cards, trained), cards)


def _utility(card: ReportCard | None, trained: pd.DataFrame) -> Utility | None:
    if card is None:
        return None
    own = trained[(trained["metric"] == UTILITY) & (trained["split"] == card.split)]
    rungs = own.groupby("share")["value"]
    means, freedom = rungs.mean(), len(own) - rungs.ngroups
    if freedom < 1:
        return None
    squares = float(((own["value"] - rungs.transform("mean")) ** 2).sum())
    shares = tuple(float(str(share)) for share in means.index)
    return Utility(shares, tuple(means.to_list()), float(np.sqrt(squares / freedom)))


def _tolerance(
    responses: Mapping[str, Response], cards: Mapping[str, ReportCard], trained: pd.DataFrame
) -> float:
    """The largest distance between the known shares of one model of the ladder."""
    key = ["role", "method", "strength", "seed", "share"]
    columns = []
    for name in AGREEING:
        if name not in responses:
            continue
        response = responses[name]
        own = trained[(trained["metric"] == name) & (trained["split"] == cards[name].split)]
        own = own.assign(known=response.estimates(own["value"].to_numpy(dtype=np.float64)))
        columns.append(own.set_index(key)["known"].rename(name))
    shares = pd.concat(columns, axis=1).to_numpy(dtype=np.float64)
    complete = shares[~np.isnan(shares).any(axis=1)]
    if not len(complete):
        return 0.0
    return float((complete.max(axis=1) - complete.min(axis=1)).max())
