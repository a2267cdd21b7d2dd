"""The weights of UQS: equal, published, or the user's (`learned_weights` has those learned from data)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import yaml
from numpy.typing import NDArray

from uqs.errors import DataError, UserError
from uqs.registry import nearest
from uqs.score.cube import UQS_METRICS
from uqs.score.figures import printed
from uqs.score.transforms import TRANSFORMS, Group
from uqs.yamlfile import PLAIN_NUMBER, PlainLoader

FloatArray = NDArray[np.float64]
GROUPS: tuple[Group, ...] = get_args(Group)
MOST = 1e100
"""The largest weight that can be given; only proportions matter."""


@dataclass(frozen=True)
class Weights:
    """Weights with sum 1 in the order of `metrics`: `matrix` `(1, K)`, or `(B, K)` with one row per
    benchmark.

    `learned` `(B,)`, for held-out weights: the learned share of each row; the rest is equal weights. Those
    learned from references have rows and no such share.
    """

    source: str
    metrics: tuple[str, ...]
    matrix: FloatArray
    learned: FloatArray | None = None

    @property
    def mean(self) -> FloatArray:
        """`(K,)` mean over benchmarks."""
        return np.asarray(self.matrix.mean(axis=0))


def equal(metrics: tuple[str, ...]) -> Weights:
    """The same weight for each metric."""
    return Weights("equal", metrics, np.full((1, len(metrics)), 1 / len(metrics)))


def published(metrics: tuple[str, ...]) -> Weights:
    """The printed weights of Khan, Laga, Sohel 2026 (arXiv 2605.02206), learned from their 36 rows.

    If a table lacks a metric, the others keep their proportions.
    """
    cited = printed().printed["weights"]
    found = np.array([[cited[metric].value for metric in metrics]])
    return Weights("published", metrics, normalised(found))


def given(by_metric: Mapping[str, float], metrics: tuple[str, ...], source: str) -> Weights:
    """The user's weights; a metric that is not named has weight 0. Raises UserError for invalid weights."""
    for metric, value in by_metric.items():
        if metric not in UQS_METRICS:
            raise UserError(
                f"{source}: unknown metric {metric!r}; {nearest(str(metric), list(UQS_METRICS))}"
            )
        if metric not in metrics:
            raise UserError(f"{source}: the table has no {metric} to weigh")
        _refuse_bad(value, f"{source}: weight of {metric}")
    found = np.array([[float(by_metric.get(metric, 0.0)) for metric in metrics]])
    if not found.any():
        raise UserError(f"{source}: all weights are zero")
    return Weights(source, metrics, normalised(found))


def normalised(matrix: FloatArray) -> FloatArray:
    """Rows scaled to sum 1; first divided by their maximum, so that no sum overflows."""
    scaled = matrix / matrix.max(axis=1, keepdims=True)
    return np.asarray(scaled / scaled.sum(axis=1, keepdims=True))


def _refuse_bad(value: object, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(f"{what} is {value!r}, which is not a number")
    if not 0 <= value <= MOST:
        raise UserError(f"{what} is {value}; it must be between 0 and {MOST:g}")


def read_weights(path: Path) -> dict[str, float]:
    """Read a YAML or JSON file that maps metrics to weights. Raises DataError for other files."""
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=PlainLoader)
        tree = yaml.load(text, PlainLoader)  # noqa: S506  a SafeLoader
    except FileNotFoundError:
        raise DataError(
            "no such file; or equal, published, held-out, references", file=path
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot be read ({error})", file=path) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DataError(
            f"is not YAML or JSON ({' '.join(str(error).split())})", file=path
        ) from None
    if not isinstance(tree, dict) or not isinstance(node, yaml.MappingNode):
        raise DataError("does not map metrics to weights", file=path)
    keys = [key.value for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise DataError("is given twice", file=path, field=key)
    return tree


def parse_utility(text: str) -> dict[str, float]:
    """`privacy=2,utility=1` as a mapping; the groups are checked by `with_utility`."""
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if name in found:
            raise UserError(f"utility names {name!r} twice")
        if not PLAIN_NUMBER.fullmatch(number):
            raise UserError(f"utility {part.strip()!r} is not of the form privacy=2")
        found[name] = float(number)
    return found


def with_utility(weights: Weights, utility: Mapping[str, float]) -> Weights:
    """Weights with the group weights given by the utility; proportions within a group stay.

    Groups: privacy (FA, MIA), utility (RA), oracle (AD, JS). A group that is not named has weight 0. If all
    metrics of a group had weight 0 before, they share the group's weight equally.
    """
    for group, value in utility.items():
        if group not in GROUPS:
            raise UserError(f"unknown utility group {group!r}; {nearest(group, list(GROUPS))}")
        _refuse_bad(value, f"utility of {group}")
    matrix = np.zeros_like(weights.matrix)
    for group, value in utility.items():
        inside = np.array([TRANSFORMS[metric].group == group for metric in weights.metrics])
        if value and not inside.any():
            raise UserError(f"utility of {group}: the table has no metric of that group")
        part = np.where(inside, weights.matrix, 0.0)
        part = np.where(part.any(axis=1, keepdims=True), part, inside.astype(np.float64))
        matrix += value * normalised(part) if value else 0.0
    if not matrix.any():
        raise UserError("every group has the utility 0")
    named = ", ".join(f"{group}={utility[group]:g}" for group in sorted(utility))
    return Weights(
        f"{weights.source}, utility {named}",
        weights.metrics,
        normalised(matrix),
        weights.learned,
    )
