"""What is recorded of a model, cut to the questions of one form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from uqs.forms import Form, asked
from uqs.metrics.base import CrossScores, Evidence, References
from uqs.traces.trace import Trace


def evidence_by(model: Evidence, form: Form) -> Evidence:
    """The same model without what it did with questions of other forms.

    A split without any question of the form is left out; one that has no forms, such as fluent text, stays.
    """
    return replace(
        model,
        traces=traces_by(model.traces, form),
        interventions={name: traces_by(of, form) for name, of in model.interventions.items()},
        cross_scores={seed: _cross(of, form) for seed, of in model.cross_scores.items()},
    )


def references_by(references: References, form: Form) -> References:
    """The models to compare with, cut in the same way."""
    return References(
        {seed: evidence_by(oracle, form) for seed, oracle in references.oracles.items()},
        None if references.original is None else evidence_by(references.original, form),
        [replace(one, traces=traces_by(one.traces, form)) for one in references.shadows],
    )


def traces_by(traces: Mapping[str, Trace], form: Form) -> dict[str, Trace]:
    """The traces of the questions of one form, by split."""
    kept = {split: _trace(trace, form) for split, trace in traces.items()}
    return {split: trace for split, trace in kept.items() if trace is not None}


def _trace(trace: Trace, form: Form) -> Trace | None:
    forms = [asked(sample) for sample in trace.ids]
    if all(one is None for one in forms):
        return trace
    kept = [at for at, one in enumerate(forms) if one is not None and one.form == form]
    return trace.take(kept) if kept else None


def _cross(scores: CrossScores | None, form: Form) -> CrossScores | None:
    if scores is None:
        return None
    names = ("own_by_model", "own_by_oracle", "oracles_by_model", "oracles_by_oracle")
    cut = {name: _trace(getattr(scores, name), form) for name in names}
    found = {name: trace for name, trace in cut.items() if trace is not None}
    return CrossScores(**found) if len(found) == len(names) else None
