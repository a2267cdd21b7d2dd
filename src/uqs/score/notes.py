"""What the rank intervals of a score are based on, and what it cannot see, in plain words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from uqs.records import Status
from uqs.results.panel import Panel
from uqs.score.calibration import Calibration, off_ladder
from uqs.score.cube import UQS_METRICS, Cube
from uqs.score.levels import Terms
from uqs.score.noise import ScoreNoise
from uqs.text import listed


def notes(panel: Panel, cube: Cube, noise: ScoreNoise) -> Iterator[str]:
    """How the table was read, and what the intervals claim."""
    yield from panel.notes
    for metric in UQS_METRICS:
        bounds = Status.LOWER_BOUND in panel.statuses.get(metric, ())
        if bounds and np.isnan(panel.values[metric]).all():
            yield f"{metric} is left out: it is known only as bounds, which are not ranked."
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


def off_the_ladder(
    cube: Cube, used: Terms, ladders: Calibration | None
) -> dict[str, dict[str, dict[str, str]]]:
    """By benchmark, method and metric: `below` or `above` where no reference, however much it was taught, has
    such a value. The term is then that of the end of the ladder."""
    found: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for b, k in np.argwhere(used.available) if ladders else ():
        benchmark, metric = cube.benchmarks[b], cube.metrics[k]
        ladder = ladders.of(benchmark) if ladders else None
        if ladder is None or metric not in ladder.responses:
            continue
        for m, method in enumerate(cube.methods):
            runs = int((~np.isnan(cube.values[b, m, :, k])).sum())
            side = off_ladder(ladder.responses[metric], float(cube.means[b, m, k]), runs)
            if side:
                found[benchmark][method][metric] = side
    return {name: {m: dict(sides) for m, sides in one.items()} for name, one in found.items()}
