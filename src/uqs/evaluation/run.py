"""Measures models: traces, then every metric, gaps to the oracles, and a list of failures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from uqs import __version__
from uqs.checkpoints.content import same_weights
from uqs.checkpoints.identity import remembered
from uqs.errors import UserError
from uqs.evaluation.evaluate import Evaluation, Subject, evaluate, items_of, rows_of
from uqs.evaluation.gather import (
    Failure,
    Gatherer,
    Listener,
    TracedModel,
    assumed_notes,
    halved_notes,
)
from uqs.evaluation.named import NamedCheckpoint
from uqs.evaluation.plan import EvaluationPlan
from uqs.gaps import with_gaps
from uqs.io import cache_folder
from uqs.metrics.base import Evidence, Floats, References
from uqs.metrics.baseline import TAUGHT, weak
from uqs.metrics.catalogue import metric_card
from uqs.metrics.collapse import collapsed
from uqs.models.settings import LoadIn
from uqs.models.update import PaddedUpdate, effective_update, shapes
from uqs.records import Benchmark, MetricCard, Need, Role
from uqs.results import Row
from uqs.results.items import Item
from uqs.traces.settings import TraceSettings

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Result:
    """Rows of the results table, per-sample values, failures, notes for the user, and facts about the rows'
    metrics."""

    rows: Sequence[Row]
    samples: Sequence[Item]
    failures: Sequence[Failure]
    notes: Sequence[str]
    metrics: Sequence[MetricCard] = ()


def measure(
    original: str | Path,
    unlearned: Sequence[str | Path],
    benchmark: str,
    *,
    oracles: Sequence[str | Path] = (),
    base: str | Path | None = None,
    metrics: str | Sequence[str] = "default",
    processor: Path | None = None,
    device: str | None = None,
    dtype: torch.dtype | None = None,
    load_in: LoadIn | None = None,
    settings: TraceSettings = TraceSettings(),  # noqa: B008  frozen
    cache: Path | None = None,
    listener: Listener | None = None,
) -> Result:
    """Measure an original and unlearned models, against oracles if given.

    Models are transformers folders, PEFT adapters, hub ids, or folders of traces; an unlearned model may be
    `METHOD[@STRENGTH][:SEED]=FOLDER`. `benchmark` is `name[:edition]`, by default the tiny edition.
    `metrics`: `default` (all that need no further training), `all`, or names, symbols and FILE.py:CLASS.
    `base`: the adapters' base, if it is not the one they name. `processor`: a folder with the tokenizer and
    picture processor, if the models have none. `device`, `dtype`, `load_in`: as for `Models`. Traces are kept
    in `cache`, by content.

    Raises UserError for an invalid request. A model that cannot be measured is in the result's `failures`;
    the others are still measured.
    """
    from uqs.checkpoints.open import Models

    models = Models(device, dtype, processor, load_in)
    cache = cache or cache_folder()
    plan = EvaluationPlan.of(
        original, unlearned, oracles, benchmark, metrics, base, remembered(cache)
    )
    listener = listener or Listener()
    gatherer = Gatherer(plan, models, cache, settings, listener, processor)
    gathered = gatherer.gather()
    found = list(_measured(plan, gathered, gatherer, listener))
    return Result(
        with_gaps([row for subject, each in found for row in rows_of(subject, each.measured)]),
        [item for subject, each in found for item in items_of(subject, each.measured)],
        gatherer.failures,
        [
            *_data_notes(plan.benchmark),
            *_left_out(plan),
            *gatherer.notes,
            *([f"the bases' linear layers were held in {load_in[0]} bits"] if load_in else []),
            *assumed_notes(gathered),
            *halved_notes(gathered),
        ],
        [metric_card(name) for name in plan.metrics],
    )


def _data_notes(data: Benchmark) -> list[str]:
    """What the benchmark's loader noted, as a study says it."""
    return [f"{data.name}:{data.edition}: {line}" for line in data.notes]


def _left_out(plan: EvaluationPlan) -> Iterator[str]:
    if plan.left_out:
        yield f"left out, because a classifier writes no text: {', '.join(plan.left_out)}"


def _measured(
    plan: EvaluationPlan, gathered: Sequence[TracedModel], gatherer: Gatherer, listener: Listener
) -> Iterator[tuple[Subject, Evaluation]]:
    """Evaluate every model; the oracles' evidence stays in memory."""
    updates = _updates(plan, gathered, gatherer) if Need.WEIGHTS in plan.needs else {}
    kept = {
        one.named: one.evidence(updates.get(one.named))
        for one in gathered
        if one.named.role is not Role.UNLEARNED
    }
    original = kept.get(plan.original)
    if original is not None:
        _judge(plan.original, original, gatherer)
    for one in gathered:
        if one.collapse and one.named.role is Role.ORIGINAL:
            gatherer.fail(one.named, f"is not a baseline: its training collapsed ({one.collapse})")
        elif one.collapse:
            gatherer.notes.append(
                f"{one.named.label}: the run that made it collapsed ({one.collapse}); only its health is "
                "measured"
            )
    for one in gathered:
        listener.began(f"metrics of {one.named.label}")
        begin = time.perf_counter()
        evidence = kept.get(one.named) or one.evidence(updates.get(one.named))
        references = References(_oracles(kept, one.named, gatherer), original)
        dead = one.collapse is not None
        found = evaluate(
            plan.metrics,
            evidence,
            references,
            role=one.named.role,
            dead=dead,
            generalises=plan.benchmark.generalises,
        )
        seconds = one.seconds + time.perf_counter() - begin
        for metric, problem in found.problems.items():
            gatherer.fail(one.named, f"{metric}: {problem}")
        yield _subject(plan, one, seconds), found


def _judge(named: NamedCheckpoint, original: Evidence, gatherer: Gatherer) -> None:
    """Report where the original cannot be a baseline: an error for a whole split, else a note."""
    found = weak(original.traces)
    if collapsed(original.traces):
        gatherer.fail(named, "is not a baseline: it is collapsed; only its health is measured")
    for place, one in found.items():
        if place in TAUGHT:
            gatherer.fail(named, one.sentence)
        elif place.partition("/")[0] not in found:
            gatherer.notes.append(one.sentence)


def _oracles(
    kept: Mapping[NamedCheckpoint, Evidence], model: NamedCheckpoint, gatherer: Gatherer
) -> dict[int, Evidence]:
    """The oracles that a model is compared with: all except those with its own weights."""
    return {
        named.seed: evidence
        for named, evidence in kept.items()
        if named.role is Role.ORACLE and not gatherer.same_model(named, model)
    }


def _updates(
    plan: EvaluationPlan, gathered: Sequence[TracedModel], gatherer: Gatherer
) -> dict[NamedCheckpoint, Mapping[str, Floats]]:
    """The weight update of each model relative to `plan.start`, over all layers that any model changes."""
    if plan.start is None:
        return {}
    found: dict[NamedCheckpoint, Mapping[str, Floats]] = {}
    for one in gathered:
        checkpoint = one.named.checkpoint
        if checkpoint.kind == "traces":
            continue
        try:
            if checkpoint.base and not same_weights(
                checkpoint.base, plan.start, remembered(gatherer.cache)
            ):
                raise UserError(
                    f"its base is {checkpoint.base}, but updates are relative to {plan.start}"
                )
            found[one.named] = effective_update(checkpoint.folder, plan.start)
        except UserError as error:
            gatherer.notes.append(f"{one.named.label}: its weights are not compared: {error}")
    every = {layer: shape for update in found.values() for layer, shape in shapes(update).items()}
    return {
        named: update if set(update) == set(every) else PaddedUpdate(update, every)
        for named, update in found.items()
    }


def _subject(plan: EvaluationPlan, one: TracedModel, seconds: float) -> Subject:
    return Subject(
        study="measure",
        benchmark=plan.benchmark.name,
        edition=plan.benchmark.edition,
        model=plan.original.checkpoint.title,
        role=one.named.role.value,
        method=one.named.method,
        strength=one.named.strength,
        hyperparameters="{}",
        seed=one.named.seed,
        config_hash=one.identity.weights if one.identity else "",
        data_hash=plan.benchmark.data_hash,
        version=__version__,
        device=one.identity.device if one.identity else "",
        seconds=seconds,
    )
