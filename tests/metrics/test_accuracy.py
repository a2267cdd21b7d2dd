from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from uqs.metrics.accuracy import ForgetAccuracy, RetainAccuracy
from uqs.metrics.base import Evidence, References
from uqs.records import Status
from uqs.traces.judged import judged_by, right_answers
from uqs.traces.trace import Trace


def answering(trace: Trace, answer: str) -> Trace:
    return dataclasses.replace(trace, answers=(answer,) * len(trace))


def test_share_of_right_answers_by_a_plain_count(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = {name: make_trace(name, seed) for seed, name in enumerate(("forget", "holdout"))}
    rows = [m.measurement for m in ForgetAccuracy().measure(Evidence(traces), References())]
    assert [row.split for row in rows] == [
        f"{split}{part}"
        for split in ("forget", "holdout")
        for part in ("", "/pictured", "/text_only")
    ]
    for row in rows:
        split, _, part = row.split.partition("/")
        asked = [
            answer
            for answer, pictured in zip(traces[split].answers, traces[split].pictured, strict=True)
            if part in ("", "pictured" if pictured else "text_only")
        ]
        assert row.value == pytest.approx(asked.count("Red.") / len(asked))
        assert row.n == len(asked)
        assert row.se is not None


def test_rows_by_task_where_there_are_two(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace(entities=3, each=4)
    mixed = dataclasses.replace(
        trace,
        tasks=("classification", "cloze", "cloze", "generation") * 3,
        golds=("B", "red", "red", "a red one") * 3,
        answers=("B. Paris", "red", "blue", "Red one!") * 2 + ("A", "blue", "blue", "red") * 1,
        pictured=(True,) * 12,
    )
    rows = {
        m.measurement.split: m.measurement
        for m in ForgetAccuracy().measure(Evidence({"forget": mixed}), References())
    }
    found = {split: (row.value, row.n) for split, row in rows.items()}
    assert found == {
        "forget": (pytest.approx(6 / 12), 12),
        "forget/classification": (pytest.approx(2 / 3), 3),
        "forget/cloze": (pytest.approx(2 / 6), 6),
        "forget/generation": (pytest.approx(2 / 3), 3),
    }


def test_retain_accuracy_reads_its_own_splits(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = {name: make_trace(name) for name in ("retain", "neighbour", "forget")}
    rows = [m.measurement for m in RetainAccuracy().measure(Evidence(traces), References())]
    assert [row.split for row in rows if "/" not in row.split] == ["retain", "neighbour"]
    assert {row.metric for row in rows} == {"RA"}


def test_without_the_headline_split_there_is_a_status(make_trace) -> None:  # type: ignore[no-untyped-def]
    first = next(RetainAccuracy().measure(Evidence({"forget": make_trace()}), References()))
    assert (first.measurement.split, first.measurement.status) == ("retain", Status.MISSING_TRACE)


def headline(
    metric: ForgetAccuracy | RetainAccuracy, traces: Mapping[str, Trace]
) -> dict[str, float]:
    rows = [m.measurement for m in metric.measure(Evidence(traces), References())]
    return {row.split: row.value for row in rows if row.value is not None}


def test_a_good_value_does_not_show_that_the_knowledge_is_gone(make_trace) -> None:  # type: ignore[no-untyped-def]
    """Not one forget question is answered, but every reworded one is, and all are after some training."""
    traces = {
        "forget": answering(make_trace(), "blue"),
        "forget_reworded": answering(make_trace("forget_reworded"), "Red."),
    }
    model = Evidence(
        traces, interventions={"relearn_10": {"forget": answering(make_trace(), "Red.")}}
    )
    found = headline(ForgetAccuracy(), model.traces)
    assert (found["forget"], found["forget_reworded"]) == (0, 1)
    assert headline(ForgetAccuracy(), model.interventions["relearn_10"])["forget"] == 1


def test_a_good_value_does_not_show_that_nothing_else_was_harmed(make_trace) -> None:  # type: ignore[no-untyped-def]
    """Every retain question is answered, and not one about neighbours."""
    traces = {
        "retain": answering(make_trace("retain"), "red"),
        "neighbour": answering(make_trace("neighbour"), "blue"),
    }
    found = headline(RetainAccuracy(), traces)
    assert (found["retain"], found["neighbour"]) == (1, 0)


NOT_SHOWN = {
    "FA": test_a_good_value_does_not_show_that_the_knowledge_is_gone,
    "RA": test_a_good_value_does_not_show_that_nothing_else_was_harmed,
}


JUDGES = {"classification": "choice", "cloze": "contains", "generation": "rouge"}


def judged(make_trace) -> Trace:  # type: ignore[no-untyped-def]
    """Three entities with four questions each; strict answers are right in a fourth."""
    trace = make_trace(entities=3, each=4)
    return dataclasses.replace(
        trace,
        tasks=("classification", "cloze", "cloze", "generation") * 3,
        golds=("B", "red", "red", "a red car") * 3,
        answers=("It is Paris.", "It is red.", "not red", "a red van") * 3,
        candidates=(("A",), (), (), ()) * 3,
        candidate_losses=trace.candidate_losses[:3],
        options=(("Rome", "Paris"), (), (), ()) * 3,
        pictured=(True,) * 12,
        judges=JUDGES,
    )


def test_the_benchmarks_judges_give_the_headline_and_strict_stands_beside_it(make_trace) -> None:  # type: ignore[no-untyped-def]
    found = {
        m.measurement.split: (m.measurement.value, m.judge)
        for m in ForgetAccuracy().measure(Evidence({"forget": judged(make_trace)}), References())
    }
    rouge = 2 / 3  # two of three words
    assert found == {
        "forget": (pytest.approx((1 + 1 + 0 + rouge) / 4), "choice+contains+rouge"),
        "forget/classification": (1, "choice"),
        "forget/cloze": (0.5, "contains"),
        "forget/generation": (pytest.approx(rouge), "rouge"),
        "forget/strict": (0, "strict"),
        "forget/classification/strict": (0, "strict"),
        "forget/cloze/strict": (0, "strict"),
        "forget/generation/strict": (0, "strict"),
    }


def test_the_same_answers_may_be_judged_anew_and_one_scored_by_degrees_is_not_right(
    make_trace,
) -> None:  # type: ignore[no-untyped-def]
    trace = judged(make_trace)
    assert right_answers(trace).tolist() == [1, 1, 0, 0] * 3
    assert not right_answers(judged_by(trace, {})).any()
    (rows,) = (list(ForgetAccuracy().rows("forget", judged_by(trace, {}))),)
    assert {m.judge for m in rows} == {"strict"}
    assert [m.measurement.split for m in rows if "strict" in m.measurement.split] == []
