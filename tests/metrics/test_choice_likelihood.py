from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from uqs.metrics.accuracy import ForgetAccuracy
from uqs.metrics.base import Evidence, MetricResult, References
from uqs.metrics.choice_likelihood import ChoiceLikelihood
from uqs.records import Status
from uqs.traces.trace import Trace


def asked(trace: Trace, gold: list[float], wrong: list[list[float]]) -> Trace:
    """The first questions as choices of one-token letters, with these losses (nats)."""
    n = len(gold)
    some = trace.take(range(n))
    return replace(
        some,
        tasks=("classification",) * n,
        golds=("B",) * n,
        candidates=(("A", "C"),) * n,
        answers=("no letter here",) * n,
        offsets=np.arange(n + 1),
        candidate_losses=np.array(wrong, np.float32).ravel(),
        gold_log_probs=-np.array(gold, np.float32),
        **{
            name: getattr(some, name)[:n]
            for name in ("gold_ids", "gold_ranks", "means", "variances", "tail_masses")
        },
        top_log_probs=some.top_log_probs[:n],
    )


def headline(trace: Trace) -> MetricResult:
    return next(ChoiceLikelihood().measure(Evidence({"forget": trace}), References()))


def test_the_likeliest_letter_is_the_choice_and_equal_ones_share_it(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = asked(make_trace(), [0.5, 0.5, 0.5, 0.5], [[0.6, 2], [0.4, 2], [0.5, 2], [0.5, 0.5]])
    found = headline(trace)
    assert found.per_sample is not None
    assert found.per_sample.values.tolist() == [1, 0, 1 / 2, 1 / 3]
    assert found.measurement.value == pytest.approx((1 + 0 + 1 / 2 + 1 / 3) / 4)


def test_no_answer_is_read(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = asked(make_trace(), [0.1] * 4, [[1, 2]] * 4)
    read = next(ForgetAccuracy().measure(Evidence({"forget": trace}), References()))
    assert (read.measurement.value, headline(trace).measurement.value) == (0, 1)


@pytest.mark.parametrize(
    ("task", "candidates"),
    [("short", ("A", "C")), ("classification", ()), ("classification", ("red",))],
)
def test_other_questions_and_unknown_letters_are_left_out(make_trace, task, candidates) -> None:  # type: ignore[no-untyped-def]
    trace = asked(make_trace(), [0.1] * 4, [[1, 2]] * 4)
    losses = np.zeros(4 * len(candidates), np.float32)
    other = replace(trace, tasks=(task,) * 4, candidates=(candidates,) * 4, candidate_losses=losses)
    assert headline(other).measurement.status is Status.TOO_FEW


@pytest.mark.parametrize(("gold", "wrong"), [(np.inf, 1.0), (np.nan, 1.0), (0.1, np.nan)])
def test_a_letter_without_probability_is_collapsed(make_trace, gold, wrong) -> None:  # type: ignore[no-untyped-def]
    trace = asked(make_trace(), [0.1, 0.1, 0.1, gold], [[1, 2]] * 3 + [[wrong, 2]])
    assert headline(trace).measurement.status is Status.COLLAPSED


def test_a_good_value_does_not_show_that_the_option_is_known(make_trace) -> None:  # type: ignore[no-untyped-def]
    """B is the likeliest letter of every question, and right by luck."""
    trace = asked(make_trace(), [0.3] * 4, [[1, 2]] * 4)
    assert headline(trace).measurement.value == 1
    moved = replace(trace, golds=("C",) * 4, candidates=(("A", "B"),) * 4)  # the same likelihoods
    moved = replace(
        moved,
        gold_log_probs=np.full(4, -2, np.float32),
        candidate_losses=np.tile(np.float32([1, 0.3]), 4),
    )
    assert headline(moved).measurement.value == 0


NOT_SHOWN = {"CHOICE": test_a_good_value_does_not_show_that_the_option_is_known}
