"""The audit of a results table: what it can support, and what it cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from uqs.audit import arms, structure
from uqs.audit.arm_words import arm_sentences
from uqs.audit.association import TARGETS, Association, StratifiedMean, associate
from uqs.audit.compare import WORK, Comparison, compare, soft_pairwise_accuracy
from uqs.audit.degenerate import MetricNoise, find_degenerate, measure_noise
from uqs.audit.design import describe
from uqs.audit.direction import AlignedMetric, aligned
from uqs.audit.do_nothing import do_nothing
from uqs.audit.findings import Agreement, Audit, PairwiseAccuracy, Reliability
from uqs.audit.groups import Pair, group_pairs
from uqs.audit.inference import Interval, Kind, bootstrap_intervals, permutation_tests
from uqs.audit.level import levels
from uqs.audit.openunlearning import MetaEvaluation, evaluate
from uqs.audit.order import orders
from uqs.audit.references_alone import of_references
from uqs.audit.sentinels import sentinels
from uqs.audit.short import in_short
from uqs.audit.strength import at_one_strength, strength_effects
from uqs.audit.told import Told, told_from_oracles
from uqs.audit.truth import Truth, known_truth
from uqs.audit.verdicts import verdicts
from uqs.errors import UserError
from uqs.metrics.catalogue import in_order
from uqs.records import Role, Status
from uqs.results.panel import FloatArray, Panel
from uqs.results.tables import Directions, directions_of, long_form, to_panel
from uqs.stats.coefficients import pairwise_accuracy, spearman, tau_b, tie_threshold
from uqs.stats.multiple import benjamini_hochberg, holm
from uqs.stats.noise import attenuation_ceiling
from uqs.stats.permutation import PermutationTest

PAIRS = 20_000_000
"""With more pairs of rows, over all metrics, pairwise accuracies are not computed."""


def audit(
    table: Any,
    *,
    rng: np.random.Generator,
    resamples: int = 10_000,
    directions: Directions | None = None,
    name: str = "table",
) -> Audit:
    """Audit a Panel, or any dataframe in wide or long form that narwhals reads.

    The result does not depend on the order of rows or columns. For a dataframe, `directions` adds to the
    metrics' own; `name` is its name in errors.
    """
    if isinstance(table, Panel):
        _check(resamples)
        return _audit(table.ordered(), Truth(), (), (), resamples, rng)
    long = long_form(table, name)
    return audit_long(long, rng=rng, resamples=resamples, directions=directions, name=name)


def audit_long(
    long: pd.DataFrame,
    *,
    rng: np.random.Generator,
    resamples: int = 10_000,
    directions: Directions | None = None,
    name: str = "table",
    by: str | None = None,
) -> Audit:
    """Audit a checked long form, with its models of known truth and those of its `stage` column.

    A table of models of known truth alone, without unlearned models, is asked what its metrics are worth.
    With `by` its arms are compared too (`arms.compare_arms`).
    """
    _check(resamples)
    if by is not None:
        compared = arms.compare_arms(
            long, by, rng=rng.spawn(1)[0], resamples=resamples, directions=directions, name=name
        )
        found = audit_long(long, rng=rng, resamples=resamples, directions=directions, name=name)
        return replace(found, arms=compared, verdicts=(*found.verdicts, *arm_sentences(compared)))
    truth = known_truth(long)
    if truth.report_cards and not (long["role"] == Role.UNLEARNED).any():
        better = directions_of(long, name, directions)
        parts = told_from_oracles(long, directions), evaluate(long, better)
        return of_references(long, truth, *parts, resamples)
    panel = to_panel(long, name, directions)
    extra = evaluate(long, directions_of(long, name, directions))
    told = told_from_oracles(long, directions)
    return _audit(panel.ordered(), truth, told, extra, resamples, rng)


def _check(resamples: int) -> None:
    if resamples < 1:
        raise UserError(f"the number of resamples is {resamples}; it must be at least 1")


def _audit(
    panel: Panel,
    truth: Truth,
    told: tuple[Told, ...],
    extra: tuple[MetaEvaluation, ...],
    resamples: int,
    rng: np.random.Generator,
) -> Audit:
    seeds = rng.spawn(6)
    design = describe(panel, resamples)
    turned = {metric: aligned(panel, metric) for metric in panel.metrics}
    metrics = _in_order(panel.metrics)
    in_order = {metric: at for at, metric in enumerate([*metrics, *TARGETS])}
    resolution = tuple(sorted(orders(panel), key=lambda item: in_order[item.metric]))
    level = tuple(sorted(levels(panel), key=lambda item: in_order[item.metric]))
    degenerate = tuple(find_degenerate(panel, resolution))
    unresolved = frozenset(
        (item.benchmark, item.metric) for item in degenerate if item.status == Status.UNRESOLVED
    )
    scores = {metric: turned[metric].values for metric in metrics}
    agreement = _agreements(panel, turned, metrics, unresolved, design.resamples, seeds[1])
    noise = tuple(measure_noise(panel, resolution))
    found = Audit(
        design=design,
        in_short=(),
        verdicts=(),
        degenerate=degenerate,
        resolution=resolution,
        level=level,
        agreement=agreement,
        reliability=_reliabilities(
            panel, turned, metrics, unresolved, noise, design.resamples, seeds[2]
        ),
        comparisons=_comparisons(panel, turned, metrics, design.resamples, seeds[3]),
        noise=noise,
        clusters=structure.cluster(
            panel,
            scores,
            {frozenset((item.a, item.b)): item.tau.stratified.value for item in agreement},
            design.resamples,
            seeds[4],
        ),
        concordance=tuple(structure.concordance(panel, scores)),
        separations=tuple(structure.separations(panel, scores)),
        strengths=tuple(strength_effects(panel, scores, seeds[5])),
        do_nothing=tuple(do_nothing(panel)),
        report_cards=truth.report_cards,
        known_shares=truth.known_shares,
        profiles=truth.profiles,
        told=told,
        meta_evaluation=extra,
    )
    return replace(found, in_short=in_short(found), verdicts=(*panel.notes, *verdicts(found)))


def _in_order(metrics: Iterable[str]) -> list[str]:
    """The metrics in catalogue order, then the others by name; without targets."""
    return in_order(name for name in metrics if name not in TARGETS)


def _agreements(
    panel: Panel,
    turned: Mapping[str, AlignedMetric],
    metrics: Sequence[str],
    unresolved: frozenset[tuple[str, str]],
    resamples: int,
    rng: np.random.Generator,
) -> tuple[Agreement, ...]:
    pairs = [Pair(a, b) for a, b in combinations(metrics, 2)]
    tests, intervals = _infer(panel, turned, pairs, Kind.TAU, resamples, rng)
    strengths = _at_one_strength(panel, turned, pairs, Kind.TAU, resamples, rng)
    adjusted, at_one = (
        benjamini_hochberg([test.p if test else None for test in some])
        for some in (tests, [test for _, test in strengths])
    )
    return tuple(
        Agreement(
            *pair,
            _flagged(associate(panel, turned[pair.x], turned[pair.y], tau_b), pair, unresolved),
            tests[at],
            adjusted[at],
            intervals[at],
            *strengths[at],
            at_one[at],
        )
        for at, pair in enumerate(pairs)
    )


def _reliabilities(
    panel: Panel,
    turned: Mapping[str, AlignedMetric],
    metrics: Sequence[str],
    unresolved: frozenset[tuple[str, str]],
    noise: Sequence[MetricNoise],
    resamples: int,
    rng: np.random.Generator,
) -> tuple[Reliability, ...]:
    found: list[Reliability] = []
    for target in TARGETS:
        if target not in turned:
            continue
        pairs = [Pair(metric, target) for metric in metrics]
        tests, intervals = _infer(panel, turned, pairs, Kind.RHO, resamples, rng)
        pooled, _ = _infer(panel, turned, pairs, Kind.POOLED_RHO, resamples, rng)
        strengths = _at_one_strength(panel, turned, pairs, Kind.RHO, resamples, rng)
        adjusted, at_one = (
            holm([test.p if test else None for test in some])
            for some in (tests, [test for _, test in strengths])
        )
        for at, pair in enumerate(pairs):
            x, y = turned[pair.x], turned[target]
            rho = associate(panel, x, y, spearman)
            found.append(
                Reliability(
                    metric=pair.x,
                    target=target,
                    rho=_flagged(rho, pair, unresolved),
                    test=tests[at],
                    p_adjusted=adjusted[at],
                    interval=intervals[at],
                    pooled_test=pooled[at],
                    sentinels=sentinels(panel, x.values, y.values, tests[at]),
                    ceiling=_ceiling(noise, pair, panel.benchmarks),
                    pairwise=_pairwise(panel, x.values, y.values, pair.x, noise),
                    one_strength=strengths[at][0],
                    one_strength_test=strengths[at][1],
                    one_strength_p_adjusted=at_one[at],
                )
            )
    return tuple(found)


def _comparisons(
    panel: Panel,
    turned: Mapping[str, AlignedMetric],
    metrics: Sequence[str],
    resamples: int,
    rng: np.random.Generator,
) -> tuple[Comparison, ...]:
    found = []
    targets = [target for target in TARGETS if target in turned]
    work = WORK // max(1, len(targets) * len(metrics) * (len(metrics) - 1) // 2)
    for target in targets:
        gold = turned[target].values
        for a, b in combinations(metrics, 2):
            # Both metrics on the rows where they and the target are known.
            shared = {
                name: np.where(
                    np.isnan(turned[a].values + turned[b].values), np.nan, turned[name].values
                )
                for name in (a, b)
            }
            pairs = [Pair(a, target), Pair(b, target)]
            for group in group_pairs(panel, shared, {target: gold}, pairs):
                found.append(compare(a, b, target, group, resamples, rng, work))
    return tuple(found)


def _infer(
    panel: Panel,
    turned: Mapping[str, AlignedMetric],
    pairs: Sequence[Pair],
    kind: Kind,
    resamples: int,
    rng: np.random.Generator,
) -> tuple[list[PermutationTest | None], list[Interval]]:
    """The test and the interval of every pair, in order."""
    values = {name: turned[name].values for pair in pairs for name in pair}
    tests: dict[Pair, PermutationTest] = {}
    intervals: dict[Pair, Interval] = {}
    for group in group_pairs(panel, values, values, pairs):
        tests |= permutation_tests(group, kind, resamples, rng)
        if kind is not Kind.POOLED_RHO:
            intervals |= bootstrap_intervals(group, kind, resamples, rng)
    none = Interval(None, None, "no row has both values")
    return [tests.get(pair) for pair in pairs], [intervals.get(pair, none) for pair in pairs]


def _at_one_strength(
    panel: Panel,
    turned: Mapping[str, AlignedMetric],
    pairs: Sequence[Pair],
    kind: Kind,
    resamples: int,
    rng: np.random.Generator,
) -> list[tuple[StratifiedMean | None, PermutationTest | None]]:
    """For every pair its association among methods at one strength, and the test of it."""
    if len(panel.strengths) < 2:
        return [(None, None)] * len(pairs)
    statistic = tau_b if kind is Kind.TAU else spearman
    rows = panel.strength != ""
    values = {name: turned[name].values[rows] for pair in pairs for name in pair}
    panel = panel.take(rows)
    tests: dict[Pair, PermutationTest] = {}
    for group in group_pairs(panel, values, values, pairs, by_strength=True):
        tests |= permutation_tests(group, kind, resamples, rng)
    return [
        (at_one_strength(panel, values[pair.x], values[pair.y], statistic), tests.get(pair))
        for pair in pairs
    ]


def _flagged(found: Association, pair: Pair, unresolved: frozenset[tuple[str, str]]) -> Association:
    """Mark the benchmarks where one of the two metrics cannot tell any two methods apart."""
    marked = {
        name: replace(cell, status=Status.UNRESOLVED)
        if cell.value is not None and any((name, metric) in unresolved for metric in pair)
        else cell
        for name, cell in found.per_benchmark.items()
    }
    return replace(found, per_benchmark=marked)


def _ceiling(noise: Sequence[MetricNoise], pair: Pair, benchmarks: Iterable[str]) -> float | None:
    shares = {(item.benchmark, item.metric): item.reliability for item in noise}
    return _mean(
        attenuation_ceiling(*(shares.get((benchmark, name)) for name in pair))
        for benchmark in benchmarks
    )


def _pairwise(
    panel: Panel, x: FloatArray, y: FloatArray, metric: str, noise: Sequence[MetricNoise]
) -> PairwiseAccuracy:
    pairs = len(panel.metrics) * sum(len(rows) ** 2 for rows in panel.strata.values())
    if pairs > PAIRS:
        return PairwiseAccuracy(None, None, None, "too many rows for the work limit")
    floors = {item.benchmark: item.floor for item in noise if item.metric == metric}
    methods = np.unique(panel.method, return_inverse=True)[1].astype(np.int64)
    calibrated: list[float | None] = []
    at_floor: list[float | None] = []
    soft: list[float | None] = []
    for benchmark, every in panel.strata.items():
        rows = every[~np.isnan(x[every] + y[every])]
        if len(rows) < 2 or not np.ptp(x[rows]) or not np.ptp(y[rows]):
            continue
        calibrated.append(tie_threshold(x[rows], y[rows]).accuracy)
        soft.append(soft_pairwise_accuracy(x[rows], y[rows], methods[rows]))
        floor = floors.get(benchmark)
        if floor is not None:
            at_floor.append(pairwise_accuracy(x[rows], y[rows], floor).value)
    return PairwiseAccuracy(_mean(calibrated), _mean(at_floor), _mean(soft))


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean of the defined values."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
