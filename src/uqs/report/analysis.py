"""The analysis of a run: gates, means, audit and score of its results table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uqs import results
from uqs.audit import Audit
from uqs.audit.audit import audit_long
from uqs.audit.ladder import Ladder, ladders
from uqs.card_metadata import attach
from uqs.errors import UserError
from uqs.records import Role
from uqs.report.cautions import cautions
from uqs.report.gates import Gates, read_gates
from uqs.report.means import Line, Summary, summarise
from uqs.results.notes import read_notes
from uqs.results.panel import Better, Panel
from uqs.results.tables import of_rows, to_panel
from uqs.score import ScoreResult, score
from uqs.score.calibration import Calibration, calibration
from uqs.score.export import tree as score_tree


@dataclass(frozen=True)
class Ranking:
    """UQS with equal weights, and in the published form with the published weights.

    The first is calibrated by references where every benchmark has them.
    """

    equal: ScoreResult
    published: ScoreResult


@dataclass(frozen=True)
class NoRanking:
    """Why the methods cannot be ranked."""

    reason: str


@dataclass(frozen=True)
class Analysis:
    """What is printed and drawn for a run; `gates` is empty if the run has none.

    `notes` are those that the run printed, on its base and data.
    `panel` has the unlearned models, `long` the checked rows of all models.
    """

    rows: Sequence[results.Row]
    summary: Summary
    gates: Mapping[str, Gates]
    audit: Audit
    overall: Ranking | NoRanking
    by_benchmark: Mapping[str, Ranking | NoRanking]
    panel: Panel
    long: pd.DataFrame
    cautions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    ladders: tuple[Ladder, ...] = ()

    @property
    def better(self) -> Mapping[str, Better]:
        """Each metric's direction."""
        return self.panel.better

    @property
    def stopped(self) -> Mapping[str, Gates]:
        """The benchmarks whose gates failed."""
        return {name: gates for name, gates in self.gates.items() if not gates.passed}

    @cached_property
    def unlearned(self) -> frozenset[str]:
        """The methods of the unlearned models, without their strengths; a baseline is none."""
        return frozenset(row.method for row in self.rows if row.role == Role.UNLEARNED)

    def models(self, role: Role) -> int:
        """How many models of a role were made and measured."""
        made = {
            (row.benchmark, row.edition, row.method, row.strength, row.seed)
            for row in self.rows
            if row.role == role and row.value is not None
        }
        return len(made)


def analyse(run: Path) -> Analysis:
    """Analyse a run folder, or a results file of our schema with the `gates.json` beside it.

    Raises DataError for other files.
    """
    file = run if run.is_file() else run / "results.parquet"
    read = results.read(file)
    long = attach(of_rows(read, file), results.metadata(file), file)
    rows = _named_as_in_panel(read)
    panel = to_panel(long, file)
    summary = summarise(long)
    gates = read_gates(file.parent / "gates.json", summary.benchmarks)
    references = calibration(long)
    return Analysis(
        rows=rows,
        summary=summary,
        gates=gates,
        audit=audit_long(long, rng=np.random.default_rng(0), name=str(file)),
        overall=_rank(panel, long, references, gates),
        by_benchmark={
            name: _rank(panel.take(panel.benchmark == name), long, references, gates)
            for name in panel.benchmarks
        },
        panel=panel,
        long=long,
        cautions=tuple(cautions(rows, _named)),
        notes=read_notes(file.parent),
        ladders=tuple(ladders(long)),
    )


def _named_as_in_panel(rows: Sequence[results.Row]) -> Sequence[results.Row]:
    """The rows with the edition, or the model, in the benchmark's name where a benchmark has several."""
    for variant, mark in (("edition", ":"), ("model", "/")):
        found: dict[str, set[str]] = {}
        for row in rows:
            found.setdefault(row.benchmark, set()).add(getattr(row, variant))
        if all(len(some) == 1 for some in found.values()):
            continue
        rows = [
            replace(row, benchmark=f"{row.benchmark}{mark}{getattr(row, variant)}")
            if len(found[row.benchmark]) > 1
            else row
            for row in rows
        ]
    return rows


def _named(row: results.Row) -> str:
    """The model of a row, in words."""
    strength = f"@{row.strength}" if row.strength else ""
    return f"{row.benchmark} {row.method}{strength} seed {row.seed}"


def _rank(
    panel: Panel, long: pd.DataFrame, references: Calibration, gates: Mapping[str, Gates]
) -> Ranking | NoRanking:
    if all(name in gates and not gates[name].passed for name in panel.benchmarks):
        return NoRanking("no benchmark passed its gates")
    try:
        return Ranking(
            score(panel, "equal", long=long, ladders=references),
            score(panel, "published", form="published"),
        )
    except UserError as error:
        return NoRanking(str(error))


def tree(found: Analysis) -> dict[str, Any]:
    """The analysis as plain values, ready for JSON; an undefined number is null."""
    from uqs.report.protocol import protocol  # which reads an Analysis

    return {
        "gates": {name: asdict(gates) for name, gates in found.gates.items()},
        "score": {
            "overall": ranking_tree(found.overall),
            "by_benchmark": {name: ranking_tree(one) for name, one in found.by_benchmark.items()},
        },
        "means": list(_means_tree(found.summary)),
        "cautions": list(found.cautions),
        "notes": list(found.notes),
        "audit": found.audit.to_dict(),
        "ladders": [_ladder_tree(one) for one in found.ladders],
        "protocol": [asdict(point) for point in protocol(found)],
    }


def _ladder_tree(one: Ladder) -> dict[str, Any]:
    return {**asdict(one), "rho": one.rho}


def ranking_tree(ranking: Ranking | NoRanking) -> dict[str, Any]:
    """Both scores as plain values, or the reason why there are none."""
    if isinstance(ranking, NoRanking):
        return {"reason": ranking.reason}
    return {"equal": score_tree(ranking.equal), "published": score_tree(ranking.published)}


def _means_tree(summary: Summary) -> Iterable[dict[str, Any]]:
    for key, mean in sorted(summary.means.items()):
        headline = key.split == summary.headline[key.metric]
        gap = summary.gap(key.benchmark, key.line, key.metric, key.method)
        of_oracle = (
            asdict(gap) if headline and key.line in (Line.UNLEARNED, Line.ORIGINAL) else None
        )
        yield {**key._asdict(), **asdict(mean), "gap_to_oracle": of_oracle}
