from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from uqs.metrics.collapse import collapsed
from uqs.traces.trace import Trace


def silent(trace: Trace, answer: str = " ...") -> Trace:
    return dataclasses.replace(trace, answers=(answer,) * len(trace))


def test_a_model_that_answers_has_not_collapsed(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = {split: make_trace(split) for split in ("forget", "retain")}
    assert not collapsed(traces)
    # refusing or silent where it should have forgotten is no collapse
    assert not collapsed({**traces, "forget": silent(traces["forget"])})


@pytest.mark.parametrize("answer", ["", "  ", "?!", "____"])
def test_no_word_on_retain_is_a_collapse(make_trace, answer: str) -> None:  # type: ignore[no-untyped-def]
    retain = silent(make_trace("retain"), answer)
    assert collapsed({"forget": make_trace(), "retain": retain})
    once = dataclasses.replace(retain, answers=("red", *retain.answers[1:]))
    assert not collapsed({"forget": make_trace(), "retain": once})


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
@pytest.mark.parametrize("split", ["forget", "retain", "fluent"])
def test_one_token_without_a_probability_is_a_collapse(make_trace, bad: float, split: str) -> None:  # type: ignore[no-untyped-def]
    traces = {name: make_trace(name) for name in ("forget", "retain", "fluent")}
    log_probs = traces[split].gold_log_probs.copy()
    log_probs[-1] = bad
    broken = dataclasses.replace(traces[split], gold_log_probs=log_probs)
    assert collapsed({**traces, split: broken})


def test_a_wrong_answer_may_be_impossible_but_not_without_a_number(make_trace) -> None:  # type: ignore[no-untyped-def]
    forget, retain = make_trace(), make_trace("retain")
    for bad, expected in ((np.inf, False), (np.nan, True)):
        losses = forget.candidate_losses.copy()
        losses[3] = bad
        broken = dataclasses.replace(forget, candidate_losses=losses)
        assert collapsed({"forget": broken, "retain": retain}) is expected


def test_without_retain_only_the_numbers_are_judged(make_trace) -> None:  # type: ignore[no-untyped-def]
    assert not collapsed({"forget": silent(make_trace())})
