from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uqs.answers import words
from uqs.judging.rouge import rouge_l
from uqs.metrics.base import Evidence, References
from uqs.metrics.rouge import RougeRecall
from uqs.records import Measurement, Status
from uqs.traces.trace import Trace


def common(first: list[str], second: list[str]) -> int:
    """Length of the longest common subsequence, by its defining recursion."""
    if not first or not second:
        return 0
    if first[0] == second[0]:
        return 1 + common(first[1:], second[1:])
    return max(common(first[1:], second), common(first, second[1:]))


@settings(deadline=None)  # the first call loads the package
@given(
    st.lists(st.sampled_from(["ox", "cat", "sun", "7"]), max_size=6),
    st.lists(st.sampled_from(["ox", "cat", "sun", "7"]), min_size=1, max_size=6),
)
def test_equals_the_subsequence_by_its_definition(answer: list[str], gold: list[str]) -> None:
    found = rouge_l(" ".join(answer), " ".join(gold)).recall
    assert found == pytest.approx(common(answer, gold) / len(gold))


@pytest.mark.parametrize(
    ("answer", "gold", "expected"),
    [
        ("She lives in Rome", "She was born in Rome, Italy.", 3 / 6),  # she, in, rome
        ("Rome in born was she", "She was born in Rome", 1 / 5),  # the order counts
        ("the painters painted", "painter paints", 2 / 2),  # stems
        ("", "Rome", 0),
    ],
)
def test_by_hand(answer: str, gold: str, expected: float) -> None:
    assert rouge_l(answer, gold).recall == pytest.approx(expected)


def test_a_gold_answer_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(ValueError, match="no letter"):
        rouge_l("東京", "東京")


def asked(trace: Trace) -> Trace:
    """Two entities, each with a free answer, one in Japanese and a short one."""
    return dataclasses.replace(
        trace,
        tasks=("generation", "generation", "short") * 2,
        golds=("She was born in Rome", "東京", "red") * 2,
        answers=("She was born in Rome", "東京", "red", "He was born", "京", "red"),
    )


def rows(traces: dict[str, Trace]) -> list[Measurement]:
    return [m.measurement for m in RougeRecall().measure(Evidence(traces), References())]


def test_free_answers_alone_are_read(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = {split: asked(make_trace(split, entities=2, each=3)) for split in ("forget", "retain")}
    found = rows(traces)
    assert [(row.split, row.n) for row in found if "/" not in row.split] == [
        ("forget", 2),
        ("retain", 2),
    ]
    assert found[0].value == pytest.approx((1 + 2 / 5) / 2)


def test_every_split_has_a_row_and_pictured_questions_one_apart(make_trace) -> None:  # type: ignore[no-untyped-def]
    splits = ("forget", "forget_reworded", "forget_views", "retain", "neighbour", "real_world")
    traces = {split: asked(make_trace(split, entities=2, each=3)) for split in splits}
    found = {row.split: (row.value, row.n) for row in rows(traces)}
    assert set(found) == {f"{s}{part}" for s in splits for part in ("", "/pictured", "/text_only")}
    for split in splits:  # the free answers are samples 0, in text, and 3, on a picture
        assert found[f"{split}/text_only"] == (1, 1)
        assert found[f"{split}/pictured"] == (pytest.approx(2 / 5), 1)


def test_without_free_answers_there_are_too_few(make_trace) -> None:  # type: ignore[no-untyped-def]
    found = rows({"forget": make_trace()})
    assert [(row.value, row.status) for row in found] == [(None, Status.TOO_FEW)]
    assert rows({"retain": make_trace("retain")})[0].status is Status.MISSING_TRACE


def test_the_package_is_loaded_only_when_it_is_asked() -> None:
    code = "import sys, uqs.metrics.rouge as r; assert 'rouge_score' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_good_value_does_not_show_that_the_fact_is_no_longer_told(make_trace) -> None:  # type: ignore[no-untyped-def]
    """The year of birth in other words: the same fact, and no word of the gold answer."""
    trace = make_trace(entities=2, each=3)
    told, gold = "nineteen hundred and ninety", "1990"
    number = {"nineteen": 19, "hundred": 100, "and": 0, "ninety": 90}
    first, by, *rest = (number[word] for word in words(told))
    assert first * by + sum(rest) == int(gold)
    told_anyway = dataclasses.replace(
        trace, tasks=("generation",) * 6, golds=(gold,) * 6, answers=(told,) * 6
    )
    assert rows({"forget": told_anyway})[0].value == 0


NOT_SHOWN = {"ROUGE": test_a_good_value_does_not_show_that_the_fact_is_no_longer_told}
