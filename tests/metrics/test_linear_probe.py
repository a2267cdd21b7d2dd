"""The linear probe reads what is written, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from uqs.metrics.base import Evidence, Metric, MetricResult, References
from uqs.metrics.linear_probe import LinearProbe
from uqs.metrics.logit_lens import LogitLens
from uqs.records import Status
from uqs.traces.trace import Trace

MakeTrace = Callable[..., Trace]
COLOURS = ("red", "green", "blue", "pink")
WIDTH = 12


def shown(
    trace: Trace,
    golds: Sequence[str],
    states: dict[int, NDArray[np.float64]],
    among: Sequence[Sequence[str]] | None = None,
) -> Trace:
    """A trace with these answers, wrong ones all the others of `among` (by default colours), and these
    states."""
    choices = among or [COLOURS] * len(golds)
    wrong = tuple(
        tuple(word for word in some if word != gold)
        for gold, some in zip(golds, choices, strict=True)
    )
    return replace(
        trace,
        golds=tuple(golds),
        candidates=wrong,
        candidate_losses=np.ones(sum(map(len, wrong)), dtype=np.float32),
        answers=("no idea",) * len(golds),
        prompt_activations={k: v.astype(np.float32) for k, v in states.items()},
        lens_ranks={layer: np.full(len(golds), 9) for layer in states},
        lens_log_probs={layer: np.full(len(golds), -9.0, np.float32) for layer in states},
    )


def written(
    make_trace: MakeTrace, noise: float, layers: Sequence[int] = (-1, -2), seed: int = 0
) -> Evidence:
    """A model that writes colours down in one way for all, in some of the layers -1 and -2."""
    rng, code = np.random.default_rng(seed), np.random.default_rng(7).normal(size=(4, WIDTH))
    traces = {}
    for number, split in enumerate(("forget", "retain")):
        trace = make_trace(split, entities=30 + 10 * number)
        colour = np.random.default_rng(number).integers(0, 4, len(trace))
        states = {}
        for layer in (-1, -2):
            signal = code[colour] if layer in layers else 0
            states[layer] = signal + noise * rng.normal(size=(len(trace), WIDTH))
        traces[split] = shown(trace, [COLOURS[c] for c in colour], states)
    return Evidence(traces)


def rows(
    evidence: Evidence, references: References | None = None, metric: Metric | None = None
) -> dict[str, MetricResult]:
    measured = (metric or LinearProbe()).measure(evidence, references or References())
    return {one.measurement.split: one for one in measured}


def value(found: dict[str, MetricResult], split: str) -> float:
    number = found[split].measurement.value
    assert number is not None
    return number


def test_what_is_written_is_read(make_trace: MakeTrace) -> None:
    found = rows(written(make_trace, noise=0.1))
    assert value(found, "forget/accuracy") == 1
    assert value(found, "forget/control") == pytest.approx(1 / 4, abs=0.15)
    assert value(found, "forget") == pytest.approx(
        value(found, "forget/accuracy") - value(found, "forget/control")
    )
    assert value(found, "forget/layer-1") > 0.6
    assert found["forget"].measurement.n == 120


def test_noise_is_not_read(make_trace: MakeTrace) -> None:
    found = [value(rows(written(make_trace, 1, (), seed)), "forget") for seed in range(8)]
    assert abs(np.mean(found)) < 0.04


@pytest.mark.parametrize("width", [WIDTH, 400])
def test_the_probe_is_the_logistic_regression_of_scikit_learn(
    make_trace: MakeTrace, width: int
) -> None:
    """The same choices as a plain fit on standardised states, also with more numbers than samples."""
    evidence = written(make_trace, noise=2)
    wide = np.random.default_rng(5).normal(size=(WIDTH, width))
    traces = {
        name: replace(t, prompt_activations={-2: t.prompt_activations[-2] @ wide})
        for name, t in evidence.traces.items()
    }
    scaler = StandardScaler().fit(traces["retain"].prompt_activations[-2])
    states = {n: scaler.transform(t.prompt_activations[-2]) for n, t in traces.items()}
    plain = LogisticRegression(C=1, max_iter=1000, tol=1e-8).fit(
        states["retain"], traces["retain"].golds
    )
    right = plain.predict(states["forget"]) == np.array(traces["forget"].golds)
    found = rows(Evidence(traces))["forget/accuracy"]
    assert 0.3 < right.mean() < 0.95
    assert found.per_sample is not None
    assert np.mean(found.per_sample.values == right) > 0.99


def test_only_answers_of_both_splits_are_asked_for(make_trace: MakeTrace) -> None:
    evidence = written(make_trace, noise=0.1)
    forget = evidence.traces["forget"]
    golds = ("mauve", "Pink!", *forget.golds[2:])
    tasks = ("short", "short", "classification", *forget.tasks[3:])
    candidates = (("red",), ("the PINK", "mauve", "Red"), *forget.candidates[2:])
    changed = replace(
        forget,
        golds=golds,
        tasks=tasks,
        candidates=candidates,
        candidate_losses=np.ones(sum(map(len, candidates)), dtype=np.float32),
    )
    found = rows(Evidence({**evidence.traces, "forget": changed}))["forget"]
    assert found.measurement.n == len(forget) - 2
    assert found.per_sample is not None
    assert found.per_sample.ids == (forget.ids[1], *forget.ids[3:])


def test_the_type_of_the_question_is_no_knowledge(make_trace: MakeTrace) -> None:
    """States say only whether a colour or a number is asked for: a choice among colours is a guess."""
    traces = {}
    for split in ("forget", "retain"):
        trace = make_trace(split, entities=100)
        rng = np.random.default_rng(("forget", "retain").index(split))
        kind = np.arange(len(trace)) % 2
        number = rng.integers(0, 4, len(trace))
        names = (COLOURS, ("1", "2", "3", "4"))
        golds = [names[k][c] for k, c in zip(kind, number, strict=True)]
        states = {-2: np.eye(WIDTH)[kind] + 0.01 * rng.normal(size=(len(trace), WIDTH))}
        traces[split] = shown(trace, golds, states, [names[k] for k in kind])
    found = rows(Evidence(traces))
    assert value(found, "forget/accuracy") < 0.35  # telling the kinds apart alone gives a quarter
    assert abs(value(found, "forget")) < 0.1


def test_above_oracle_is_the_difference_item_by_item(make_trace: MakeTrace) -> None:
    knows, oracle = written(make_trace, noise=0.1), written(make_trace, noise=1, layers=())
    found = rows(knows, References({5: oracle}))
    above = found["forget/above_oracle"]
    assert above.oracle_seed == 5
    own, theirs = rows(knows)["forget"], rows(oracle)["forget"]
    assert own.per_sample is not None
    assert theirs.per_sample is not None
    assert above.per_sample is not None
    np.testing.assert_allclose(
        above.per_sample.values, own.per_sample.values - theirs.per_sample.values
    )
    itself = rows(knows, References({0: knows}))
    assert value(itself, "forget/above_oracle") == 0


def test_statuses(make_trace: MakeTrace) -> None:
    evidence = written(make_trace, noise=0.1)
    assert rows(evidence)["forget/above_oracle"].measurement.status is Status.MISSING_ORACLE
    alone = Evidence({"forget": evidence.traces["forget"]})
    assert rows(alone)["forget"].measurement.status is Status.MISSING_TRACE
    against = rows(evidence, References({0: alone}))
    assert against["forget/above_oracle"].measurement.status is Status.MISSING_TRACE
    strange = replace(evidence.traces["retain"], golds=("x",) * 160)
    unshared = Evidence({**evidence.traces, "retain": strange})
    assert rows(unshared)["forget"].measurement.status is Status.TOO_FEW
    last = {
        name: replace(t, prompt_activations={-1: t.prompt_activations[-1]})
        for name, t in evidence.traces.items()
    }
    assert rows(Evidence(last))["forget"].measurement.status is Status.MISSING_TRACE


@pytest.mark.parametrize("field", ["ids", "golds"])
def test_the_oracles_probe_is_trained_on_the_same_samples(
    make_trace: MakeTrace, field: str
) -> None:
    evidence = written(make_trace, noise=0.1)
    retain = evidence.traces["retain"]
    turned = {field: tuple(reversed(getattr(retain, field)))}
    other = Evidence({**evidence.traces, "retain": replace(retain, **turned)})
    with pytest.raises(ValueError, match="'retain' have different samples"):
        rows(evidence, References({0: other}))


def without(evidence: Evidence, split: str, *layers: int) -> Evidence:
    trace = evidence.traces[split]
    kept = {k: v for k, v in trace.prompt_activations.items() if k not in layers}
    return Evidence({**evidence.traces, split: replace(trace, prompt_activations=kept)})


def test_only_layers_of_both_splits_are_read(make_trace: MakeTrace) -> None:
    evidence = written(make_trace, noise=0.1)
    for split in ("forget", "retain"):
        for layers in ((-2,), (-1, -2)):
            less = without(evidence, split, *layers)
            assert [r.measurement.status for r in LinearProbe().measure(less, References())] == [
                Status.MISSING_TRACE
            ]
            above = rows(evidence, References({3: less}))["forget/above_oracle"]
            assert above.measurement.status is Status.MISSING_TRACE
            assert above.oracle_seed == 3
        found = rows(without(evidence, split, -1))
        assert found["forget"].measurement.status is Status.OK
        assert "forget/layer-1" not in found


def test_blood_groups_are_answers_of_their_own(make_trace: MakeTrace) -> None:
    """`A`, `A+` and `A-` are nothing but an article and signs."""
    groups, traces = ("A", "A+", "A-", "0"), {}
    for number, split in enumerate(("forget", "retain")):
        trace = make_trace(split, entities=20)
        which = np.random.default_rng(number).integers(0, 4, len(trace))
        states = {-2: np.eye(4)[which]}
        traces[split] = shown(trace, [groups[w] for w in which], states, [groups] * len(trace))
    found = rows(Evidence(traces))
    assert found["forget"].measurement.n == 80
    assert value(found, "forget/accuracy") == 1


@pytest.mark.parametrize("split", ["forget", "retain"])
def test_states_that_are_no_numbers_are_collapsed(make_trace: MakeTrace, split: str) -> None:
    evidence = written(make_trace, noise=0.1)
    states = {k: v.copy() for k, v in evidence.traces[split].prompt_activations.items()}
    states[-2][3] = np.nan
    trace = replace(evidence.traces[split], prompt_activations=states)
    broken = Evidence({**evidence.traces, split: trace})
    assert [r.measurement.status for r in LinearProbe().measure(broken, References())] == [
        Status.COLLAPSED
    ]
    against = rows(evidence, References({0: broken}))
    assert against["forget/above_oracle"].measurement.status is Status.COLLAPSED
    states[-1][0], states[-2][3] = np.inf, 0
    found = rows(broken)
    assert found["forget/layer-1"].measurement.status is Status.COLLAPSED
    assert found["forget"].measurement.status is Status.OK


def test_a_good_value_does_not_show_a_code_in_another_layer(make_trace: MakeTrace) -> None:
    """LINPROBE is that of noise, and yet the last layer has every answer written down."""
    elsewhere, oracle = written(make_trace, 1, layers=(-1,)), written(make_trace, 1, layers=())
    clear = written(make_trace, 0.1, layers=(-1,))
    for split in ("forget", "retain"):
        states = dict(elsewhere.traces[split].prompt_activations)
        states[-1] = clear.traces[split].prompt_activations[-1]
        elsewhere = Evidence(
            {
                **elsewhere.traces,
                split: replace(elsewhere.traces[split], prompt_activations=states),
            }
        )
    found = rows(elsewhere, References({0: oracle}))
    assert abs(value(found, "forget")) < 0.15
    assert abs(value(found, "forget/above_oracle")) < 0.2
    assert value(found, "forget/layer-1") > 0.5


def test_a_good_value_does_not_show_a_code_that_is_not_linear(make_trace: MakeTrace) -> None:
    """LINPROBE is that of a guess, and yet the sign of a product tells red from green without fail."""
    rng, traces = np.random.default_rng(3), {}
    for split in ("forget", "retain"):
        trace = make_trace(split, entities=150)
        states = rng.choice([-1.0, 1.0], size=(len(trace), 2))
        golds = [COLOURS[int(product > 0)] for product in states.prod(axis=1)]
        traces[split] = shown(trace, golds, {-2: states}, [COLOURS[:2]] * len(golds))
    assert abs(value(rows(Evidence(traces)), "forget")) < 0.15


def test_a_good_lens_does_not_show_a_code_in_other_directions(make_trace: MakeTrace) -> None:
    """LENS is the oracle's, and yet a linear probe reads the attribute off the same states."""
    knows, oracle = written(make_trace, noise=0.1), written(make_trace, noise=1, layers=())
    references = References({0: oracle})
    assert value(rows(knows, references, LogitLens()), "forget/above_oracle") == 0
    assert value(rows(knows, references), "forget/above_oracle") > 0.5


NOT_SHOWN = {
    "LINPROBE": test_a_good_value_does_not_show_a_code_in_another_layer,
    "LENS": test_a_good_lens_does_not_show_a_code_in_other_directions,
}
