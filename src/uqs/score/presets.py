"""The weights that have a name, as far as a table gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from uqs.errors import UserError
from uqs.results.panel import Panel
from uqs.score import cube as cubes
from uqs.score import levels as terms_of
from uqs.score import weights as weightings
from uqs.score.calibration import Calibration
from uqs.score.learned_weights import by_references, held_out
from uqs.score.transforms import Form
from uqs.score.weights import Weights


def presets(panel: Panel, form: Form, ladders: Calibration) -> Mapping[str, Weights | str]:
    """The weights by name, or why this table cannot teach them; `form` is that of the terms."""
    cube = cubes.build(panel)
    used = terms_of.terms(cube, panel, form, ladders)
    local = terms_of.by_benchmark(cube, used)
    return {
        "equal": weightings.equal(cube.metrics),
        "published": weightings.published(cube.metrics),
        "held-out": _tried(lambda: held_out(cube, local.values, np.random.default_rng(0))),
        "references": _tried(lambda: by_references(cube, ladders)),
    }


def _tried(learn: Callable[[], Weights]) -> Weights | str:
    try:
        return learn()
    except UserError as error:
        return str(error)
