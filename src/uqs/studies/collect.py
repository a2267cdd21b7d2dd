"""From measured cells to the results table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from uqs import __version__, io, results
from uqs.errors import DataError
from uqs.gaps import with_gaps
from uqs.metrics.catalogue import metric_card
from uqs.records import Role, Status
from uqs.results import Row
from uqs.studies.plan import Plan, PlannedModel
from uqs.studies.store import Manifest, Store
from uqs.studies.verdict import GATES, dropped_oracles

METHOD_OF_ROLE = {Role.ORIGINAL: "original", Role.ORACLE: "retrain"}


def collect(plan: Plan, store: Store) -> None:
    """Write `results.parquet` and `gates.json` of a study whose cells are made."""
    rows = [row for model in plan.models for row in _rows(plan, store, model)]
    cards = [metric_card(name) for name in plan.study.metrics]
    results.write(with_gaps(rows), store.run / "results.parquet", cards)
    for key in plan.gates.values():
        _made(store, key)
    gates = {
        benchmark: json.loads((store.folder(key) / GATES).read_text(encoding="utf-8"))
        for benchmark, key in plan.gates.items()
    }
    io.write_text(store.run / GATES, json.dumps(gates, indent=1))


def _rows(plan: Plan, store: Store, model: PlannedModel) -> Iterator[Row]:
    if _failed(plan, store, model):
        for name in plan.study.metrics:
            about = metric_card(name)
            yield _row(
                plan,
                model,
                {"metric": about.symbol, "split": about.split, "status": Status.GATE_FAILED.value},
                None,
                0.0,
            )
        return
    made = _made(store, model.model)
    behind = [made, _made(store, model.trace), _made(store, model.measure)]
    seconds = sum(manifest.seconds for manifest in behind)
    file = store.folder(model.measure) / "measurements.json"
    for measured in json.loads(file.read_text(encoding="utf-8")):
        yield _row(plan, model, measured, made, seconds)


def _failed(plan: Plan, store: Store, model: PlannedModel) -> bool:
    """Whether the model was not made because its benchmark stopped, or is an oracle that was dropped."""
    if model.gates is not None and _made(store, model.gates).stop is not None:
        return True
    verdict = store.folder(plan.gates[model.benchmark]) / GATES
    return model.role == Role.ORACLE and model.seed in dropped_oracles(verdict)


def _row(
    plan: Plan,
    model: PlannedModel,
    measured: dict[str, Any],
    made: Manifest | None,
    seconds: float,
) -> Row:
    name, _, edition = model.benchmark.partition(":")
    return Row(
        study=plan.study.name,
        benchmark=name,
        edition=edition,
        model=plan.study.model.name,
        role=model.role.value,
        method=model.method or METHOD_OF_ROLE[model.role],
        strength=model.strength,
        hyperparameters=json.dumps(dict(model.hyperparameters), sort_keys=True),
        seed=model.seed,
        oracle_seed=measured.get("oracle_seed"),
        split=measured["split"],
        metric=measured["metric"],
        value=measured.get("value"),
        se=measured.get("se"),
        n=measured.get("n", 0),
        status=measured["status"],
        config_hash=model.model,
        data_hash=plan.data_hashes[model.benchmark],
        version=made.versions["uqs"] if made else __version__,
        device=made.device if made else "",
        seconds=seconds,
        bound=measured.get("bound"),
    )


def _made(store: Store, key: str) -> Manifest:
    manifest = store.manifest(key)
    if manifest is None:
        raise DataError("was not made", file=store.folder(key))
    return manifest
