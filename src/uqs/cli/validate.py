"""The verb `uqs validate`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import typer

from uqs.cli.options import StudyFile
from uqs.records import Role
from uqs.text import count

if TYPE_CHECKING:
    from uqs.studies.plan import Plan


def validate(study: StudyFile) -> None:
    """Check a study file and its data, and print what would be run."""
    from uqs.studies.run import plan_study

    typer.echo(summary(plan_study(study, fetch=False)))


def summary(plan: Plan) -> str:
    """Benchmarks, models and jobs of a plan."""
    study = plan.study
    methods = [f"{m.name}@{m.strength}" if m.strength else m.name for m in study.methods]
    models = Counter(_model(model.role) for model in plan.models)
    jobs = Counter(str(job.kind) for job in plan.jobs)
    counted = ", ".join(f"{number} {kind}" for kind, number in jobs.items())
    return "\n".join(
        [
            f"{study.name}: the study file and its data are valid",
            f"benchmarks  {', '.join(study.benchmarks)}",
            *(f"model       {line}" for line in told(plan)),
            f"methods     {', '.join(methods)}",
            f"seeds       {', '.join(map(str, study.seeds))}",
            f"metrics     {', '.join(study.metrics)}",
            f"models      {', '.join(count(number, word) for word, number in models.items())}",
            *([f"shadows     {study.shadows} a benchmark"] if study.shadows else []),
            f"jobs        {counted}; {len(plan.jobs)} in all",
        ]
    )


def told(plan: Plan) -> list[str]:
    """What must be known about the user's own base."""
    from uqs.studies.base import notes
    from uqs.studies.run import NOT_HERE

    absent = any(job.params.get("files") == NOT_HERE for job in plan.jobs if job.kind == "base")
    fetched = ["its files are not on this machine: 'uqs run' fetches and checks them"]
    return [*notes(plan.study.model), *(fetched if absent else [])]


def _model(role: Role) -> str:
    """A model of a role, as a noun."""
    made = (Role.UNLEARNED, Role.SUPPRESSED, Role.DAMAGED)
    return f"{role} model" if role in made else str(role)
