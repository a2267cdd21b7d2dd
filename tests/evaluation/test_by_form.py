"""A model cut to the questions of one form is that of a trace of these questions alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from uqs.evaluation.by_form import evidence_by, references_by
from uqs.forms import FORMS
from uqs.metrics.base import CrossScores, Evidence, References, Shadow
from uqs.traces.trace import Trace


@pytest.fixture
def model(make_trace) -> Evidence:  # type: ignore[no-untyped-def]
    def formed(split: str, forms: tuple[str, ...]) -> Trace:
        trace = make_trace(split, entities=2, each=3)
        ids = tuple(f"{i}@{forms[at % len(forms)]}" for at, i in enumerate(trace.ids))
        return replace(trace, ids=ids)

    traces = {"forget": formed("forget", FORMS), "views": formed("views", ("picture",))}
    plain = make_trace("fluent", entities=2)
    cross = CrossScores(*(traces["forget"] for _ in range(4)))
    return Evidence(
        {**traces, "fluent": plain},
        interventions={"int8": traces},
        cross_scores={0: cross, 1: None, 2: CrossScores(*(traces["views"] for _ in range(4)))},
    )


@pytest.mark.parametrize("at", range(3))
def test_the_questions_of_one_form(model: Evidence, at: int) -> None:
    form = FORMS[at]
    found = evidence_by(model, form)
    forget = model.traces["forget"]
    assert found.traces["forget"].ids == tuple(i for i in forget.ids if i.endswith(f"@{form}"))
    assert found.traces["forget"].answers == tuple(
        a for a, i in zip(forget.answers, forget.ids, strict=True) if i.endswith(f"@{form}")
    )
    assert found.traces["fluent"] is model.traces["fluent"]
    assert (
        ("views" in found.traces) == (form == "picture") == ("views" in found.interventions["int8"])
    )
    own = found.cross_scores[0]
    assert own is not None and own.own_by_oracle.ids == found.traces["forget"].ids
    assert found.cross_scores[1] is None
    assert (found.cross_scores[2] is None) == (form != "picture")


def test_references_are_cut_alike(model: Evidence) -> None:
    shadow = Shadow(frozenset("a"), unlearned=True, traces=model.traces)
    found = references_by(References({3: model}, model, [shadow]), "text")
    cut = evidence_by(model, "text").traces["forget"].ids
    assert found.original is not None
    assert [
        found.oracles[3].traces["forget"].ids,
        found.original.traces["forget"].ids,
        found.shadows[0].traces["forget"].ids,
    ] == [cut] * 3
    assert references_by(References(), "text").original is None
