from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from uqs.metrics.base import Evidence, References
from uqs.metrics.model_utility import ModelUtility
from uqs.metrics.truth_ratio import log_ratios
from uqs.records import Status
from uqs.traces.trace import Trace


def rows(**traces: Trace):  # type: ignore[no-untyped-def]
    found = ModelUtility().measure(Evidence(traces), References())
    return {one.measurement.split: one.measurement for one in found}


def harmonic(*means: float) -> float:
    return len(means) / sum(1 / mean for mean in means)


def means(trace: Trace) -> tuple[float, float, float]:
    """By hand: gold answers are one word, so recall is whether it is said."""
    losses = np.split(-trace.gold_log_probs.astype(float), trace.offsets[1:-1])
    probability = float(np.mean([np.exp(-one.mean()) for one in losses]))
    recall = float(np.mean(["red" in answer.lower() for answer in trace.answers]))
    truth = float(np.mean(np.maximum(0, 1 - np.exp(log_ratios(trace)))))
    return probability, recall, truth


def test_is_the_harmonic_mean_of_three_means_and_of_six_with_the_real_world(make_trace) -> None:  # type: ignore[no-untyped-def]
    retain, world = make_trace("retain", seed=0), make_trace("real_world", seed=1)
    found = rows(retain=retain, real_world=world)
    assert found["retain"].value == pytest.approx(harmonic(*means(retain)))
    assert found["real_world"].value == pytest.approx(harmonic(*means(world)))
    both = harmonic(*means(retain), *means(world))
    assert found["retain/with_real_world"].value == pytest.approx(both)
    assert found["retain"].n == len(retain)


def test_the_standard_error_is_a_jackknife_over_entities(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace("retain")
    trace.candidate_losses[:] += 4  # every entity tells some right answer from the wrong ones
    names = sorted(set(trace.entities))
    left_out = np.array(
        [
            harmonic(*means(trace.take([i for i, e in enumerate(trace.entities) if e != name])))
            for name in names
        ]
    )
    spread = np.sqrt((len(names) - 1) / len(names) * ((left_out - left_out.mean()) ** 2).sum())
    assert rows(retain=trace)["retain"].se == pytest.approx(spread)


def test_a_mean_that_the_split_lacks_is_left_out(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace("retain")
    bare = replace(trace, candidates=((),) * len(trace), candidate_losses=np.empty(0, np.float32))
    probability, recall, _ = means(trace)
    assert rows(retain=bare)["retain"].value == pytest.approx(harmonic(probability, recall))


def test_one_mean_of_nothing_is_no_utility_and_an_undefined_one_is_collapsed(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace("retain")
    assert rows(retain=replace(trace, answers=("blue",) * len(trace)))["retain"].value == 0
    trace.gold_log_probs[0] = np.nan
    assert rows(retain=trace)["retain"].status is Status.COLLAPSED
    assert rows()["retain"].status is Status.MISSING_TRACE


def test_a_good_value_does_not_show_that_nothing_else_was_harmed(make_trace) -> None:  # type: ignore[no-untyped-def]
    """The neighbours of the forgotten are all lost, and the value stays."""
    retain = make_trace("retain")
    intact, lost = make_trace("neighbour", seed=2), make_trace("neighbour", seed=3)
    lost = replace(lost, answers=("",) * len(lost))
    whole, harmed = rows(retain=retain, neighbour=intact), rows(retain=retain, neighbour=lost)
    assert whole["retain"].value == harmed["retain"].value


NOT_SHOWN = {"MU": test_a_good_value_does_not_show_that_nothing_else_was_harmed}
