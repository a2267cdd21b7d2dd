"""Similarity between the representations of a model and the oracle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqs.metrics.base import Evidence, Floats, MetricResult, OracleMetric
from uqs.metrics.pairs import LAST_PROMPT, LAYER, SPLIT, activations, pair
from uqs.metrics.resampled import jackknife_error
from uqs.records import Measurement, MetricCard, Need, Status
from uqs.traces.trace import FloatArray, Trace

NOTHING = 1e-10
"""If centring leaves less than this share of the size, the rest is rounding: the activations do not vary."""


class LinearCKA(OracleMetric):
    """Linear centred kernel alignment of the activations on the forget set, in [0, 1]; 1 for equal geometry.

    With centred X and Y, (n, width): |X'Y|^2 / (|X'X| |Y'Y|), Frobenius norms. Layers and places are those of
    the activation distance. The standard error is a jackknife over entities. `too_few` if a model's
    activations do not vary between questions. With fewer questions than dimensions the value is biased
    upwards: compare it with the oracle-to-oracle value. Source: Kornblith et al. 2019 (arXiv 1905.00414).
    """

    card = MetricCard(
        name="linear_cka",
        symbol="CKA",
        group="distance",
        better="higher",
        bounds=(0, 1),
        split=f"{SPLIT}/{LAST_PROMPT}",
        version=2,
        formerly=(SPLIT,),
        needs=frozenset({Need.ORACLE}),
        source="Kornblith et al. 2019 (arXiv 1905.00414)",
        does_not_show=(
            "that the activations are the oracle's: turning, scaling or shifting all of them "
            "leaves it at 1"
        ),
    )

    def against(self, model: Evidence, oracle: Evidence, seed: int) -> Iterator[MetricResult]:
        traces = pair(model, oracle, SPLIT)
        if traces is None or any(LAYER not in trace.prompt_activations for trace in traces):
            yield self.missing(Status.MISSING_TRACE, oracle_seed=seed)
        if traces is None:
            return
        for place in activations(traces, SPLIT):
            yield from place.rows(self._row(traces.model, place.model, place.oracle, seed))

    def _row(self, trace: Trace, ours: FloatArray, theirs: FloatArray, seed: int) -> MetricResult:
        name = self.card.split
        if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
            return self.missing(Status.COLLAPSED, name, seed)
        found = linear_cka(ours.astype(np.float64), theirs.astype(np.float64), trace.entities)
        if found.value is None:
            return self.missing(Status.TOO_FEW, name, seed)
        return MetricResult(
            Measurement(self.card.symbol, name, found.value, found.se, len(trace)), seed
        )


class Alignment(NamedTuple):
    """`value` is None if one side is constant; `se` also if there are fewer than two entities."""

    value: float | None
    se: float | None


def linear_cka(first: Floats, second: Floats, entities: Sequence[str]) -> Alignment:
    """Linear CKA of (n, width) activations; the widths may differ."""
    if not (_varies(first) and _varies(second)):
        return Alignment(None, None)
    # CKA does not depend on scale; by a power of 2, which is exact, no product overflows
    first, second = (np.ldexp(side, -np.frexp(np.abs(side).max())[1]) for side in (first, second))
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    _, codes = np.unique(np.asarray(entities), return_inverse=True)
    few = len(first) <= 2 * max(first.shape[1], second.shape[1])  # about where both cost the same
    products = _by_samples(first, second, codes) if few else _by_width(first, second, codes)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = products[0] / np.sqrt(products[1] * products[2])
    se = jackknife_error(ratios[1:]) if len(ratios) > 2 else None
    return Alignment(float(np.clip(ratios[0], 0, 1)), se)


def _varies(values: Floats) -> bool:
    spread = np.linalg.norm(values - values.mean(axis=0))
    return bool(spread > NOTHING * np.linalg.norm(values))


def _by_samples(first: Floats, second: Floats, codes: NDArray[np.intp]) -> Floats:
    """|X'Y|^2, |X'X|^2, |Y'Y|^2 of all samples, then with each entity left out and the rest centred again:
    (3, 1 + entities). Uses (n, n) matrices K = XX' and L = YY': |X'Y|^2 = sum K L.
    """
    kernels = first @ first.T, second @ second.T
    member = (codes[:, None] == np.arange(codes.max() + 1)).astype(np.float64)
    kept = np.column_stack([np.ones(len(codes)), 1 - member])
    sizes = kept.sum(axis=0)
    sums = [kernel @ kept * kept for kernel in kernels]
    totals = [one.sum(axis=0) for one in sums]
    products = []
    for a, b in ((0, 1), (0, 0), (1, 1)):
        plain = np.einsum("ig,ig->g", kept, (kernels[a] * kernels[b]) @ kept)
        rows = np.einsum("ig,ig->g", sums[a], sums[b])
        with np.errstate(divide="ignore", invalid="ignore"):
            products.append(plain - 2 * rows / sizes + totals[a] * totals[b] / sizes**2)
    return np.asarray(products)


def _by_width(first: Floats, second: Floats, codes: NDArray[np.intp]) -> Floats:
    """The same with (width, width) matrices X'Y; leaving out an entity subtracts a matrix of low rank."""
    groups = [np.flatnonzero(codes == code) for code in range(int(codes.max()) + 1)]
    products = []
    for one, other in ((first, second), (first, first), (second, second)):
        cross = one.T @ other
        whole = float(np.sum(cross**2))
        left = [whole - _taken(cross, one[g], other[g], len(one) - len(g)) for g in groups]
        products.append([whole, *left])
    return np.asarray(products)


def _taken(cross: Floats, one: Floats, other: Floats, rest: int) -> float:
    """How much |X'Y|^2 drops if samples are left out and the `rest` others are centred again."""
    if rest == 0:
        return float(np.sum(cross**2))
    first = np.vstack([one, one.sum(axis=0) / np.sqrt(rest)])
    second = np.vstack([other, other.sum(axis=0) / np.sqrt(rest)])
    linear = float(np.sum((first @ cross) * second))
    return 2 * linear - float(np.sum((first @ first.T) * (second @ second.T)))
