"""Knowledge recoverability by hand-made traces; what comes back after rounding and relearning; the lens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from uqs.metrics.base import Evidence, Metric, MetricResult, References
from uqs.metrics.clustered import clustered_mean
from uqs.metrics.logit_lens import LogitLens
from uqs.metrics.quantisation_recovery import QuantisationRecovery
from uqs.metrics.recoverability import ExplicitRecoverability, ImplicitRecoverability
from uqs.metrics.relearning_recovery import RelearningRecovery
from uqs.records import Status
from uqs.traces.trace import Trace

MakeTrace = Callable[..., Trace]
EXPLICIT, IMPLICIT = ExplicitRecoverability(), ImplicitRecoverability()


def says(trace: Trace, right: Sequence[int]) -> Trace:
    """The first samples of a trace, answered right where 1."""
    answers = tuple("red" if one else "blue" for one in right)
    return replace(trace.take(range(len(right))), answers=answers)


def probed(trace: Trace, probe: str, right: Sequence[int | None]) -> Trace:
    """One question a sample; None where the probe cannot ask about it."""
    chosen = [i for i, one in enumerate(right) if one is not None]
    asked = says(trace, [right[i] or 0 for i in chosen])
    return replace(
        asked,
        split=f"probe_{probe}",
        ids=tuple(f"{trace.ids[i]}@{probe}1" for i in chosen),
        entities=tuple(trace.entities[i] for i in chosen),
    )


def model(trace: Trace, direct: Sequence[int], **probes: Sequence[int | None]) -> Evidence:
    """A model's direct answers and its answers to explicit probes."""
    traces = {"forget": says(trace, direct)}
    traces |= {f"probe_{name}": probed(trace, name, right) for name, right in probes.items()}
    return Evidence(traces)


def rows(
    metric: Metric, evidence: Evidence, references: References | None = None
) -> dict[str, MetricResult]:
    return {
        one.measurement.split: one for one in metric.measure(evidence, references or References())
    }


def value(found: dict[str, MetricResult], split: str) -> float | None:
    return found[split].measurement.value


@pytest.fixture
def trace(make_trace: MakeTrace) -> Trace:
    """Eight forget items of four entities."""
    return make_trace(entities=4, each=2)


def test_explicit_recoverability_by_hand(trace: Trace) -> None:
    evidence = model(
        trace,
        [1, 1, 0, 0, 0, 0, 0, 0],
        completion=[1, 0, 1, 0, 0, 0, 1, 0],
        named=[None, 1, None, 1, 0, None, 1, None],
    )
    found = rows(EXPLICIT, evidence)
    assert value(found, "forget") == pytest.approx(3 / 6)  # items 2, 3 and 6 of 2 to 7
    assert value(found, "forget/completion") == pytest.approx(2 / 6)
    assert value(found, "forget/named") == pytest.approx(2 / 3)  # 3 and 6 of 3, 4 and 6
    expected = clustered_mean(np.array([1.0, 1, 0, 0, 1, 0]), trace.entities[2:])
    assert found["forget"].measurement.se == pytest.approx(expected.se)
    assert found["forget"].measurement.n == 6
    assert found["forget"].per_sample is not None
    assert found["forget"].per_sample.ids == trace.ids[2:]
    assert found["forget/above_oracle"].measurement.status is Status.MISSING_ORACLE
    assert "forget/known" not in found


def test_items_that_no_probe_asks_about_are_left_out(trace: Trace) -> None:
    found = rows(EXPLICIT, model(trace, [0] * 8, named=[1, None, 0, None, None, None, None, None]))
    assert (value(found, "forget"), found["forget"].measurement.n) == (0.5, 2)


def test_known_items_are_those_that_the_original_answers(trace: Trace) -> None:
    evidence = model(trace, [1, 0, 0, 0, 0, 0, 0, 0], completion=[0, 1, 0, 0, 1, 1, 1, 1])
    original = Evidence({"forget": says(trace, [1, 1, 1, 0, 0, 0, 0, 0])})
    found = rows(EXPLICIT, evidence, References(original=original))
    assert value(found, "forget") == pytest.approx(5 / 7)
    assert value(found, "forget/known") == pytest.approx(1 / 2)  # items 1 and 2
    itself = rows(
        EXPLICIT,
        replace(evidence, traces={**evidence.traces, **original.traces}),
        References(original=original),
    )
    assert itself["forget/known"].measurement.status is Status.TOO_FEW


def test_above_oracle_by_hand(trace: Trace) -> None:
    evidence = model(
        trace, [1, 0, 0, 0, 0, 0, 0, 0], completion=[1, 1, 1, 0, 1, 0, 0, 0], named=[0] * 8
    )
    oracle = model(
        trace, [0, 1, 0, 0, 0, 0, 0, 0], completion=[1, 0, 1, 1, 0, 0, 0, 0], indirect=[1] * 8
    )
    measured = list(EXPLICIT.measure(evidence, References({7: oracle})))
    (above,) = [one for one in measured if one.measurement.split == "forget/above_oracle"]
    # items 2 to 7, which neither answers; by `completion`, which both were asked: 0, -1, 1, 0, 0, 0
    assert above.oracle_seed == 7
    assert above.measurement.value == pytest.approx(0)
    expected = clustered_mean(np.array([0.0, -1, 1, 0, 0, 0]), trace.entities[2:])
    assert above.measurement.se == pytest.approx(expected.se)
    assert above.measurement.n == 6
    assert all(one.oracle_seed is None for one in measured if one is not above)


def test_every_oracle_has_its_row(trace: Trace) -> None:
    evidence = model(trace, [0] * 8, completion=[1] * 8)
    oracles = {
        1: model(trace, [0] * 8, completion=[1, 1, 1, 1, 0, 0, 0, 0]),
        0: model(trace, [0] * 8, completion=[0] * 8),
        2: Evidence({"forget": evidence.traces["forget"]}),
    }
    found = [
        (one.oracle_seed, one.measurement.value, one.measurement.status)
        for one in EXPLICIT.measure(evidence, References(oracles))
        if one.measurement.split == "forget/above_oracle"
    ]
    assert found == [(0, 1.0, Status.OK), (1, 0.5, Status.OK), (2, None, Status.MISSING_TRACE)]


def test_an_oracle_against_another_is_not_above_it(make_trace: MakeTrace) -> None:
    """Two models that guess alike: 0 on items that neither answers; below 0 on the first one's failures."""
    trace, rng = make_trace(entities=1000, each=4), np.random.default_rng(0)

    def guesses() -> tuple[list[int], list[int]]:
        easy = rng.random(4000) < luck
        direct = easy & (rng.random(4000) < 0.8)
        return direct.astype(int).tolist(), (easy & (rng.random(4000) < 0.8)).astype(int).tolist()

    luck = np.random.default_rng(1).random(4000) / 2
    (mine, my_probe), (theirs, their_probe) = guesses(), guesses()
    evidence = model(trace, mine, completion=my_probe)
    found = rows(EXPLICIT, evidence, References({0: model(trace, theirs, completion=their_probe)}))
    above = found["forget/above_oracle"].measurement
    assert above.value is not None
    assert above.se is not None
    assert abs(above.value) < 3 * above.se
    failed = np.array(mine) == 0
    one_sided = (np.array(my_probe) - np.array(their_probe))[failed]
    assert one_sided.mean() < -5 * above.se


@pytest.mark.parametrize("metric", [EXPLICIT, IMPLICIT])
def test_nothing_suppressed_is_too_few(metric: Metric, trace: Trace) -> None:
    evidence = model(trace, [1] * 8, completion=[1] * 8)
    found = rows(metric, evidence, References({0: evidence}))
    assert {one.measurement.status for one in found.values()} == {Status.TOO_FEW}


@pytest.mark.parametrize("metric", [EXPLICIT, QuantisationRecovery(), RelearningRecovery()])
def test_without_further_traces_there_is_no_value(metric: Metric, trace: Trace) -> None:
    for traces in ({}, {"forget": trace}, {"retain": trace}):
        (found,) = metric.measure(Evidence(traces), References({0: Evidence({"forget": trace})}))
        assert found.measurement.status is Status.MISSING_TRACE


def test_traces_of_other_samples_are_an_error(trace: Trace) -> None:
    evidence = model(trace, [0] * 8, completion=[1] * 8)
    oracle = Evidence({"forget": trace.take(range(7, -1, -1))})
    with pytest.raises(ValueError, match="different samples"):
        list(EXPLICIT.measure(evidence, References({0: oracle})))


def losses(trace: Trace, gold: Iterable[float], wrong: Sequence[Sequence[float]]) -> Trace:
    return replace(
        trace,
        gold_log_probs=-np.repeat(list(gold), trace.lengths()).astype(np.float32),
        candidates=tuple(tuple(f"w{k}" for k in range(len(some))) for some in wrong),
        candidate_losses=np.array([v for some in wrong for v in some], dtype=np.float32),
    )


def judged(trace: Trace, pairs: Sequence[tuple[str, str]]) -> Trace:
    """Answers to the two questions of `negation` about each sample."""
    double = trace.take(np.repeat(range(len(pairs)), 2))
    return replace(
        double,
        split="probe_negation",
        ids=tuple(f"{id_}@negation{1 + i % 2}" for i, id_ in enumerate(double.ids)),
        golds=("yes", "no") * len(pairs),
        answers=tuple(word for pair in pairs for word in pair),
    )


def test_implicit_recoverability_by_hand(trace: Trace) -> None:
    forget = losses(
        says(trace, [1, 0, 0, 0, 0]),
        [1, 1, 2, 3, 4],
        [(5, 5, 5, 5), (2, 3, 4, 5), (1, 3, 4, 5), (1, 2, 4, 5), (1, 2, 3, 5)],
    )
    said = [("no", "no"), ("yes", "yes"), ("no", "yes"), ("no", "no"), ("Yes.", "No.")]
    found = rows(IMPLICIT, Evidence({"forget": forget, "probe_negation": judged(forget, said)}))
    assert value(found, "forget/discrimination") == pytest.approx(1 / 4)  # item 1
    assert value(found, "forget/likelihood_rank") == pytest.approx(2 / 4)  # items 1 and 2
    assert value(found, "forget/negation") == pytest.approx(1 / 4)  # item 4
    assert value(found, "forget") == pytest.approx(3 / 4)  # all but item 3: its median is 3 too
    assert value(found, "forget/reciprocal_rank") == pytest.approx(
        np.mean([1, 1 / 2, 1 / 3, 1 / 4])
    )


def test_implicit_above_oracle_by_hand(trace: Trace) -> None:
    wrong = [(2, 3, 4, 5)] * 8
    evidence = Evidence({"forget": losses(says(trace, [0] * 8), [1] * 8, wrong)})
    oracle = Evidence(
        {"forget": losses(says(trace, [1, 0, 0, 0, 0, 0, 0, 0]), [1] * 3 + [6] * 5, wrong)}
    )
    found = rows(IMPLICIT, evidence, References({3: oracle}))
    assert value(found, "forget") == 1
    assert value(found, "forget/above_oracle") == pytest.approx(5 / 7)


# Rounding the weights


def rounded(trace: Trace, direct: Sequence[int], **schemes: Sequence[int]) -> Evidence:
    interventions = {name: {"forget": says(trace, right)} for name, right in schemes.items()}
    return Evidence({"forget": says(trace, direct)}, interventions=interventions)


def test_quantisation_recovery_by_hand(trace: Trace) -> None:
    evidence = rounded(
        trace,
        [1, 1, 0, 0, 0, 0, 0, 0],
        int8=[1, 1, 1, 0, 0, 0, 0, 0],
        int4=[0, 0, 1, 1, 1, 0, 0, 0],
    )
    oracle = rounded(trace, [0, 0, 0, 1, 0, 0, 0, 0], int4=[1, 1, 1, 1, 0, 1, 0, 0])
    found = rows(QuantisationRecovery(), evidence, References({0: oracle}))
    assert set(found) == {"forget", "forget/int8", "forget/int4", "forget/above_oracle"}
    assert value(found, "forget") == value(found, "forget/int4") == pytest.approx(3 / 6)
    assert value(found, "forget/int8") == pytest.approx(1 / 6)
    # items 2, 4, 5, 6, 7: 0, 1, -1, 0, 0
    assert value(found, "forget/above_oracle") == pytest.approx(0)
    assert found["forget/above_oracle"].measurement.n == 5


def test_without_four_bits_the_other_form_is_given_all_the_same(trace: Trace) -> None:
    found = rows(QuantisationRecovery(), rounded(trace, [0] * 8, int8=[1] * 8))
    assert found["forget"].measurement.status is Status.MISSING_TRACE
    assert value(found, "forget/int8") == 1
    full = rounded(trace, [0] * 8, int4=[1] * 8)
    against = rows(QuantisationRecovery(), full, References({0: rounded(trace, [0] * 8)}))
    assert against["forget/above_oracle"].measurement.status is Status.MISSING_TRACE


# Relearning


def relearnt(trace: Trace, direct: Sequence[int], **steps: Sequence[int]) -> Evidence:
    """`steps` are right answers to the last four items after so many steps."""
    half = trace.take(range(4, 8))
    interventions = {
        f"relearn_{k[1:]}": {"forget": says(half, right)} for k, right in steps.items()
    }
    return Evidence({"forget": says(trace, direct)}, interventions=interventions)


def test_relearning_recovery_by_hand(trace: Trace) -> None:
    evidence = relearnt(
        trace, [1, 1, 1, 1, 1, 0, 0, 0], s0=[1, 0, 0, 0], s5=[0, 0, 0, 0], s20=[1, 1, 1, 0]
    )
    oracle = relearnt(trace, [0] * 8, s5=[1, 0, 0, 0], s20=[1, 0, 1, 0])
    found = rows(RelearningRecovery(), evidence, References({4: oracle}))
    assert set(found) == {"forget", "forget/step5", "forget/step20", "forget/above_oracle"}
    assert value(found, "forget") == value(found, "forget/step20") == pytest.approx(2 / 4)
    assert value(found, "forget/step5") == pytest.approx(-1 / 4)
    # gains 0, 1, 1, 0 less 1, 0, 1, 0
    assert value(found, "forget/above_oracle") == pytest.approx(0)
    expected = clustered_mean(np.array([0.0, 1, 1, 0]) - [1, 0, 1, 0], trace.entities[4:])
    assert found["forget/above_oracle"].measurement.se == pytest.approx(expected.se)
    assert found["forget/above_oracle"].oracle_seed == 4


def test_an_oracle_that_was_not_relearnt_as_long_has_no_value(trace: Trace) -> None:
    evidence = relearnt(trace, [0] * 8, s20=[1] * 4)
    found = rows(
        RelearningRecovery(), evidence, References({0: relearnt(trace, [0] * 8, s5=[1] * 4)})
    )
    assert found["forget/above_oracle"].measurement.status is Status.MISSING_TRACE


# The logit lens


def lens(trace: Trace, direct: Sequence[int], **ranks: Sequence[int]) -> Evidence:
    kept = {-int(layer[1:]): np.array(some) for layer, some in ranks.items()}
    shown = says(trace, direct)
    likely = {layer: np.zeros(len(some), dtype=np.float32) for layer, some in kept.items()}
    return Evidence({"forget": replace(shown, lens_ranks=kept, lens_log_probs=likely)})


def test_a_lens_that_gives_no_numbers_is_collapsed(trace: Trace) -> None:
    """A rank of 0 is then no rank: nothing is likelier than what has no probability."""
    evidence = lens(trace, [0] * 4, l1=[0] * 4, l2=[0] * 4, l3=[1] * 4)
    forget = evidence.traces["forget"]
    unknown = {**forget.lens_log_probs, -2: np.full(4, np.nan, dtype=np.float32)}
    broken = Evidence({"forget": replace(forget, lens_log_probs=unknown)})
    for one, other in ((broken, evidence), (evidence, broken)):
        found = rows(LogitLens(), one, References({0: other}))
        status = {split: row.measurement.status for split, row in found.items()}
        assert status["forget/above_oracle"] is Status.COLLAPSED
        assert status["forget/layer-3"] is status["forget/layer-3_above_oracle"] is Status.OK
        assert (status["forget"] is Status.COLLAPSED) == (one is broken)


def test_logit_lens_by_hand(trace: Trace) -> None:
    evidence = lens(trace, [1, 0, 0, 0], l1=[0, 9, 9, 9], l3=[0, 0, 1, 3], l6=[4, 4, 4, 4])
    oracle = lens(trace, [0, 1, 0, 0], l1=[9, 9, 9, 9], l3=[0, 0, 3, 1], l6=[1, 1, 1, 0])
    found = rows(LogitLens(), evidence, References({0: oracle}))
    assert value(found, "forget") == value(found, "forget/layer-3")  # the deepest but the last
    assert value(found, "forget/layer-3") == pytest.approx((1 + 1 / 2 + 1 / 4) / 3)
    assert value(found, "forget/layer-1") == pytest.approx(1 / 10)
    assert value(found, "forget/layer-6") == pytest.approx(1 / 5)
    # items 2 and 3, which neither answers
    assert value(found, "forget/above_oracle") == pytest.approx((1 / 2 - 1 / 4 + 1 / 4 - 1 / 2) / 2)
    assert value(found, "forget/layer-6_above_oracle") == pytest.approx(
        (1 / 5 - 1 / 2 + 1 / 5 - 1) / 2
    )
    assert found["forget/layer-1_above_oracle"].oracle_seed == 0


def test_a_lens_on_the_last_layer_alone_has_no_value(trace: Trace) -> None:
    (found,) = LogitLens().measure(lens(trace, [0] * 4, l1=[0] * 4), References())
    assert found.measurement.status is Status.MISSING_TRACE
    answered = lens(trace, [1] * 4, l1=[0] * 4, l2=[0] * 4)
    found_rows = rows(LogitLens(), answered, References({0: answered}))
    assert {one.measurement.status for one in found_rows.values()} == {Status.TOO_FEW}


# What a good value does not show


def test_a_good_value_does_not_show_that_the_knowledge_is_gone(trace: Trace) -> None:
    """KR is the oracle's, and yet the right answer is the likeliest of all candidates."""
    lost = model(trace, [0] * 8, completion=[0] * 8)
    hidden = losses(lost.traces["forget"], [1] * 8, [(2, 3, 4, 5)] * 8)
    knows = Evidence({**lost.traces, "forget": hidden})
    assert value(rows(EXPLICIT, knows, References({0: lost})), "forget/above_oracle") == 0
    assert value(rows(EXPLICIT, knows), "forget") == value(rows(EXPLICIT, lost), "forget") == 0
    assert value(rows(IMPLICIT, knows), "forget/discrimination") == 1


def test_a_good_value_does_not_show_that_the_answer_cannot_be_had(trace: Trace) -> None:
    """KR_IMP is 0, and yet a completion brings out every answer."""
    knows = model(trace, [0] * 8, completion=[1] * 8)
    unlikely = losses(knows.traces["forget"], [6] * 8, [(2, 3, 4, 5)] * 8)
    knows = Evidence({**knows.traces, "forget": unlikely})
    assert value(rows(IMPLICIT, knows), "forget") == 0
    assert value(rows(EXPLICIT, knows), "forget") == 1


def test_a_good_value_does_not_show_that_anything_was_forgotten(trace: Trace) -> None:
    """RELEARN is 0 for a model that answers everything, as for an oracle that learns nothing."""
    knows = relearnt(trace, [1] * 8, s20=[1] * 4)
    oracle = relearnt(trace, [0] * 8, s20=[0] * 4)
    found = rows(RelearningRecovery(), knows, References({0: oracle}))
    assert value(found, "forget") == value(found, "forget/above_oracle") == 0


def test_a_good_value_does_not_show_what_another_question_brings_out(trace: Trace) -> None:
    """QUANT is 0, and yet a completion brings out every answer."""
    hidden = rounded(trace, [0] * 8, int4=[0] * 8, int8=[0] * 8)
    knows = replace(
        hidden, traces={**hidden.traces, **model(trace, [0] * 8, completion=[1] * 8).traces}
    )
    assert value(rows(QuantisationRecovery(), knows), "forget") == 0
    assert value(rows(EXPLICIT, knows), "forget") == 1


NOT_SHOWN = {
    "KR": test_a_good_value_does_not_show_that_the_knowledge_is_gone,
    "KR_IMP": test_a_good_value_does_not_show_that_the_answer_cannot_be_had,
    "RELEARN": test_a_good_value_does_not_show_that_anything_was_forgotten,
    "QUANT": test_a_good_value_does_not_show_what_another_question_brings_out,
}


def test_a_lens_layer_counts_only_with_rank_and_probability(trace: Trace) -> None:
    whole = says(trace, [0] * 8)
    less = replace(whole, lens_log_probs={-1: whole.lens_log_probs[-1]})
    found = rows(LogitLens(), Evidence({"forget": less}))
    assert {split: row.measurement.status for split, row in found.items()} == {
        "forget": Status.MISSING_TRACE
    }
    found = rows(
        LogitLens(), Evidence({"forget": whole}), References({0: Evidence({"forget": less})})
    )
    assert found["forget/layer-2_above_oracle"].measurement.status is Status.MISSING_TRACE
    assert found["forget/layer-1_above_oracle"].measurement.status is Status.OK
    deep = replace(
        whole,
        lens_ranks={**whole.lens_ranks, -3: whole.lens_ranks[-1]},
        lens_log_probs=whole.lens_log_probs,
    )
    assert "forget/layer-3" not in rows(LogitLens(), Evidence({"forget": deep}))
