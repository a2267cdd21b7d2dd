"""Which values have a status instead, whoever measures."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from uqs.evaluation.rows import ON_RIGHT_ANSWERS, measured
from uqs.metrics.base import Evidence, MetricResult, References
from uqs.metrics.catalogue import CARDS
from uqs.records import Measurement, Role, Status
from uqs.traces.trace import Trace

HOLDOUT_METRICS = (
    "membership_advantage",
    "membership_auc",
    "membership_efficacy",
    "membership_zlib_tpr",
)


@pytest.fixture(autouse=True)
def half(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("uqs.metrics.baseline.LIMIT", 0.5)
    yield


def known(trace: Trace, share: float, answer: str = "other") -> Trace:
    """The trace of a model that knows a share of the answers; what it says else is `answer`."""
    n = len(trace)
    knows = np.random.default_rng(1).permutation(n) < share * n
    golds = tuple(f"answer{i % 12}" for i in range(n))
    losses = np.where(knows, 0.05, 3.0) + np.random.default_rng(2).random(n) / 100
    return dataclasses.replace(
        trace,
        tasks=("short",) * n,
        golds=golds,
        answers=tuple(
            g if k else f"{answer} {i}" for i, (g, k) in enumerate(zip(golds, knows, strict=True))
        ),
        gold_log_probs=-np.repeat(losses, trace.lengths()).astype(np.float32),
    )


@pytest.fixture
def make(make_trace):  # type: ignore[no-untyped-def]
    def evidence(forget: float, retain: float, holdout: float) -> Evidence:
        shares = {"forget": forget, "retain": retain, "holdout": holdout}
        return Evidence(
            {name: known(make_trace(name, entities=10), share) for name, share in shares.items()}
        )

    return evidence


def rows(
    names: tuple[str, ...],
    model: Evidence,
    references: References = References(),  # noqa: B008  frozen
    role: Role = Role.UNLEARNED,
) -> list[tuple[int | None, Measurement]]:
    found = []
    for one in measured(names, model, references, role=role):
        assert isinstance(one, MetricResult), one
        found.append((one.oracle_seed, one.measurement))
    return found


def statuses(found: list[tuple[int | None, Measurement]]) -> dict[str, Status]:
    return {row.split: row.status for _, row in found}


def test_the_metrics_against_holdout_are_those_that_read_it_as_non_members() -> None:
    symbols = {s for s, card in CARDS.items() if card.group == "membership"}
    assert symbols == {s for s in CARDS if s.startswith(("MIA", "LIRA", "PRIVLEAK"))}
    assert len(symbols) > 20
    assert {"FA", "RA"} <= ON_RIGHT_ANSWERS <= set(CARDS)


@pytest.mark.parametrize("role", Role)
def test_one_that_knows_holdout_has_nothing_against_it(make, role: Role) -> None:  # type: ignore[no-untyped-def]
    """As an oracle does that was trained on forget, retain and holdout."""
    found = rows((*HOLDOUT_METRICS, "retain_accuracy"), make(1.0, 1.0, 1.0), role=role)
    assert {row.status for _, row in found[:-1] if row.metric != "RA"} == {Status.KNOWN_HOLDOUT}
    assert all(row.value is None for _, row in found if row.metric.startswith("MIA"))
    assert next(row for _, row in found if row.metric == "RA").value == 1
    honest = rows(HOLDOUT_METRICS, make(0.1, 1.0, 0.1), role=role)
    assert all(row.status is Status.OK and row.value is not None for _, row in honest)
    lost = rows(HOLDOUT_METRICS, make(0.1, 0.1, 0.1), role=role)
    assert all(row.status is Status.OK for _, row in lost)


def test_where_a_benchmark_generalises_holdout_may_be_known(make) -> None:  # type: ignore[no-untyped-def]
    """A classifier answers test pictures like those that it was trained on; that is no fault."""
    model, references = make(1.0, 1.0, 1.0), References({0: make(1.0, 1.0, 1.0)})
    names = (*HOLDOUT_METRICS, "priv_leak")
    found = [
        one.measurement
        for one in measured(names, model, references, generalises=True)
        if isinstance(one, MetricResult)
    ]
    assert {one.status for one in found} == {Status.OK}
    assert {one.status for _, one in rows(names, model, references)} >= {Status.KNOWN_HOLDOUT}


def test_an_oracle_that_knows_holdout_is_none_for_what_is_measured_against_it(make) -> None:  # type: ignore[no-untyped-def]
    model = make(0.2, 1.0, 0.1)
    oracles = {0: make(0.1, 1.0, 0.1), 1: make(1.0, 1.0, 1.0)}
    found = rows(("priv_leak", "jensen_shannon"), model, References(oracles))
    leak = {seed: row.status for seed, row in found if row.metric == "PRIVLEAK"}
    assert leak == {0: Status.OK, 1: Status.KNOWN_HOLDOUT}
    assert all(row.status is Status.OK for _, row in found if row.metric == "JS")
    found = rows(("priv_leak",), model, References({1: oracles[1]}))
    assert [(seed, row.status) for seed, row in found] == [(1, Status.KNOWN_HOLDOUT)]


def test_a_weak_original_leaves_no_number_of_right_answers(make) -> None:  # type: ignore[no-untyped-def]
    """FA .02 says nothing where the original has .03."""
    original, model = make(0.03, 1.0, 0.02), make(0.02, 1.0, 0.02)
    names = ("forget_accuracy", "retain_accuracy", "membership_auc", "empty_answers")
    found = rows(names, model, References(original=original))
    fa = [row for _, row in found if row.metric == "FA"]
    assert statuses([(None, row) for row in fa])["forget"] is Status.WEAK_ORIGINAL
    assert all((row.value is None) == row.split.startswith("forget") for row in fa), (
        "holdout was taught to nobody"
    )
    others = [row for _, row in found if row.metric != "FA"]
    assert all(row.status is Status.OK for row in others)
    for role in (Role.ORIGINAL, Role.ORACLE):
        own = rows(names, original, References(original=original), role)
        assert all(row.value is not None for _, row in own)


def test_a_good_original_takes_no_number_away(make) -> None:  # type: ignore[no-untyped-def]
    found = rows(
        ("forget_accuracy",), make(0.02, 1.0, 0.02), References(original=make(0.6, 1, 0.1))
    )
    assert all(row.status is Status.OK for _, row in found)


def test_a_model_that_repeats_itself_is_collapsed_whatever_else_it_is(make) -> None:  # type: ignore[no-untyped-def]
    model = make(0.0, 1.0, 0.0)
    retain = model.traces["retain"]
    loop = dataclasses.replace(retain, answers=("US US US US",) * len(retain))
    found = rows(
        ("forget_accuracy", "membership_auc", "repetition"),
        Evidence({**model.traces, "retain": loop}),
        References(original=make(1.0, 1.0, 0.1)),
    )
    assert [row.status for _, row in found if row.metric != "REP"] == [Status.COLLAPSED] * 2
    assert next(row for _, row in found if row.metric == "REP").value == pytest.approx(2 / 3)


def test_rows_that_count_right_answers_name_the_judge(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = dataclasses.replace(make_trace(), judges={"short": "contains"})
    weak_trace = dataclasses.replace(trace, answers=("nothing",) * len(trace))
    for model, original in ((trace, None), (trace, weak_trace)):
        references = References(original=Evidence({"forget": original}) if original else None)
        found = {
            one.measurement.metric: one.judge
            for one in measured(
                ("forget_accuracy", "answer_probability"), Evidence({"forget": model}), references
            )
            if isinstance(one, MetricResult) and one.measurement.split == "forget"
        }
        assert found == {"FA": "contains", "PROB": None}
    probed = dataclasses.replace(
        trace, split="probe_completion", ids=tuple(f"{i}@completion1" for i in trace.ids)
    )
    model = Evidence({"forget": trace, "probe_completion": probed})
    judges = {
        one.judge
        for one in measured(("knowledge_recoverability_explicit",), model, References())
        if isinstance(one, MetricResult)
    }
    assert judges == {"contains"}


def test_two_forms_are_compared_only_where_the_original_tells_both(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace("forget")
    forms = ["picture" if shown else "text" for shown in trace.pictured]
    ids = tuple(f"{at // 2}@{form}" for at, form in enumerate(forms))

    def telling(*told: str) -> Evidence:
        answers = tuple(
            gold if form in told else "?" for gold, form in zip(trace.golds, forms, strict=True)
        )
        return Evidence({"forget": dataclasses.replace(trace, ids=ids, answers=answers)})

    model = telling("text")
    for original, status in (
        (telling("picture", "text"), Status.OK),
        (telling("picture"), Status.WEAK_ORIGINAL),
        (telling("text"), Status.WEAK_ORIGINAL),
    ):
        found = rows(("cross_modal_disagreement",), model, References(original=original))
        assert {row.status for _, row in found} == {status}
        values = [row.value for _, row in found]
        assert values == ([1.0, 1.0, 0.0] if status is Status.OK else [None] * 3)
