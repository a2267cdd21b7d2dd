"""From a study to its jobs: which models are trained, unlearned, traced and measured, and from what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from uqs import registry
from uqs.benchmarks import generalises, judges_of
from uqs.evaluation.splits import TRACED, needs_of
from uqs.forms import ASKED, FORGOTTEN, Form
from uqs.methods.cards.look_up import method_card
from uqs.records import Need, Role
from uqs.studies.alterations import INCOMPLETE, LADDER, ROLES, Alteration, alterations
from uqs.studies.base import base_hash
from uqs.studies.jobs import Job, Kind
from uqs.studies.shadows import SHADOW
from uqs.studies.spec import MethodChoice, Study

__all__ = ["Job", "Plan", "PlannedModel", "base_hash", "make_plan"]


@dataclass(frozen=True)
class PlannedModel:
    """A model of the study, and the keys of the jobs that make, trace and measure it.

    `gates` is the job that must pass before this model is made; None where the gates read the model
    themselves, by the name `gated`. `method` is empty for originals and oracles. A model that is measured by
    forms of questions stands here once more for each, with a `benchmark` that says so.
    """

    benchmark: str
    role: Role
    method: str
    strength: str
    hyperparameters: Mapping[str, Any]
    seed: int
    model: str
    trace: str
    measure: str
    gates: str | None = None
    gated: str = ""


@dataclass(frozen=True)
class Plan:
    """`jobs` come after everything they read; `gates` gives the key of each benchmark's gates.

    `notes` are those of the benchmarks' loaders, by benchmark.
    """

    study: Study
    data_hashes: Mapping[str, str]
    jobs: tuple[Job, ...]
    models: tuple[PlannedModel, ...]
    gates: Mapping[str, str]
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def counts(self) -> Mapping[str, int]:
        """How many jobs of each kind there are."""
        return Counter(job.kind for job in self.jobs)


def make_plan(
    study: Study, data_hashes: Mapping[str, str], base: str, source: str = "", replay: str = ""
) -> Plan:
    """The plan of a study; `data_hashes` by benchmark as the study writes them, `base` of the base model.

    `source` is the folder of the user's own base, `replay` the hash of what its training replays.
    """
    return _Planner(study, data_hashes, base, source, replay).plan()


@dataclass(frozen=True)
class _ModelJobs:
    """A model that is made and traced: what it is, and the keys of both jobs."""

    role: Role
    seed: int
    label: str
    model: str
    trace: str
    method: str = ""
    strength: str = ""
    choice: MethodChoice | None = None
    share: float | None = None

    @property
    def gated(self) -> bool:
        """Whether the gates read this model; what is made from an original waits for them."""
        return self.choice is None and self.method not in ROLES

    @property
    def name(self) -> str:
        """What gates call a trained model."""
        words = [self.role.value, *([self.strength] if self.strength else []), str(self.seed)]
        return "_".join(words)


@dataclass
class _Planner:
    study: Study
    data_hashes: Mapping[str, str]
    base_hash: str
    source: str = ""
    replay: str = ""
    jobs: dict[str, Job] = field(default_factory=dict)
    models: list[PlannedModel] = field(default_factory=list)
    gates: dict[str, str] = field(default_factory=dict)

    def plan(self) -> Plan:
        for benchmark in self.study.benchmarks:
            self._benchmark(benchmark)
        jobs, models = tuple(self.jobs.values()), tuple(self.models)
        return Plan(self.study, self.data_hashes, jobs, models, self.gates)

    def _benchmark(self, benchmark: str) -> None:
        study = self.study
        originals = {s: self._original(benchmark, s) for s in study.original_seeds}
        oracles = {s: self._oracle(benchmark, s) for s in study.oracle_seeds}
        ladder = [
            self._reference(benchmark, share, seed)
            for share in study.references.shares
            if 0 < share < 1
            for seed in study.references.seeds
        ]
        incomplete = [
            self._incomplete(benchmark, missing, seed)
            for missing in study.references.damaged.retain_missing
            for seed in study.references.seeds
        ]
        starts = {s: originals[s] for s in study.start_seeds}
        first = starts[study.start_seeds[0]]
        trained = [*originals.values(), *oracles.values(), *ladder, *incomplete]
        forms = self.forms(benchmark)
        for form in forms:
            self._gates(benchmark, trained, starts.values(), form)
        altered = [
            self._altered(benchmark, originals.get(seed, first), alteration, seed)
            for alteration in alterations(study.references)
            for seed in study.references.seeds
        ]
        unlearned = [
            self._unlearned(benchmark, starts.get(seed, first), choice, seed)
            for choice in study.methods
            for seed in study.seeds
        ]
        for made in (*trained, *altered, *unlearned):
            others = {s: oracle for s, oracle in oracles.items() if oracle is not made}
            if made.role is Role.ORIGINAL:
                original = made
            elif made.role in (Role.SUPPRESSED, Role.DAMAGED):
                original = originals.get(made.seed, first)
            else:
                original = starts.get(made.seed, first)
            shadows = self._shadows(benchmark, made.choice) if made.choice else {}
            for form in forms:
                self._measured(benchmark, made, others, original, shadows, form)

    def forms(self, benchmark: str) -> tuple[Form | None, ...]:
        """The parts of a benchmark's questions that models are measured by: all, and by form."""
        return (None, *(self.study.ask_by if several_forms(benchmark) else ()))

    def _base(self) -> str:
        model = self.study.model.name
        params = {"model": model, "files": self.base_hash}
        return self._add("base", f"base {model}", params, {}, source=self.source)

    def _original(self, benchmark: str, seed: int) -> _ModelJobs:
        return self._trained(benchmark, Role.ORIGINAL, seed, f"original seed {seed}", share=1.0)

    def _oracle(self, benchmark: str, seed: int) -> _ModelJobs:
        return self._trained(benchmark, Role.ORACLE, seed, f"oracle seed {seed}", share=0.0)

    def _reference(self, benchmark: str, share: float, seed: int) -> _ModelJobs:
        label = f"reference {share:g} seed {seed}"
        made = self._trained(benchmark, Role.REFERENCE, seed, label, share=share)
        return replace(made, method=LADDER, strength=f"{share:g}")

    def _incomplete(self, benchmark: str, missing: float, seed: int) -> _ModelJobs:
        """Taught all of forget, and of retain all but a share: damaged, and nothing is forgotten."""
        label = f"{INCOMPLETE} {missing:g} seed {seed}"
        made = self._trained(
            benchmark, Role.DAMAGED, seed, label, share=1.0, retain_missing=missing
        )
        return replace(made, method=INCOMPLETE, strength=f"{missing:g}")

    def _trained(
        self,
        benchmark: str,
        role: Role,
        seed: int,
        label: str,
        *,
        share: float,
        retain_missing: float = 0.0,
    ) -> _ModelJobs:
        label = f"{benchmark} {label}"
        params = {
            **self._training(benchmark),
            "role": role.value,
            "seed": seed,
            "share": share,
            "retain_missing": retain_missing,
        }
        inputs, replay = {"base": self._base()}, self.study.model.replay or ""
        model = self._add("train", f"train {label}", params, inputs, source=replay)
        trace = self._traced(benchmark, role, model, label)
        return _ModelJobs(role, seed, label, model, trace, share=share)

    def _gates(
        self,
        benchmark: str,
        trained: Sequence[_ModelJobs],
        starts: Iterable[_ModelJobs],
        form: Form | None,
    ) -> None:
        """Gates of a benchmark, or of its questions of one form, which stop nothing but their own rows."""
        jobs = {made.model: self.jobs[made.model].params for made in trained}
        params = {
            **self._data(benchmark),
            "limits": self.study.gates.model_dump(),
            "starts": [made.name for made in starts],
            "taught": {
                made.name: {
                    key: jobs[made.model][key] for key in ("share", "seed", "retain_missing")
                }
                for made in trained
            },
        }
        params |= judges_params(benchmark)
        params |= asked_by(form)
        inputs = {made.name: made.trace for made in trained}
        name = named_form(benchmark, form)
        self.gates[name] = self._add("gates", f"gates {name}", params, inputs)

    def _altered(
        self, benchmark: str, original: _ModelJobs, alteration: Alteration, seed: int
    ) -> _ModelJobs:
        """A suppressed or damaged model, made from an original."""
        size = "" if alteration.size is None else f"{alteration.size:g}"
        label = f"{benchmark} {alteration.kind} {size} seed {seed}".replace("  ", " ")
        params = {
            **self._data(benchmark),
            "kind": alteration.kind,
            "size": alteration.size,
            "seed": seed,
            **self._trainer(),
        }
        inputs = {"base": self._base(), "original": original.model}
        after = (self.gates[benchmark],)
        model = self._add("alter", f"alter {label}", params, inputs, after=after)
        trace = self._traced(benchmark, alteration.role, model, label)
        return _ModelJobs(
            alteration.role,
            seed,
            label,
            model,
            trace,
            method=alteration.kind,
            strength=size,
            share=1.0,
        )

    def _unlearned(
        self, benchmark: str, original: _ModelJobs, choice: MethodChoice, seed: int
    ) -> _ModelJobs:
        label = f"{benchmark} {_variant(choice)} seed {seed}"
        role = Role.BASELINE if method_card(choice.name).baseline else Role.UNLEARNED
        params = {**self._unlearning(benchmark, choice), "seed": seed}
        model = self._add(
            "unlearn",
            f"unlearn {label}",
            params,
            {"base": self._base(), "original": original.model},
            after=(self.gates[benchmark],),
        )
        trace = self._traced(benchmark, role, model, label)
        name = method_card(choice.name).name
        return _ModelJobs(role, seed, label, model, trace, name, choice.strength, choice)

    def _traced(self, benchmark: str, role: Role, model: str, label: str) -> str:
        needs = sorted(needs_of(self.study.metrics) & TRACED)
        params = {
            **self._data(benchmark),
            "role": role.value,
            "needs": needs,
            "traces": self._traces(),
        }
        return self._add("trace", f"trace {label}", params, {"base": self._base(), "model": model})

    def _shadows(self, benchmark: str, choice: MethodChoice) -> Mapping[str, str]:
        """Traces of all shadow models, unlearned by `choice`, by role."""
        return {
            f"{SHADOW}_{number}": self._shadow(benchmark, number, choice)
            for number in range(self.study.shadows)
        }

    def _shadow(self, benchmark: str, number: int, choice: MethodChoice) -> str:
        own = {"role": SHADOW, "seed": number}
        params = {**self._training(benchmark), **own}
        label = f"train {benchmark} {SHADOW} {number}"
        replay = self.study.model.replay or ""
        trained = self._add("train", label, params, {"base": self._base()}, source=replay)
        label = f"{benchmark} {_variant(choice)} {SHADOW} {number}"
        params = {**self._unlearning(benchmark, choice), **own}
        made = {"base": self._base(), "original": trained}
        after = (self.gates[benchmark],)
        model = self._add("unlearn", f"unlearn {label}", params, made, after=after)
        inputs = {"base": self._base(), "model": model}
        params = {**self._data(benchmark), **own, "traces": self._traces()}
        return self._add("trace", f"trace {label}", params, inputs)

    def _measured(
        self,
        benchmark: str,
        made: _ModelJobs,
        oracles: Mapping[int, _ModelJobs],
        original: _ModelJobs,
        shadows: Mapping[str, str],
        form: Form | None,
    ) -> None:
        name = named_form(benchmark, form)
        params = {
            "metrics": list(self.study.metrics),
            "role": made.role.value,
            "oracle_seeds": sorted(oracles),
            **files_of(self.study.metrics),
            **({"generalises": True} if generalises(benchmark) else {}),
        }
        params |= judges_params(benchmark)
        params |= asked_by(form)
        inputs = {
            "base": self._base(),
            "gates": self.gates[name],
            "model": made.model,
            "trace": made.trace,
            **shadows,
        }
        for seed, oracle in oracles.items():
            inputs |= {f"oracle_{seed}": oracle.model, f"oracle_{seed}_trace": oracle.trace}
        if Need.CROSS_SCORED in needs_of(self.study.metrics):
            inputs["cross"] = self._cross_scores(benchmark, made, oracles)
        inputs |= {"original": original.model, "original_trace": original.trace}
        label = f"measure {made.label}" + (f" by {form}" if form else "")
        measure = self._add("measure", label, params, inputs)
        self.models.append(
            PlannedModel(
                benchmark=name,
                role=made.role,
                method=made.method,
                strength=made.strength,
                hyperparameters=made.choice.hyperparameters if made.choice else {},
                seed=made.seed,
                model=made.model,
                trace=made.trace,
                measure=measure,
                gates=None if made.gated else self.gates[name],
                gated=made.name if made.gated else "",
            )
        )

    def _cross_scores(
        self, benchmark: str, made: _ModelJobs, oracles: Mapping[int, _ModelJobs]
    ) -> str:
        """A model and all oracles score each other's answers."""
        params = {
            **self._data(benchmark),
            "oracle_seeds": sorted(oracles),
            "traces": self._traces(),
        }
        inputs = {"base": self._base(), "model": made.model, "trace": made.trace}
        for seed, oracle in oracles.items():
            inputs |= {f"oracle_{seed}": oracle.model, f"oracle_{seed}_trace": oracle.trace}
        return self._add("cross", f"cross {made.label}", params, inputs)

    def _data(self, benchmark: str) -> dict[str, Any]:
        """The data and the model that is loaded; a base in 4 bits is another model."""
        quantised = self.study.model.adapter.kind == "qlora"
        return {
            "benchmark": benchmark,
            "data_hash": self.data_hashes[benchmark],
            "model": self.study.model.name,
            "arithmetic": self.study.arithmetic,
            **({"quantised": True} if quantised else {}),
            **({"loading": loading} if (loading := self.study.model.loading()) else {}),
            **on_device(self.study),
        }

    def _training(self, benchmark: str) -> dict[str, Any]:
        training = self.study.training.on(benchmark.partition(":")[0])
        return {
            **self._data(benchmark),
            "adapter": self.study.model.adapter.content(),
            "training": training.model_dump(exclude={"per_benchmark"}),
            **({"replay": self.replay} if self.study.model.path else {}),
            **self._trainer(without={"stop"}),
        }

    def _unlearning(self, benchmark: str, choice: MethodChoice) -> dict[str, Any]:
        return {
            **self._data(benchmark),
            "method": choice.name,
            "hyperparameters": dict(choice.hyperparameters),
            **self._trainer(),
            **file_of(choice.name),
        }

    def _trainer(self, without: Set[str] = frozenset()) -> dict[str, Any]:
        """What differs from the trainer's defaults, if anything does: then jobs are as without the key."""
        given = {k: v for k, v in self.study.trainer.content().items() if k not in without}
        return {"trainer": given} if given else {}

    def _traces(self) -> dict[str, Any]:
        """How models are traced."""
        return self.study.traces.content()

    def _add(
        self,
        kind: Kind,
        label: str,
        params: Mapping[str, Any],
        inputs: Mapping[str, str],
        after: tuple[str, ...] = (),
        source: str = "",
    ) -> str:
        every = self.study.trainer.save_every_minutes
        job = Job(kind, label, params, inputs, after, source, every)
        return self.jobs.setdefault(job.key, job).key


def on_device(study: Study) -> dict[str, str]:
    """The device, where it is not the CPU: jobs of the CPU are as without the key."""
    return {} if study.device == "cpu" else {"device": study.device}


def file_of(method: str) -> dict[str, str]:
    """The hash of a method's file, where it is named by a file: another text is another method."""
    return {"file": registry.file_hash(method)} if registry.is_file(method) else {}


def files_of(metrics: Iterable[str]) -> dict[str, dict[str, str]]:
    """The hashes of the files of metrics that are named by a file, if any is."""
    found = {name: registry.file_hash(name) for name in metrics if registry.is_file(name)}
    return {"files": found} if found else {}


def several_forms(benchmark: str) -> bool:
    """Whether a benchmark asks each fact in several forms."""
    return FORGOTTEN in benchmark


def named_form(benchmark: str, form: Form | None) -> str:
    """A benchmark, or the part of its questions that has one form."""
    return benchmark if form is None else f"{benchmark}{ASKED}{form}"


def asked_by(form: Form | None) -> dict[str, str]:
    """The form of the questions that a job reads, where it does not read all."""
    return {} if form is None else {"ask_by": form}


def _variant(choice: MethodChoice) -> str:
    return f"{choice.name}@{choice.strength}" if choice.strength else choice.name


def judges_params(benchmark: str) -> dict[str, dict[str, str]]:
    """The rules by which a benchmark's answers count as right, where it declares any."""
    judges = judges_of(benchmark)
    return {"judges": dict(judges)} if judges else {}
