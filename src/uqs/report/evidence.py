"""What the figures and tables of a results table show; the same numbers as `uqs audit` and `uqs score`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from uqs.audit import Audit
from uqs.audit.audit import audit_long
from uqs.audit.ladder import Ladder, ladders
from uqs.errors import UserError
from uqs.records import Role
from uqs.report.means import Summary, summarise
from uqs.results.panel import Panel
from uqs.results.tables import read_long, to_panel
from uqs.score import ScoreResult, score
from uqs.score.calibration import Calibration, calibration
from uqs.score.presets import presets
from uqs.score.weights import Weights

NO_METHODS = "the table has no unlearned models"
NO_SEPARATIONS = "no metric has values of three methods or more, and at most 30, on every benchmark"


@dataclass(frozen=True)
class Evidence:
    """One results table and what was found in it.

    `name`: of the table, for captions. `long`: its checked rows. `panel` is None without unlearned models.
    """

    name: str
    long: pd.DataFrame = field(repr=False)
    panel: Panel | None
    audit: Audit

    @cached_property
    def summary(self) -> Summary:
        """Means over seeds, with errors."""
        return summarise(self.long)

    @cached_property
    def ladders(self) -> tuple[Ladder, ...]:
        """Values of the models of known truth."""
        return tuple(ladders(self.long))

    @cached_property
    def calibration(self) -> Calibration:
        """What the references say of the metrics of the score."""
        return calibration(self.long)

    @cached_property
    def score(self) -> ScoreResult | str:
        """UQS under equal weights, or why the methods cannot be ranked."""
        return self.scored("equal")

    def scored(self, weights: str | Mapping[str, float]) -> ScoreResult | str:
        """UQS under some weights, as `uqs score --weights`, or why the methods cannot be ranked."""
        if self.panel is None:
            return NO_METHODS
        try:
            return score(self.panel, weights, long=self.long, ladders=self.calibration)
        except UserError as error:
            return str(error)

    @cached_property
    def weights(self) -> Mapping[str, Weights | str]:
        """The weights that have a name, or why there are none; empty where nothing can be ranked."""
        if self.panel is None or isinstance(self.score, str):
            return {}
        return presets(self.panel, self.score.form, self.calibration)

    @property
    def no_pairs(self) -> str:
        """Why the table has no pairs of metrics; empty if it has some."""
        if self.panel is None:
            return NO_METHODS
        return "" if self.audit.agreement else "the table has fewer than two metrics"

    @property
    def no_ranks(self) -> str:
        """Why no metric ranks the methods; empty if one does."""
        if self.panel is None:
            return NO_METHODS
        return "" if self.audit.separations else NO_SEPARATIONS

    def without(self, metric: str) -> Evidence:
        """The same table without one metric; the audit stays that of the whole."""
        kept = self.long[self.long["metric"] != metric]
        kept.attrs.update(self.long.attrs)
        panel = None if self.panel is None else to_panel(kept, self.name)
        return Evidence(self.name, kept, panel, self.audit)


def gather(results: Path) -> Evidence:
    """Read and audit a run folder or any results table. Raises UserError if it cannot be read."""
    file = results / "results.parquet" if results.is_dir() else results
    long = read_long(file)
    some = bool((long["role"] == Role.UNLEARNED).any())
    return Evidence(
        name=results.name,
        long=long,
        panel=to_panel(long, file) if some else None,
        audit=audit_long(long, rng=np.random.default_rng(0), name=str(file)),
    )
