"""A good value of each membership metric beside what it leaves open."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from uqs import registry
from uqs.metrics.base import Evidence, MetricResult, References, Shadow
from uqs.metrics.catalogue import CARDS
from uqs.metrics.membership import MembershipAdvantage, MembershipSigned
from uqs.metrics.membership.gradient_norm import GradientNormAdvantage
from uqs.metrics.membership.likelihood_ratio import LikelihoodRatioAdvantage
from uqs.metrics.membership.min_k import MinKAUC
from uqs.traces.trace import Trace

Floats = NDArray[np.float64]
Scored = Callable[..., Trace]
SIZE = 200
MEMBERSHIP = [card for card in CARDS.values() if card.group == "membership"]
BY_STATISTIC = {
    kind: [c.symbol for c in MEMBERSHIP if c.name.endswith(kind) and c.symbol not in special]
    for kind, special in (("_auc", ()), ("_advantage", ("MIA",)), ("_tpr", ("LIRA_TPR",)))
}


def measure(symbol: str, model: Evidence, references: References) -> MetricResult:
    rows = registry.get("metric", CARDS[symbol].name)().measure(model, references)
    row: MetricResult = next(rows)
    assert row.measurement.value is not None
    return row


def evidence(scored: Scored, symbol: str, members: Floats, non_members: Floats) -> Evidence:
    """A model whose samples have these scores by the attack of `symbol`."""
    if symbol.startswith("MIA_grad"):
        flat = np.ones(len(members))
        return Evidence(
            {
                "forget": scored("forget", flat, members),
                "holdout": scored("holdout", flat, non_members),
            }
        )
    return Evidence(
        {"forget": scored("forget", members), "holdout": scored("holdout", non_members)}
    )


def references(scored: Scored, shadow_shift: float = -3.0) -> References:
    """An oracle to which all answers are as likely, and shadow models that lose `shadow_shift` nats more on
    the entities that they unlearned.
    """
    flat = np.full(SIZE, 10.0)
    oracle = {s: scored(s, flat) for s in ("forget", "holdout")}
    entities = [f"{s}-e{i}" for s in ("forget", "holdout") for i in range(SIZE // 4)]
    rng, shadows = np.random.default_rng(0), []
    for k in range(4):
        members = frozenset(name for i, name in enumerate(entities) if (i + k) % 2)
        traces = {}
        for s in ("forget", "holdout"):
            seen = np.array([e in members for e in oracle[s].entities])
            traces[s] = scored(s, flat + shadow_shift * seen + rng.normal(size=SIZE) / 10)
        shadows.append(Shadow(members, True, traces))
    return References({0: Evidence(oracle)}, None, shadows)


@pytest.mark.parametrize("symbol", [*BY_STATISTIC["_auc"], "LIRA"])
def test_a_good_value_does_not_show_that_no_member_stands_out(scored: Scored, symbol: str) -> None:
    """A tenth of the members is known beyond doubt, the others look a little less known than non_members."""
    non_members = np.linspace(5, 15, SIZE)
    members = np.concatenate([np.full(20, 1.0), np.linspace(6.1, 15, SIZE - 20)])
    model = evidence(scored, symbol, members, non_members)
    row = measure(symbol, model, references(scored))
    assert row.measurement.value == pytest.approx(0.5, abs=0.02)
    assert row.per_sample is not None
    assert (row.per_sample.values[:20] == 1).all()  # below every non-member
    tpr = {"LIRA": "LIRA_TPR"}.get(symbol, symbol.replace("_AUC", "_TPR"))
    assert measure(tpr, model, references(scored)).measurement.value >= 0.1


@pytest.mark.parametrize("symbol", BY_STATISTIC["_advantage"])
def test_a_good_value_does_not_show_that_no_other_attack_finds_the_members(
    scored: Scored, symbol: str
) -> None:
    """What this attack reads is the same on either side, what another reads is not."""
    same, apart = np.linspace(5, 15, SIZE), (np.full(SIZE, 2.0), np.full(SIZE, 8.0))
    by_gradient = symbol.startswith("MIA_grad")
    model = Evidence(
        {
            s: scored(s, other if by_gradient else same, same if by_gradient else other)
            for s, other in zip(("forget", "holdout"), apart, strict=True)
        }
    )
    same_shadows = references(scored, shadow_shift=0.0)
    # every shadow model treats a forget sample and its counterpart in holdout alike
    shadows = [
        Shadow(s.members, True, {"forget": s.traces["forget"], "holdout": twin(scored, s)})
        for s in same_shadows.shadows
    ]
    found = measure(symbol, model, References(same_shadows.oracles, None, shadows))
    assert found.measurement.value == pytest.approx(0, abs=1e-9)
    other = MembershipAdvantage() if by_gradient else GradientNormAdvantage()
    assert next(other.measure(model, References())).measurement.value == 1


def twin(scored: Scored, shadow: Shadow) -> Trace:
    return scored("holdout", shadow.traces["forget"].gold_losses())


@pytest.mark.parametrize("symbol", BY_STATISTIC["_tpr"])
def test_a_good_value_does_not_show_that_the_members_are_hidden(
    scored: Scored, symbol: str
) -> None:
    """Scores far above every non-member's: forced to forget, and as easy to tell."""
    model = evidence(scored, symbol, np.full(SIZE, 30.0), np.full(SIZE, 5.0))
    assert measure(symbol, model, references(scored)).measurement.value == 0
    advantage = {"MIA_TPR": "MIA"}.get(symbol, symbol.replace("_TPR", "_ADV"))
    assert measure(advantage, model, references(scored)).measurement.value == 1


def test_a_good_value_does_not_show_that_shadow_models_are_like_the_model(scored: Scored) -> None:
    """Shadow models still know what they unlearned; the model was driven the other way."""
    model = evidence(scored, "LIRA_TPR", np.full(SIZE, 16.0), np.full(SIZE, 10.0))
    assert measure("LIRA_TPR", model, references(scored)).measurement.value == 0
    assert measure("MIA", model, References()).measurement.value == 1


def test_a_good_value_does_not_show_that_single_samples_are_safe(simulate) -> None:  # type: ignore[no-untyped-def]
    """Unlearning left some answers surer and others less sure, each by as much."""
    leak = np.tile([3.0, -3.0], 200)
    simulated = simulate(0, leak, 64)
    row = next(MembershipAdvantage().measure(simulated.model, References())).measurement
    assert row.value is not None
    assert row.value < 0.2
    signed = next(MembershipSigned().measure(simulated.model, References())).measurement
    assert signed.value is not None
    assert abs(signed.value) < 0.1
    assert next(LikelihoodRatioAdvantage().measure(*simulated)).measurement.value > 0.7


def test_a_good_value_does_not_show_that_the_forgetting_is_unseen(scored: Scored) -> None:
    model = Evidence(
        {
            "forget": scored("forget", np.full(SIZE, 6.0)),
            "retain": scored("retain", np.full(SIZE, 0.1)),
            "holdout": scored("holdout", np.full(SIZE, 1.0)),
        }
    )
    assert measure("MIA_EFF", model, References()).measurement.value == 1
    assert measure("MIA", model, References()).measurement.value == 1


def test_a_good_value_does_not_show_that_forget_cannot_be_told_from_holdout(scored: Scored) -> None:
    easy = Evidence(
        {
            "forget": scored("forget", np.linspace(1, 9, SIZE)),
            "holdout": scored("holdout", np.linspace(8, 16, SIZE)),
        }
    )
    assert measure("PRIVLEAK", easy, References({0: easy})).measurement.value == 0
    assert next(MinKAUC().measure(easy, References())).measurement.value > 0.95


NOT_SHOWN = {
    **dict.fromkeys(
        [*BY_STATISTIC["_auc"], "LIRA"],
        test_a_good_value_does_not_show_that_no_member_stands_out,
    ),
    **dict.fromkeys(
        BY_STATISTIC["_advantage"],
        test_a_good_value_does_not_show_that_no_other_attack_finds_the_members,
    ),
    **dict.fromkeys(
        BY_STATISTIC["_tpr"], test_a_good_value_does_not_show_that_the_members_are_hidden
    ),
    "LIRA_TPR": test_a_good_value_does_not_show_that_shadow_models_are_like_the_model,
    "MIA": test_a_good_value_does_not_show_that_single_samples_are_safe,
    "MIA_SIGNED": test_a_good_value_does_not_show_that_single_samples_are_safe,
    "MIA_EFF": test_a_good_value_does_not_show_that_the_forgetting_is_unseen,
    "PRIVLEAK": test_a_good_value_does_not_show_that_forget_cannot_be_told_from_holdout,
}


def test_every_statement_is_tested() -> None:
    assert set(NOT_SHOWN) == {card.symbol for card in MEMBERSHIP}
