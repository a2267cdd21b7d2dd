"""The estimate of a study file: measured where its base is here, counted where it is not."""

from __future__ import annotations

from pathlib import Path

from uqs.benchmarks import edition_path, plain_edition
from uqs.benchmarks.hub import to_fetch
from uqs.errors import UserError
from uqs.evaluation.splits import TRACED, needs_of
from uqs.studies.base import configuration, find_base
from uqs.studies.estimate.amounts import Questions, base_files
from uqs.studies.estimate.costs import BaseCosts
from uqs.studies.estimate.estimate import Estimate, estimate
from uqs.studies.estimate.measured import measured
from uqs.studies.executors.placement import gpus, placements
from uqs.studies.plan import Plan
from uqs.studies.run import RunOptions, as_asked, load_data, plan_on_data
from uqs.studies.spec import Study, read_study
from uqs.training_extra import require_training_extra


def estimate_study(path: Path, options: RunOptions) -> list[Estimate]:
    """What `uqs run` would take; where its base is not here, counted for a CPU and for a GPU.

    Nothing is run, fetched or written, but for the configuration of a hub's model, which is read from the
    hub if it is not here. Raises UserError as `uqs run` does, and if there is nothing to count from.
    """
    require_training_extra("planning")
    study = as_asked(read_study(path), options.limit, options.native, options.device)
    _check_folders(study)
    data = load_data(study)
    plan = plan_on_data(study, data, fetch=False)
    needs = needs_of(study.metrics) & TRACED
    questions = {name: Questions(one, needs) for name, one in data.items()}
    visible = gpus() if study.device == "cuda" else ()
    workers = len(placements(study.device, options.workers, options.per_device, visible))
    return [
        estimate(plan, questions, costs, options.runs, workers) for costs in _costs(plan, questions)
    ]


def _check_folders(study: Study) -> None:
    """Raise UserError that names all benchmarks without data at once."""
    missing = []
    for spec in study.benchmarks:
        name, _, given = spec.partition(":")
        edition = plain_edition(given)
        if to_fetch(edition):
            missing.append(f"{spec} was not fetched yet: 'uqs validate {spec}' does")
            continue
        try:
            edition_path(name, edition)
        except UserError as error:
            missing.append(str(error))
    if missing:
        raise UserError("; ".join(missing))


def _costs(plan: Plan, questions: dict[str, Questions]) -> list[BaseCosts]:
    model = plan.study.model
    folder = find_base(model, fetch=False)
    if folder is not None and base_files(folder):
        return [measured(plan, folder, questions, plan.study.device)]
    from uqs.studies.estimate.counted import CPU, GPU, counted
    from uqs.studies.estimate.shape import shape_of

    with configuration(model, folder) as place:
        shape = shape_of(place, model.name, model.adapter)
    return [counted(plan, shape, questions, one) for one in (CPU, GPU)]
