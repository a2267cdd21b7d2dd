"""The verb `uqs validate`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import typer

from uqs.cli.options import StudyFile

if TYPE_CHECKING:
    from uqs.studies.plan import Plan


def validate(study: StudyFile) -> None:
    """Check a study file and its data, and print what would be run."""
    from uqs.studies.run import plan_study

    typer.echo(summary(plan_study(study)))


def summary(plan: Plan) -> str:
    """Benchmarks, models and jobs of a plan."""
    study = plan.study
    methods = [f"{m.name}@{m.strength}" if m.strength else m.name for m in study.methods]
    models = Counter(model.role.value for model in plan.models)
    jobs = Counter(str(job.kind) for job in plan.jobs)
    return "\n".join(
        [
            f"{study.name}: the study file and its data are valid",
            f"benchmarks  {', '.join(study.benchmarks)}",
            f"methods     {', '.join(methods)}",
            f"seeds       {', '.join(map(str, study.seeds))}",
            f"metrics     {', '.join(study.metrics)}",
            f"models      {_counted(models)}",
            *([f"shadows     {study.shadows} a benchmark"] if study.shadows else []),
            f"jobs       {_counted(jobs)}; {len(plan.jobs)} in all",
        ]
    )


def _counted(found: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in found.items())
