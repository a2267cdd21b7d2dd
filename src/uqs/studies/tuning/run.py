"""The search for strengths: rounds of trials, as many for every method, and what they found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from uqs import benchmarks
from uqs.errors import DataError, UserError
from uqs.methods.cards.card import TunedHyperparameter
from uqs.methods.cards.look_up import method_card
from uqs.progress import stderr_console
from uqs.records import Role
from uqs.studies.executors.base import TRIALS, Device
from uqs.studies.jobs import Job
from uqs.studies.plan import file_of, judges_params, on_device
from uqs.studies.run import RunOptions, computed, make_jobs, plan_on_base
from uqs.studies.spec import MethodChoice, References, Study, read_study_to_tune
from uqs.studies.store import Store
from uqs.studies.tuning.search import TOLERANCE, TrialResult, best, first_round, nearest, next_round

NOTHING = "original"
TARGETS = {"weak": 0.75, "medium": 0.45, "strong": 0.15}


@dataclass(frozen=True)
class TuneOptions:
    """`targets`: forget accuracy by strength. `trials` a method. `seed`: of originals, trials and the draw of
    the validation part. `questions` asked of each kind after a trial. `tolerance`: how far from its target a
    strength may lie (mean over the benchmarks)."""

    targets: Mapping[str, float]
    trials: int = 10
    seed: int = 7
    questions: int = 120
    tolerance: float = TOLERANCE


@dataclass(frozen=True)
class TunedMethod:
    """A method, what its study file fixes, and what was tried by the value of its hyperparameter."""

    choice: MethodChoice
    tuned_hyperparameter: TunedHyperparameter
    tried: dict[float, TrialResult]

    def chosen(self, options: TuneOptions) -> dict[str, float | None]:
        """The value for each strength, None where no trial came near enough to its target."""
        return {
            strength: best(self.tried, target, options.tolerance)
            for strength, target in options.targets.items()
        }

    def missed(self, options: TuneOptions) -> dict[str, str]:
        """For each strength without a value a sentence that says why."""
        found = {}
        for strength, value in self.chosen(options).items():
            target = options.targets[strength]
            if value is None and (near := nearest(self.tried, target)) is not None:
                tried = self.tried[near]
                found[strength] = (
                    f"no trial came within {options.tolerance:g} of forget accuracy {target:g}: the nearest "
                    f"({self.tuned_hyperparameter.field} {near:g}) reached {tried.mean_forget:.2f}, "
                    f"{tried.distance(target):.2f} off as a mean over the benchmarks"
                )
            elif value is None:
                found[strength] = "every trial collapsed"
        return found

    def at(self, value: float) -> MethodChoice:
        """The method with its tuned hyperparameter at a value."""
        turned = {**self.choice.hyperparameters, self.tuned_hyperparameter.field: value}
        return self.choice.model_copy(update={"hyperparameters": turned})


@dataclass(frozen=True)
class Tuning:
    """A finished search; `originals` is what the untouched originals know of the validation part."""

    study: Study
    options: TuneOptions
    originals: TrialResult
    methods: Sequence[TunedMethod]


def tune(path: Path, options: TuneOptions, run: RunOptions) -> Tuning:
    """Search the strengths of a study's methods, in `runs/tune-<name>`; what is there already is kept.

    Raises DataError for a study without a method to tune and as `run_study` does.
    """
    study = read_study_to_tune(path)
    if options.seed in {*study.seeds, *study.oracle_seeds, *study.original_seeds}:
        raise UserError(
            f"seed {options.seed} is one of the study's own; tune with one that it does not use (--seed)"
        )
    methods = [
        TunedMethod(choice, tuned_hyperparameter, {})
        for choice in study.methods
        if (tuned_hyperparameter := method_card(choice.name).tuned_hyperparameter)
    ]
    if not methods:
        raise DataError("names no method that has strengths", file=path, field="methods")
    trials = _Trials(study, options, run.native, run.device)
    store = Store(run.runs / f"tune-{study.name}")
    work = replace(run, work=TRIALS)
    console = stderr_console()
    nothing = MethodChoice(name=NOTHING, hyperparameters={})
    targets = list(options.targets.values())
    with store.lock(partial(console.print, markup=False, highlight=False, soft_wrap=True)):
        store.clean()
        asked = [first_round(method.tuned_hyperparameter, options.trials) for method in methods]
        while any(asked):
            settings = [m.at(v) for m, values in zip(methods, asked, strict=True) for v in values]
            make_jobs(trials.own, trials.jobs([nothing, *settings]), store, work, console)
            for method, values in zip(methods, asked, strict=True):
                method.tried.update({v: trials.read(store, method.at(v)) for v in values})
            asked = [next_round(method.tried, targets, options.trials) for method in methods]
        originals = trials.read(store, nothing)
    return Tuning(study, options, originals, methods)


class _Trials:
    """The jobs of trials, on originals of the tuning seed."""

    def __init__(
        self, study: Study, options: TuneOptions, native: bool, device: Device | None
    ) -> None:
        self.study, self.options = study, options
        hashes = {name: benchmarks.load(name).data_hash for name in study.benchmarks}
        self.own = computed(study, native, device).model_copy(
            update={
                "seeds": (options.seed,),
                "shadows": 0,
                "references": References(),
            }
        )
        plan = plan_on_base(self.own, hashes)
        self.hashes = hashes
        self.base = next(job for job in plan.jobs if job.kind == "base")
        self.originals = {
            job.params["benchmark"]: job
            for job in plan.jobs
            if job.kind == "train" and job.params["role"] == Role.ORIGINAL
        }

    def jobs(self, choices: Iterable[MethodChoice]) -> list[Job]:
        """Everything that the trials of some settings need."""
        trials = [self._job(choice, name) for choice in choices for name in self.originals]
        return [self.base, *self.originals.values(), *dict((t.key, t) for t in trials).values()]

    def read(self, store: Store, choice: MethodChoice) -> TrialResult:
        """What a setting gave on each benchmark."""
        found = {
            name: json.loads((store.folder(self._job(choice, name).key) / "trial.json").read_text())
            for name in self.originals
        }
        return TrialResult(
            {name: one.get("forget_accuracy") for name, one in found.items()},
            {name: one.get("retain_accuracy") for name, one in found.items()},
        )

    def _job(self, choice: MethodChoice, benchmark: str) -> Job:
        trainer = self.study.trainer.content()
        params: dict[str, Any] = {
            "benchmark": benchmark,
            "data_hash": self.hashes[benchmark],
            "model": self.study.model.name,
            "arithmetic": self.own.arithmetic,
            **({"quantised": True} if self.study.model.adapter.kind == "qlora" else {}),
            "method": choice.name,
            "hyperparameters": dict(choice.hyperparameters),
            "seed": self.options.seed,
            "validation_seed": self.options.seed,
            "questions": self.options.questions,
            "max_new_tokens": self.study.traces.max_new_tokens,
            **({"trainer": trainer} if trainer else {}),
            **file_of(choice.name),
            **judges_params(benchmark),
            **on_device(self.own),
        }
        inputs = {"base": self.base.key, "original": self.originals[benchmark].key}
        settings = ", ".join(f"{k} {v}" for k, v in choice.hyperparameters.items() if k != "steps")
        label = f"trial {benchmark} {choice.name}" + (f" ({settings})" if settings else "")
        every = self.study.trainer.save_every_minutes
        return Job("trial", label, params, inputs, save_every_minutes=every)
