"""From measured jobs to the results table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import NamedTuple

import pyarrow as pa

from uqs import __version__, io, results
from uqs.errors import DataError
from uqs.evaluation.evaluate import Evaluation, Subject, item_table, read_evaluated, rows_of
from uqs.evaluation.record import Recording
from uqs.forms import ASKED
from uqs.gaps import with_gaps
from uqs.metrics.base import MetricResult
from uqs.metrics.catalogue import metric_card
from uqs.records import Measurement, MetricCard, Role, Status
from uqs.results import items
from uqs.studies.collected import key_of, known, remember
from uqs.studies.plan import Plan, PlannedModel
from uqs.studies.references import TAUGHT
from uqs.studies.store import Manifest, Store
from uqs.studies.verdict import GATES, dropped_models

Made = Callable[[str], Manifest]
"""The manifest of a finished job by its key."""
METHOD_OF_ROLE = {Role.ORIGINAL: "original", Role.ORACLE: "retrain"}


class _Model(NamedTuple):
    """A model of the study: what stands in all its rows, and what was measured of it, without its samples.

    `job`: of the measurement, None if the model was not made.
    """

    subject: Subject
    evaluated: Evaluation
    job: str | None = None
    faults: tuple[str, ...] = ()


def collect(plan: Plan, store: Store) -> list[str]:
    """Write `results.parquet`, `items.parquet` and `gates.json` of a study whose jobs are made.

    Tables that are there, and were made of the same by the same code, stay. Returns in words what could not
    be measured, a line each.
    """
    made = cache(partial(_made, store))
    cards = [metric_card(name) for name in plan.study.metrics]
    manifests = [one for job in plan.jobs if (one := store.manifest(job.key)) is not None]
    key = key_of(plan, manifests, cards)
    problems = known(store.run, key)
    if problems is None:
        problems = _collect(plan, store, made, cards)
        remember(store.run, key, problems)
    return problems


def _collect(plan: Plan, store: Store, made: Made, cards: Sequence[MetricCard]) -> list[str]:
    models = [_model(plan, store, made, model) for model in plan.models]
    rows = [row for one in models for row in rows_of(one.subject, one.evaluated.measured)]
    results.write(with_gaps(rows), store.run / "results.parquet", cards)
    items.write_tables(_samples(store, models), store.run / "items.parquet")
    for key in plan.gates.values():
        made(key)
    gates = {
        benchmark: json.loads((store.folder(key) / GATES).read_text(encoding="utf-8"))
        for benchmark, key in plan.gates.items()
    }
    io.write_text(store.run / GATES, json.dumps(gates, indent=1))
    short = list(_short_of_criterion(plan, made))
    return [line for one in models for line in _problems(one)] + short


def _samples(store: Store, models: Iterable[_Model]) -> Iterator[pa.Table]:
    """The values of all samples: one table for each model, in the order of the file, read one at a time."""

    def place(one: _Model) -> tuple[str | int, ...]:
        return tuple(getattr(one.subject, name) for name in items.MODEL)

    for one in sorted(models, key=place):
        if one.job is not None:
            yield item_table(one.subject, read_evaluated(store.folder(one.job)).measured)


def _short_of_criterion(plan: Plan, made: Made) -> Iterator[str]:
    """The trained models that took all steps and still answer less than the study asks for."""
    for job in plan.jobs:
        if job.kind != "train":
            continue
        asked = job.params["training"]["criterion"]
        outcome = made(job.key).outcome
        if outcome["answered"] < asked:
            yield (
                f"{job.label}: {outcome['answered']:.1%} of what it was taught is answered right after "
                f"{outcome['steps']} steps, and {asked:.0%} were asked for; raise training.max_steps"
            )


def _problems(one: _Model) -> Iterator[str]:
    strength = f"@{one.subject.strength}" if one.subject.strength else ""
    label = f"{one.subject.benchmark} {one.subject.method}{strength} seed {one.subject.seed}"
    for metric, problem in one.evaluated.problems.items():
        yield f"{label}: {metric}: {problem}"
    for fault in one.faults:
        yield f"{label}: {fault}"


def _model(plan: Plan, store: Store, made: Made, model: PlannedModel) -> _Model:
    if _failed(plan, store, made, model):
        failed = [
            MetricResult(Measurement(card.symbol, card.split, None, None, 0, Status.GATE_FAILED))
            for card in map(metric_card, plan.study.metrics)
        ]
        share = _share(store, model)
        return _Model(_subject(plan, model, None, 0.0, share), Evaluation(failed, {}))
    own = made(model.model)
    behind = [own, made(model.trace), made(model.measure)]
    seconds = sum(manifest.seconds for manifest in behind)
    return _Model(
        _subject(plan, model, own, seconds, _share(store, model)),
        read_evaluated(store.folder(model.measure), per_sample=False),
        model.measure,
        Recording.read(store.folder(model.trace)).faults,
    )


def _failed(plan: Plan, store: Store, made: Made, model: PlannedModel) -> bool:
    """Whether the model has no values because its benchmark stopped, or failed gates of its own.

    The questions of one form have gates of their own, beside those of the whole benchmark.
    """
    if model.gates is not None:
        whole = plan.gates[model.benchmark.partition(ASKED)[0]]
        if any(made(gates).stop is not None for gates in (whole, model.gates)):
            return True
    return model.gated in dropped_models(store.folder(plan.gates[model.benchmark]) / GATES)


def _share(store: Store, model: PlannedModel) -> float | None:
    """The share of the forget entities that a reference was taught; None of an unlearned model."""
    if model.role in (Role.SUPPRESSED, Role.DAMAGED) and not model.gated:
        return 1.0  # made from an original
    if not model.gated:
        return None
    file = store.folder(model.model) / TAUGHT
    return float(json.loads(file.read_text(encoding="utf-8"))["share"])


def _subject(
    plan: Plan, model: PlannedModel, made: Manifest | None, seconds: float, share: float | None
) -> Subject:
    name, _, edition = model.benchmark.partition(":")
    return Subject(
        study=plan.study.name,
        benchmark=name,
        edition=edition,
        model=plan.study.model.name,
        role=model.role.value,
        method=model.method or METHOD_OF_ROLE[model.role],
        strength=model.strength,
        hyperparameters=json.dumps(dict(model.hyperparameters), sort_keys=True),
        seed=model.seed,
        config_hash=model.model,
        data_hash=_data_hash(plan, model.benchmark),
        version=made.versions["uqs"] if made else __version__,
        device=made.device if made else "",
        seconds=seconds,
        share=share,
    )


def _data_hash(plan: Plan, benchmark: str) -> str:
    """The hash of a benchmark's data; of a part that has one form, as `in_forms` says."""
    whole, mark, form = benchmark.partition(ASKED)
    return f"{plan.data_hashes[whole]}{mark}{form}"


def _made(store: Store, key: str) -> Manifest:
    manifest = store.manifest(key)
    if manifest is None:
        raise DataError("was not made", file=store.folder(key))
    return manifest
