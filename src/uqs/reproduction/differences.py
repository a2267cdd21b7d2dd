"""The correct statistic for each published figure, and why the two differ."""

from __future__ import annotations

from dataclasses import dataclass

from uqs.audit.findings import Agreement, Reliability
from uqs.reproduction.procedures import Span
from uqs.reproduction.reproduce import Reproduction
from uqs.score.figures import METRICS, PrintedFigure
from uqs.text import listed


@dataclass(frozen=True)
class Difference:
    """One figure: printed, reproduced, corrected (None: undefined, or no corrected form), and why."""

    group: str
    key: str
    printed: PrintedFigure
    reproduced: float
    corrected: float | None
    why: str


def differences(found: Reproduction) -> list[Difference]:
    """All printed figures in their groups' order."""
    corrected = corrected_values(found)
    reasons = {**_tau(found), **_modality(found), **_rho(found), **_weights(found), **_uqs(found)}
    return [
        Difference(
            group,
            key,
            printed,
            found.reproduced[group][key],
            corrected[group][key],
            reasons[group, key],
        )
        for group, values in found.figures.printed.items()
        for key, printed in values.items()
    ]


def corrected_values(found: Reproduction) -> dict[str, dict[str, float | None]]:
    """The tree of published figures with corrected values.

    Taus and rhos are means over the benchmarks where they are defined, with exact p-values. Weights are the
    mean of the held-out weights. UQS and stability use the held-out weights.
    """
    agreement, reliability = _agreement(found), _reliability(found)
    many, single = found.aligned_tau["multimodal"], found.aligned_tau["unimodal"]
    weights = dict(zip(METRICS, found.score.weights.mean.tolist(), strict=True))
    uqs = {one.method: one.uqs for one in found.score.methods}
    widest = found.score.stability.local[0]
    return {
        "tau": {key: one.tau.stratified.value for key, one in agreement.items()},
        "tau_p": {key: one.test.p if one.test else None for key, one in agreement.items()},
        "modality": {"multimodal": many, "unimodal": single, "gap": single - many},
        "rho": {key: one.rho.stratified.value for key, one in reliability.items()},
        "rho_p": {key: one.test.p if one.test else None for key, one in reliability.items()},
        "weights": {metric: weights[metric] for metric in METRICS},
        "uqs": {method: uqs[method] for method in uqs},
        "uqs_exp": dict.fromkeys(uqs),
        "stability": {"mean": widest.mean_tau, "sd": widest.sd_tau},
        "stability_exp": {"mean": None, "sd": None},
    }


def _agreement(found: Reproduction) -> dict[str, Agreement]:
    return {f"{one.a}-{one.b}": one for one in found.audit.agreement}


def _reliability(found: Reproduction) -> dict[str, Reliability]:
    return {one.metric: one for one in found.audit.reliability if one.target == "oracle_distance"}


Reasons = dict[tuple[str, str], str]


def _tau(found: Reproduction) -> Reasons:
    reasons = {}
    for key, one in _agreement(found).items():
        span, cover = found.fragility.row_order[key], one.tau.stratified
        undefined = [name for name, cell in one.tau.per_benchmark.items() if cell.value is None]
        if undefined:
            why = (
                f"undefined on {listed(sorted(undefined))}, where a metric is constant and the published"
                f" value is row order: {_span(span)}"
            )
        elif span.high - span.low > 1e-9:
            why = f"ties were broken by row order: {_span(span)}"
        else:
            why = "no ties: tau per benchmark over all runs instead of per seed"
        reasons["tau", key] = f"{why}; {cover.groups_defined} of {cover.groups} benchmarks count"
        reasons["tau_p", key] = (
            "the t test takes 9 groups of the same 4 methods as independent; the exact test exchanges whole"
            " methods, alike on all benchmarks and with their seeds: 24 arrangements"
        )
    return reasons


def _modality(found: Reproduction) -> Reasons:
    taus = [one.tau.stratified.value for one in found.audit.agreement]
    known = [tau for tau in taus if tau is not None]
    within = sum(known) / len(known)
    unaligned = (
        "directions were not aligned: RA agreeing with a lower-is-better metric counts as discord"
    )
    return {
        ("modality", "multimodal"): f"{unaligned}; rows of all benchmarks were pooled (within"
        f" benchmarks the aligned mean is {within:+.3f} over {len(known)} pairs)",
        ("modality", "unimodal"): unaligned,
        ("modality", "gap"): "two such means, of 4 methods each, on tables that differ in more than"
        " modality",
    }


def _rho(found: Reproduction) -> Reasons:
    reasons = {}
    for metric, one in _reliability(found).items():
        cover, sentinel = one.rho.stratified, one.sentinels.benchmark_mean
        known = "" if sentinel is None else f" (its benchmark mean alone gives {sentinel:+.3f})"
        reasons["rho", metric] = (
            f"pooled over benchmarks, whose differences it measures{known}; within benchmarks it is"
            f" defined on {cover.groups_defined} of {cover.groups}"
        )
        pooled = one.pooled_test.p if one.pooled_test else None
        reasons["rho_p", metric] = (
            "36 rows of only 4 methods were taken as independent; the exact p of the same pooled rho is"
            f" {_number(pooled)}"
        )
    return reasons


def _weights(found: Reproduction) -> Reasons:
    reasons = {}
    for metric in METRICS:
        without = [weights[metric] for weights in found.fragility.weights_without.values()]
        reasons["weights", metric] = (
            "learned from pooled rho on the rows that it then scores; with one benchmark left out the"
            f" same rule gives {min(without):.3f} to {max(without):.3f}; held out and shrunk, nearly"
            " all of it is equal weights"
        )
    return reasons


def _uqs(found: Reproduction) -> Reasons:
    reasons: Reasons = {}
    shares = found.fragility.first_share
    for one in found.score.methods:
        low, high = one.rank_interval
        reasons["uqs", one.method] = (
            f"other weights; seed noise alone allows rank {low if low == high else f'{low} to {high}'};"
            f" uniform random weights put it first in {shares['inverse'][one.method]:.0%} of draws"
        )
        reasons["uqs_exp", one.method] = (
            "the text's other form of the AD term, exp(-AD/100); under it uniform random weights put the"
            f" method first in {shares['exp'][one.method]:.0%} of draws"
        )
    for key in ("mean", "sd"):
        reasons["stability", key] = (
            "100 uniform draws of one seed against the ranking under the published weights; here 10,000"
            " draws as wide about the held-out weights"
            f" (kappa = {found.score.stability.local[0].kappa:g}) against the ranking under those"
        )
        reasons["stability_exp", key] = "the same with exp(-AD/100) for the AD term"
    return reasons


def _span(span: Span) -> str:
    low, high = round(span.low, 3) + 0.0, round(span.high, 3) + 0.0
    return f"over the orders of the same rows it runs from {low:+.3f} to {high:+.3f}"


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
