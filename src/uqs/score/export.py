"""A score result as plain dictionaries and lists, ready for JSON."""

from __future__ import annotations

from dataclasses import asdict
from math import isnan
from typing import Any

from numpy.typing import NDArray

from uqs.records import Status
from uqs.score.result import ScoreResult
from uqs.score.stability import Stability
from uqs.score.transforms import TRANSFORMS
from uqs.score.validation import Correlation, HeldOutResult

Tree = dict[str, Any]


def tree(result: ScoreResult) -> Tree:
    """The whole result; an undefined number is null and has a status."""
    return {
        "form": result.form,
        "formulas": {m: TRANSFORMS[m].formula for m in result.metrics}
        if result.form == "published"
        else None,
        "methods": [asdict(one) for one in result.methods],
        "weights": dict(zip(result.metrics, result.weights.mean.tolist(), strict=True)),
        **_weights(result),
        "coverage": {
            "benchmarks": list(result.benchmarks),
            "metrics": list(result.metrics),
            "left_out": [asdict(one) for one in result.left_out],
            "constant": [asdict(one) for one in result.constant],
            "thin": [asdict(one) for one in result.thin],
            "partial": dict(result.partial),
            "unmeasured": dict(result.unmeasured),
        },
        "validation": _validation(result.validation),
        "stability": _stability(result.stability, result.order, result.metrics),
        "notes": list(result.notes),
        "questions": result.questions,
        "recovery": [
            {
                "target": one.target,
                "predictor": one.predictor,
                "kind": one.kind,
                "learned": one.learned,
                "within": _correlation(one.within),
            }
            for one in result.recovery
        ],
        "off_ladder": {
            benchmark: {method: dict(sides) for method, sides in one.items()}
            for benchmark, one in result.off_ladder.items()
        },
        "gates": {
            benchmark: {method: dict(factors) for method, factors in one.items()}
            for benchmark, one in result.gates.items()
        },
    }


def _weights(result: ScoreResult) -> Tree:
    weights = result.weights
    found: Tree = {"weights_source": weights.source}
    if len(weights.matrix) > 1:
        found["weights_by_benchmark"] = {
            benchmark: dict(zip(result.metrics, row, strict=True))
            for benchmark, row in zip(result.benchmarks, weights.matrix.tolist(), strict=True)
        }
    if weights.learned is not None:
        found["learned_share"] = dict(zip(result.benchmarks, weights.learned.tolist(), strict=True))
    return found


def _validation(validation: tuple[HeldOutResult, ...] | Status) -> Tree:
    if isinstance(validation, Status):
        return {"status": validation, "held_out": []}
    return {
        "status": Status.OK,
        "held_out": [
            {
                "left_out": one.left_out,
                "predictor": one.predictor,
                "kind": one.kind,
                "learned": one.learned,
                "within": _correlation(one.within),
                "pooled": None if one.pooled is None else _correlation(one.pooled),
            }
            for one in validation
        ],
    }


def _correlation(found: Correlation) -> Tree:
    return {
        "rho": found.value,
        "groups_defined": found.defined,
        "groups": found.groups,
        "status": found.status,
    }


def _stability(found: Stability, methods: tuple[str, ...], metrics: tuple[str, ...]) -> Tree:
    smaa = found.smaa
    return {
        "local": [asdict(one) for one in found.local],
        "first_share": _by(methods, smaa.first),
        "rank_acceptability": _by(methods, smaa.by_rank),
        "central_weights": {
            method: None if isnan(row[0]) else dict(zip(metrics, row, strict=True))
            for method, row in zip(methods, smaa.central.tolist(), strict=True)
        },
        "pairwise_winning": {
            method: dict(zip(methods, row, strict=True))
            for method, row in zip(methods, smaa.winning.tolist(), strict=True)
        },
        "pareto_front": [m for m, front in zip(methods, found.pareto, strict=True) if front],
    }


def _by(names: tuple[str, ...], values: NDArray[Any]) -> Tree:
    return dict(zip(names, values.tolist(), strict=True))
