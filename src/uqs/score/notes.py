"""What the rank intervals of a score are based on, and what it cannot see, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from uqs.records import Status
from uqs.results.panel import Panel
from uqs.score.calibration import LadderTerms
from uqs.score.cube import UQS_METRICS, Cube
from uqs.score.levels import Terms
from uqs.score.noise import ScoreNoise
from uqs.text import listed

RULE = (
    "A term is 1 - known share, the share of the forget entities that references with such a value were"
    " taught; only metrics of what a model knows have one. All terms of a model are multiplied by what it"
    " kept of the RA of references with the same share, and by how far these metrics and JS agree on one"
    " share: where they disagree more than those of any reference, the model may only look as if it had"
    " forgotten."
)


def notes(panel: Panel, cube: Cube, used: Terms, noise: ScoreNoise) -> Iterator[str]:
    """How the table was read, and what the intervals claim."""
    yield from panel.notes
    for metric in UQS_METRICS:
        bounds = Status.LOWER_BOUND in panel.statuses.get(metric, ())
        if bounds and np.isnan(panel.values[metric]).all():
            yield f"{metric} is left out: it is known only as bounds, which are not ranked."
    calibrated = list(_ladders(cube, used))
    if calibrated:
        yield RULE
    alone = [name for _, name, terms in calibrated if len(terms.agreeing) < 2]
    if alone:
        yield (
            f"On {listed(alone)} one metric alone follows the known share: a model that only looks as if it"
            " had forgotten cannot be recognised there."
        )
    yield _claim(cube, noise)
    if noise.one_oracle:
        where = "" if noise.one_oracle == cube.benchmarks else f" on {listed(noise.one_oracle)}"
        yield (
            f"All methods were compared with one oracle{where}, or with the mean of all: another oracle may"
            " order them otherwise, and the intervals do not contain that."
        )
    if noise.single:
        yield _single(noise)


def _claim(cube: Cube, noise: ScoreNoise) -> str:
    low, high = int(cube.runs.min()), int(cube.runs.max())
    runs = f"{low}" if low == high else f"{low} to {high}"
    noun = "run" if high == 1 else "runs"
    basis = f"the spread between {runs} {noun} a cell and between oracles, pooled over methods"
    if noise.questions == "these":
        claim = (
            f"Rank intervals are for these questions: they measure {basis}, in differences between methods."
            " On other questions of the kind methods may rank otherwise (--questions other)."
        )
    else:
        claim = f"Rank intervals are for other questions of the kind too: they measure {basis}, and items."
        paired = bool(noise.entities)
        if paired:
            claim += " The items are paired: all methods answer the same ones."
        if noise.unpaired:
            part = "a part of the item noise of " if paired else "the item noise of "
            claim += (
                f" For want of per-sample values {part}{listed(noise.unpaired)} is taken as independent"
                " between methods, so the intervals are rather too wide."
            )
    return claim + " Benchmarks are taken as fixed."


def _single(noise: ScoreNoise) -> str:
    where = listed(noise.single)
    if noise.questions == "these":
        return (
            f"With a single run of each method on {where} the noise of runs is not known: no two methods can"
            " be told apart."
        )
    return (
        f"With a single run of each method on {where} the intervals are about these models, not about other"
        " runs of the methods."
    )


def off_the_ladder(cube: Cube, used: Terms) -> dict[str, dict[str, dict[str, str]]]:
    """By benchmark, method and metric: `below` or `above` where no reference, however much it was taught, has
    such a value. The term is then that of the end of the ladder."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for b, benchmark, terms in _ladders(cube, used):
        for metric in terms.agreeing:
            k = cube.metrics.index(metric)
            response = terms.ladder.responses[metric]
            for m, method in enumerate(cube.methods):
                runs = int((~np.isnan(cube.values[b, m, :, k])).sum())
                side = response.known_share(float(cube.means[b, m, k]), runs).off
                if side:
                    found.setdefault(benchmark, {}).setdefault(method, {})[metric] = side
    return found


def gates(cube: Cube, used: Terms) -> dict[str, dict[str, dict[str, float]]]:
    """By benchmark and method: the factors `utility` and `agreement` of all terms."""
    found = {}
    for b, benchmark, terms in _ladders(cube, used):
        utility, agreement = terms.gates(cube.means[b])
        found[benchmark] = {
            method: {"utility": float(utility[m]), "agreement": float(agreement[m])}
            for m, method in enumerate(cube.methods)
        }
    return found


def _ladders(cube: Cube, used: Terms) -> Iterator[tuple[int, str, LadderTerms]]:
    """The benchmarks that are calibrated by references."""
    for b, terms in enumerate(used.of_benchmark):
        if isinstance(terms, LadderTerms):
            yield b, cube.benchmarks[b], terms
