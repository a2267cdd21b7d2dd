"""The application's data from an analysis."""

from __future__ import annotations

from collections.abc import Iterator

from uqs.report.analysis import Analysis, NoRanking
from uqs.report.board.live import ranking_data, schema, trust_data
from uqs.report.board.metrics import BETTER
from uqs.report.board.samples.models import models
from uqs.report.means import Line, Mean, Summary


def board(found: Analysis) -> schema.Board:
    """All that the application shows."""
    panel = found.panel
    benchmarks, methods = list(panel.benchmarks), list(panel.methods)
    metrics = [name for name in found.summary.metrics if name in panel.values]
    ranking = found.overall
    bases = {one.benchmark: key.model for key, one in models(found.rows).items()}
    return schema.Board(
        schema=schema.SCHEMA,
        title=found.rows[0].study,
        benchmarks=benchmarks,
        bases=[bases[name] for name in benchmarks],
        stopped=list(found.stopped),
        methods=methods,
        metrics=[
            schema.Metric(name=name, better=panel.better[name], words=BETTER[panel.better[name]])
            for name in metrics
        ],
        runs=ranking_data.runs(panel, benchmarks, methods, metrics),
        references=list(_references(found.summary, metrics)),
        score=None
        if isinstance(ranking, NoRanking)
        else ranking_data.score(panel, found.long, ranking.equal),
        unscored=ranking.reason if isinstance(ranking, NoRanking) else "",
        trust=trust_data.trust(found.audit, found.ladders),
    )


def _references(summary: Summary, metrics: list[str]) -> Iterator[schema.Reference]:
    for benchmark in summary.benchmarks:
        for metric in metrics:
            own, oracle, floor = (
                _estimate(summary.mean(benchmark, line, metric))
                for line in (Line.ORIGINAL, Line.ORACLE, Line.FLOOR)
            )
            yield schema.Reference(
                benchmark=benchmark, metric=metric, original=own, oracle=oracle, floor=floor
            )


def _estimate(mean: Mean | None) -> schema.Estimate | None:
    if mean is None or mean.value is None:
        return None
    return schema.Estimate(value=mean.value, se=mean.se)
