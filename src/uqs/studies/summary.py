"""What a study would run, in a few lines."""

from __future__ import annotations

from collections import Counter

from uqs.studies.plan import Plan


def summary(plan: Plan) -> str:
    """Benchmarks, models and cells of a plan."""
    study = plan.study
    methods = [f"{m.name}@{m.strength}" if m.strength else m.name for m in study.methods]
    models = Counter(model.role.value for model in plan.models)
    cells = Counter(str(cell.kind) for cell in plan.cells)
    return "\n".join(
        [
            f"{study.name}: the study file and its data are valid",
            f"benchmarks  {', '.join(study.benchmarks)}",
            f"methods     {', '.join(methods)}",
            f"seeds       {', '.join(map(str, study.seeds))}",
            f"metrics     {', '.join(study.metrics)}",
            f"models      {_counted(models)}",
            *([f"shadows     {study.shadows} a benchmark"] if study.shadows else []),
            f"cells       {_counted(cells)}; {len(plan.cells)} in all",
        ]
    )


def _counted(found: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in found.items())
