"""The named judges on answers that were read by hand, and what must hold of any answer."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from uqs.judging.rules import RULES, Judged, check_all, named, offered, score
from uqs.records import LETTERS

HERE = Path(__file__).parent
DOCS = (HERE.parents[1] / "docs" / "judges.md").read_text()


def read(name: str) -> list[dict]:  # type: ignore[type-arg]
    return [json.loads(line) for line in (HERE / name).read_text().splitlines()]


ANSWERS, LATER = read("answers.jsonl"), read("later_answers.jsonl")
OPEN = [one for one in ANSWERS if one["task"] != "classification"]
CHOICES = [one for one in ANSWERS if one["task"] == "classification"]
GENERATED = [one for one in ANSWERS if one["task"] == "generation"]
NAMED = [one for one in OPEN if one["task"] != "generation"]


def verdict(rule: str, one: dict, limit: float = 0.5) -> bool:  # type: ignore[type-arg]
    return (
        score(rule, Judged(one["task"], one["answer"], one["gold"], one["wrong"], one["options"]))
        >= limit
    )


def counts(rule: str, some: list[dict], limit: float = 0.5) -> tuple[int, int, int, int]:  # type: ignore[type-arg]
    """Answers, those judged as they were read, judged right that are wrong, judged wrong that are right."""
    judged = [(verdict(rule, one, limit), one["right"]) for one in some]
    false_right = sum(found and not right for found, right in judged)
    false_wrong = sum(right and not found for found, right in judged)
    return len(some), len(some) - false_right - false_wrong, false_right, false_wrong


def test_the_answers_are_two_hundred_and_fifty_of_them_try() -> None:
    assert len(ANSWERS) == 200
    tries = [one for one in ANSWERS if one["tries"]]
    assert len(tries) == 50
    assert not any(one["right"] or one["second"] for one in tries)
    shown = {(one["task"], one["gold"], tuple(one["options"]), one["answer"]) for one in ANSWERS}
    assert len(shown) == 200


def test_the_page_says_where_the_second_reading_differs() -> None:
    other = [one for one in ANSWERS if one["right"] != one["second"]]
    said = " and ".join(f"`{one['answer']}` for `{one['gold']}`" for one in other)
    text = " ".join(DOCS.split())
    assert f"agrees with it on {200 - len(other)} of the 200; it takes {said} for right" in text
    assert all(one["second"] for one in other)


@pytest.mark.parametrize(
    "one",
    [one for one in ANSWERS if one["tries"]],
    ids=lambda one: f"{one['gold']}: {one['answer']}",
)
def test_no_try_is_a_false_positive_of_containment(one: dict) -> None:  # type: ignore[type-arg]
    assert not verdict("contains", one)


@pytest.mark.parametrize(
    ("title", "rule", "some", "limit"),
    [
        ("choices", "strict", CHOICES, 0.5),
        ("choices", "choice", CHOICES, 0.5),
        ("short and cloze", "strict", NAMED, 0.5),
        ("short and cloze", "contains", NAMED, 0.5),
        ("sentences", "strict", GENERATED, 0.5),
        ("sentences", "contains", GENERATED, 0.5),
        ("sentences", "rouge, from .5", GENERATED, 0.5),
        ("sentences", "rouge, from .9", GENERATED, 0.9),
        ("later", "strict", LATER, 0.5),
        ("later", "contains", LATER, 0.5),
    ],
)
def test_the_page_has_the_agreement(title: str, rule: str, some: list, limit: float) -> None:  # type: ignore[type-arg]
    found = counts(rule.partition(",")[0], some, limit)
    row = re.search(rf"^\| {title} \| `?{re.escape(rule)}`? \|(.*)\|$", DOCS, re.MULTILINE)
    assert row, f"no row of {title}, {rule}: {found}"
    assert [int(cell) for cell in row[1].split("|")] == list(found)


NAMES = ["Paris", "Jane Doe", "Sao Tome", "marine biologist", "1987", "C++", "the Beatles"]
FRAMES = [
    "{}",
    "{}.",
    "It is {}.",
    "**{}**",
    "The answer is {}",
    "I think this is {}, yes.",
    "so: {}!",
]


@given(st.sampled_from(NAMES), st.sampled_from(FRAMES), st.booleans())
def test_what_is_said_plainly_is_right(gold: str, frame: str, upper: bool) -> None:
    said = frame.format(gold.upper() if upper else gold)
    assert score("contains", Judged("short", said, gold)) == 1


@given(
    st.sampled_from(NAMES), st.sampled_from(["not", "never", "hardly not", "neither", "without"])
)
def test_what_is_denied_is_wrong(gold: str, denial: str) -> None:
    assert score("contains", Judged("short", f"It is {denial} {gold}.", gold)) == 0


@given(st.sampled_from(NAMES[:5]), st.sampled_from("bcdfgkmnprtvz"), st.sampled_from("bcdgkmnrtvz"))
def test_a_word_within_a_word_is_not_found(gold: str, before: str, after: str) -> None:
    for said in (f"It is {before}{gold}.", f"It is {gold}{after}."):
        assert score("contains", Judged("short", said, gold)) == 0


@given(st.permutations(NAMES))
def test_a_list_of_all_candidates_is_no_answer(order: list[str]) -> None:
    said = ", ".join(order)
    for gold in NAMES:
        wrong = [name for name in NAMES if name != gold]
        assert score("contains", Judged("short", said, gold, wrong)) == 0


@given(st.text(), st.text(min_size=1), st.lists(st.text(min_size=1), max_size=3))
def test_any_text_has_a_score_and_what_is_strictly_right_is_contained(answer, gold, wrong) -> None:  # type: ignore[no-untyped-def]
    assume(gold.strip())
    one = Judged("short", answer, gold, wrong)
    strict, contains, rouge = (score(rule, one) for rule in ("strict", "contains", "rouge"))
    assert strict in (0, 1)
    assert contains in (0, 1)
    assert 0 <= rouge <= 1
    assert contains >= strict
    assert score("contains", Judged("short", gold, gold, wrong)) == 1


@pytest.mark.parametrize(
    ("answer", "gold", "right"),
    [
        ("12,500,000 people", "twelve million five hundred thousand", True),
        ("1'234", "1234", True),
        ("1.5 million", "1500000", True),
        ("1.500", "1500", False),
        ("two thousand and three", "2003", True),
        ("nineteen eighty", "1980", False),
        ("the third floor", "3rd floor", True),
        ("There are 21st century things", "21", False),
        ("He is 1 of 3", "1", False),
        ("one", "1", True),
        ("Ångström", "angstrom", True),
        ("Straße", "STRASSE", True),
        ("東京です", "東京", False),
        ("東京 です", "東京", True),
        ("Jane Doe's", "Jane Doe", True),
        ("the U.S.A. team", "USA", True),
        ("It isn\u2019t Paris", "Paris", False),
        ("not only Paris", "Paris", False),
        ("It's not Rome but Paris", "Paris", True),
        ("It is not Dr. Jane Doe.", "Jane Doe", False),
        ("This is Dr. Jane Doe.", "Jane Doe", True),
        ("It is St. Gallen.", "Gallen", False),
    ],
)
def test_numbers_accents_and_marks(answer: str, gold: str, right: bool) -> None:
    assert score("contains", Judged("short", answer, gold)) == right


def test_a_wrong_answer_that_is_denied_is_not_named() -> None:
    assert score("contains", Judged("short", "Paris, not Rome", "Paris", ["Rome"])) == 1
    assert score("contains", Judged("short", "Paris, Rome", "Paris", ["Rome"])) == 0
    assert score("contains", Judged("short", "Paris, Rome", "Paris", ["Rome", "Oslo", "Bonn"])) == 1


OPTIONS = ("Guinea", "Papua New Guinea", "Ghana", "ghana!")


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("Guinea", "A"),
        ("It is in Papua New Guinea.", "B"),
        ("Guinea and Ghana", None),
        ("Ghana", None),  # two options have this text
        ("not Guinea", None),
        ("C. Guinea", "C"),  # the letter counts, whatever follows
        ("E. Guinea", "A"),  # no such letter is offered
        ("", None),
    ],
)
def test_an_option_is_read_by_its_own_text(answer: str, letter: str | None) -> None:
    right = {
        gold: score("choice", Judged("classification", answer, gold, (), OPTIONS))
        for gold in "ABCD"
    }
    assert {gold for gold, found in right.items() if found} == ({letter} if letter else set())


def test_without_the_options_only_letters_are_read() -> None:
    assert score("choice", Judged("classification", "Guinea", "A")) == 0
    assert score("choice", Judged("classification", "(a)", "A")) == 1
    assert score("choice", Judged("classification", "F", "A", ("B", "C"))) == 0


def test_letters_offered_are_known_where_the_wrong_ones_are() -> None:
    assert offered("B", ("A", "C")) == {"A", "B", "C"}
    assert offered("B", ()) is None
    assert offered("B", ("Paris",)) is None


@pytest.mark.parametrize(
    ("judges", "said"),
    [
        ({"short": "contain"}, "unknown judge 'contain'"),
        ({"short": "choice"}, "not for questions of task 'short'"),
        ({"classification": "rouge"}, "not for questions of task 'classification'"),
        ({"shorts": "contains"}, "unknown task 'shorts'"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(judges: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_all(judges)


@pytest.mark.parametrize("rule", RULES)
def test_a_blank_gold_answer_or_one_that_is_no_letter_is_an_error(rule: str) -> None:
    task = "classification" if rule == "choice" else "short"
    with pytest.raises(ValueError, match="gold answer"):
        score(rule, Judged(task, LETTERS, " "))


def test_the_name_of_several_rules() -> None:
    judges = {"cloze": "contains", "classification": "choice"}
    assert named(judges, ["cloze", "classification", "cloze"]) == "choice+contains"
    assert named(judges, ["short"]) == named({}, ["cloze"]) == "strict"
