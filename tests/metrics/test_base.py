"""Which metrics compare models of other tokenizers."""

from __future__ import annotations

import pkgutil
from dataclasses import replace

import numpy as np
import pytest

from uqs import registry
from uqs.metrics.base import Evidence, Metric, References, Shadow
from uqs.records import Status
from uqs.traces.trace import Trace

SPLITS = ("forget", "retain", "holdout")
BY_ITEM = (
    "logit_lens",
    "linear_probe",
    "activation_distance",
    "relative_activation_distance",
    "linear_cka",
    "quantisation_recovery",
    "relearning_recovery",
    "knowledge_recoverability_implicit",
)
BY_TOKEN = (
    "jensen_shannon",
    "kl_to_oracle",
    "kl_from_oracle",
    "functional_distance",
    "membership_reference_auc",
    "likelihood_ratio",
)


def get(name: str) -> Metric:
    metric: Metric = registry.get("metric", name)()
    return metric


def interventions(trace: Trace) -> dict[str, dict[str, Trace]]:
    return {name: {"forget": trace} for name in ("int4", "relearn_0", "relearn_10")}


def models(make_trace, other) -> tuple[Evidence, References]:  # type: ignore[no-untyped-def]
    """A model, and two oracles and four shadow models whose traces are changed by `other`."""
    made = [
        {s: (other if seed else lambda t: t)(make_trace(s, seed)) for s in SPLITS}
        for seed in range(3)
    ]
    for traces in made:
        retain = traces["retain"]
        golds = tuple(("red", "blue", "green")[i % 3] for i in range(len(retain)))
        traces["retain"] = replace(retain, golds=golds)
    first, *others = [
        Evidence(traces, interventions=interventions(traces["forget"])) for traces in made
    ]
    entities = sorted({entity for trace in made[0].values() for entity in trace.entities})
    halves = [frozenset(entities[::2]), frozenset(entities[1::2])] * 2
    shadows = [Shadow(half, True, others[0].traces) for half in halves]
    return first, References(dict(enumerate(others)), shadows=shadows)


def retokenised(trace: Trace) -> Trace:
    return replace(trace, gold_ids=(trace.gold_ids + 1) % trace.vocabulary)


def divided(trace: Trace) -> Trace:
    """The same tokens, otherwise divided among the samples."""
    lengths = trace.lengths()[::-1]
    return replace(trace, offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


def renamed(trace: Trace) -> Trace:
    return replace(trace, ids=tuple(reversed(trace.ids)))


def answered(trace: Trace) -> Trace:
    return replace(trace, golds=("pink", *trace.golds[1:]))


@pytest.mark.parametrize("change", [retokenised, divided])
@pytest.mark.parametrize("name", BY_ITEM)
def test_what_compares_items_asks_for_the_same_items_alone(make_trace, name, change) -> None:  # type: ignore[no-untyped-def]
    rows = list(get(name).measure(*models(make_trace, change)))
    against = [row for row in rows if row.oracle_seed is not None]
    assert {row.measurement.status for row in against} <= {Status.OK, Status.TOO_FEW}
    assert Status.OK in {row.measurement.status for row in against}


@pytest.mark.parametrize("change", [renamed, answered])
@pytest.mark.parametrize("name", [*BY_ITEM, *BY_TOKEN])
def test_other_items_or_answers_are_an_error(make_trace, name, change) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="different samples"):
        list(get(name).measure(*models(make_trace, change)))


@pytest.mark.parametrize(
    ("name", "function", "calls"),
    [
        ("activation_distance", "activation_distance.distances", 3),
        ("relative_activation_distance", "relative_activation_distance.distances", 2 * 3),
        ("linear_cka", "cka.linear_cka", 3),
    ],
)
def test_each_place_is_compared_once_though_the_headline_has_two_rows(  # type: ignore[no-untyped-def]
    make_trace, monkeypatch: pytest.MonkeyPatch, name: str, function: str, calls: int
) -> None:
    model, references = models(make_trace, lambda trace: trace)
    seen, target = [], f"uqs.metrics.{function}"
    plain = pkgutil.resolve_name(target)
    monkeypatch.setattr(target, lambda *given: (seen.append(1), plain(*given))[1])
    rows = list(get(name).measure(model, references))
    assert len(seen) == calls * len(references.oracles)
    for seed in references.oracles:
        found = {r.measurement.split: r.measurement for r in rows if r.oracle_seed == seed}
        assert set(found) == {f"forget{s}" for s in ("", "/layer-1", "/layer-2", "/last_prompt")}
        assert replace(found["forget/layer-2"], split="forget") == found["forget"]
        assert found["forget/layer-1"].value != found["forget"].value


@pytest.mark.parametrize("change", [retokenised, divided])
@pytest.mark.parametrize("name", BY_TOKEN)
def test_what_compares_tokens_asks_for_the_same_tokens(make_trace, name, change) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="different samples or tokens"):
        list(get(name).measure(*models(make_trace, change)))


@pytest.mark.parametrize("name", ["exact_memorisation", "extraction_strength"])
def test_a_token_of_unknown_probability_is_not_the_likeliest(make_trace, name: str) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace()
    trace.gold_log_probs[3], trace.gold_ranks[3] = np.nan, 0
    row = next(get(name).measure(Evidence({"forget": trace}), References())).measurement
    assert (row.value, row.status) == (None, Status.COLLAPSED)
