"""What holds of every attack."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from uqs import registry
from uqs.metrics.base import Evidence, References
from uqs.metrics.catalogue import CARDS as ALL
from uqs.metrics.membership.attack import AUC, TPR, Advantage, Membership
from uqs.records import Status

CARDS = [card for card in ALL.values() if card.group == "membership"]
ATTACKS = [c.name for c in CARDS if c.name.endswith(("_auc", "_advantage", "_tpr"))]
ON_TRACES = [n for n in ATTACKS if not n.startswith("likelihood")]


def get(name: str) -> Membership:
    metric: Membership = registry.get("metric", name)()
    return metric


def models(make_trace, seed: int = 0, **shape: int) -> tuple[Evidence, References]:  # type: ignore[no-untyped-def]
    pair = [
        Evidence(
            {
                s: make_trace(s, 10 * seed + 2 * k + j, **shape)
                for j, s in enumerate(("forget", "holdout"))
            }
        )
        for k in range(2)
    ]
    return pair[0], References({7: pair[1]})


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.symbol)
def test_each_card_is_registered_and_named_by_its_statistic(card) -> None:  # type: ignore[no-untyped-def]
    metric = get(card.name)
    assert metric.card is card
    assert card.does_not_show.startswith("that ")
    kinds = {"_auc": AUC, "_advantage": Advantage, "_tpr": TPR}
    for ending, kind in kinds.items():
        assert isinstance(metric, kind) == (
            card.name.endswith(ending) or (card.symbol, kind) == ("LIRA", AUC)
        )


@pytest.mark.parametrize("name", ON_TRACES)
def test_the_order_of_samples_changes_nothing(make_trace, name: str) -> None:  # type: ignore[no-untyped-def]
    model, references = models(make_trace)
    order = np.random.default_rng(0).permutation(24)
    turned = [
        Evidence({s: t.take(order) for s, t in one.traces.items()})
        for one in (model, references.oracles[7])
    ]
    first = next(get(name).measure(model, references))
    second = next(get(name).measure(turned[0], References({7: turned[1]})))
    assert second.measurement.value == pytest.approx(first.measurement.value, abs=1e-12)
    assert second.measurement.se == pytest.approx(first.measurement.se, abs=1e-12)


@pytest.mark.parametrize("name", ON_TRACES)
def test_non_members_of_the_same_kind_are_not_told_apart(make_trace, name: str) -> None:  # type: ignore[no-untyped-def]
    """Over many models: AUC .5, no advantage beyond chance, true positives as rare as the rule allows."""
    values, chance = [], []
    for seed in range(60):
        model, references = models(make_trace, seed, entities=12)
        row = next(get(name).measure(model, references)).measurement
        values.append(row.value)
        chance.append(row.se)
    if name.endswith("_auc"):
        assert np.mean(values) == pytest.approx(0.5, abs=0.03)
    elif name.endswith("_tpr"):
        assert np.mean(values) == pytest.approx(1 / 49, abs=0.02)  # below the lowest of 48
    else:  # |x| of a centred x of that error
        assert np.mean(values) < 1.3 * np.mean(chance)


@pytest.mark.parametrize("name", ON_TRACES)
def test_a_missing_split_is_a_status(make_trace, name: str) -> None:  # type: ignore[no-untyped-def]
    model, references = models(make_trace)
    alone = Evidence({"forget": model.traces["forget"]})
    row = next(get(name).measure(alone, references)).measurement
    assert (row.value, row.status) == (None, Status.MISSING_TRACE)


@pytest.mark.parametrize("bad", [-np.inf, np.nan])
@pytest.mark.parametrize("split", ["forget", "holdout"])
@pytest.mark.parametrize("name", ON_TRACES)
def test_an_answer_without_probability_is_collapsed(make_trace, name, split, bad) -> None:  # type: ignore[no-untyped-def]
    """Also in the oracle, where it is asked: it would pass for a sample that was never seen."""
    model, references = models(make_trace)
    for traces in (model.traces, references.oracles[7].traces)[
        : 1 + name.startswith("membership_reference")
    ]:
        before = traces[split].gold_log_probs.copy()
        traces[split].gold_log_probs[-1] = bad
        row = next(get(name).measure(model, references)).measurement
        assert (row.value, row.status) == (None, Status.COLLAPSED)
        traces[split].gold_log_probs[:] = before
    assert next(get(name).measure(model, references)).measurement.status is Status.OK


@pytest.mark.parametrize(
    ("name", "field"),
    [("membership_gradient_norm_auc", "gradient_norms"), ("membership_min_k_plus_auc", "means")],
)
def test_what_else_an_attack_reads_is_a_number_too(make_trace, name: str, field: str) -> None:  # type: ignore[no-untyped-def]
    model, references = models(make_trace)
    getattr(model.traces["holdout"], field)[5] = np.nan
    row = next(get(name).measure(model, references)).measurement
    assert (row.value, row.status) == (None, Status.COLLAPSED)


@pytest.mark.parametrize("name", [n for n in ON_TRACES if n.endswith("_advantage")])
def test_a_single_entity_is_too_few_for_a_cross_fitted_threshold(make_trace, name: str) -> None:  # type: ignore[no-untyped-def]
    model, references = models(make_trace)
    holdout = replace(model.traces["holdout"], entities=("one",) * 24)
    row = next(
        get(name).measure(Evidence({**model.traces, "holdout": holdout}), references)
    ).measurement
    assert (row.value, row.status) == (None, Status.TOO_FEW)
