"""Which jobs of a run folder are made again, and why, said before it is done."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from uqs.studies.jobs import Job
from uqs.studies.store import MANIFEST, Manifest, Store

FORMER = "cells"
"""Where earlier versions kept what is now in `jobs`."""
SHOWN = 12
"""Reasons that are listed."""


def changes(jobs: Sequence[Job], made: Mapping[str, Manifest], store: Store) -> Iterator[str]:
    """A line for each reason why jobs that were made before are made again, with how many of which kind.

    A job is known by its kind, its label and its model's role: a method may be named `original` as the
    models are that it starts from, and what is made of the one never was the other's. What changed is what
    its folder's manifest says otherwise: code, a library, a setting, the data. Jobs that change only because
    of what they read are counted together.
    """
    if (store.run / FORMER).is_dir():
        yield (
            f"{store.run / FORMER} holds what an earlier version of UQS made; nothing of it is used, and it "
            "can be deleted"
        )
    waiting = [job for job in jobs if job.key not in made]
    if not waiting:
        return
    former = _former(store, {job.key for job in jobs})
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for job in waiting:
        old = former.get(_place(job.kind, job.label, job.params))
        if old is None:
            continue
        found = list(_differences(old, job)) or ["what they read is made again"]
        for reason in found:
            reasons[reason][job.kind] += 1
    ordered = sorted(reasons.items(), key=lambda one: (-sum(one[1].values()), one[0]))
    for reason, kinds in ordered[:SHOWN]:
        counted = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
        yield f"made again: {counted} ({reason})"
    if len(ordered) > SHOWN:
        yield f"made again for {len(ordered) - SHOWN} more reasons"


def _place(kind: object, label: object, params: object) -> tuple[str, str, str]:
    """What a job stands for, whatever it is made with."""
    role = params.get("role", "") if isinstance(params, Mapping) else ""
    return str(kind), str(label), str(role)


def _former(store: Store, planned: set[str]) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    """The manifests of jobs that are no longer planned, the newest of each place."""
    found: dict[tuple[str, str, str], tuple[float, Mapping[str, Any]]] = {}
    for file in store.jobs.glob(f"*/{MANIFEST}"):
        if file.parent.name in planned:
            continue
        about = _read(file)
        if about is not None:
            place = _place(about.get("kind"), about.get("label"), about.get("params"))
            when = file.stat().st_mtime
            if place not in found or found[place][0] < when:
                found[place] = (when, about)
    return {place: about for place, (_, about) in found.items()}


def _read(file: Path) -> Mapping[str, Any] | None:
    """A manifest of this or an earlier version; one that is damaged explains nothing."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _differences(old: Mapping[str, Any], job: Job) -> Iterator[str]:
    before = old.get("computation")
    if not isinstance(before, dict):
        yield "an earlier version of UQS made them"
        return
    for part, word in (("code", "code of {}"), ("libraries", "{}")):
        yield from _changed(before.get(part, {}), job.computation[part], word)
    yield from _changed(old.get("params", {}), _plain(job.params), "{}")


def _changed(old: Mapping[str, Any], new: Mapping[str, Any], word: str) -> Iterator[str]:
    for name in sorted({*old, *new}):
        one, other = old.get(name), new.get(name)
        if one == other:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _changed(one, other, word.format(name) + ".{}")
        else:
            yield f"{word.format(name)}: {_shown(one)} -> {_shown(other)}"


def _shown(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """As a manifest holds them: lists for tuples."""
    found: dict[str, Any] = json.loads(json.dumps(params))
    return found
