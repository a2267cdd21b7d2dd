from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uqs.answers import is_right, normalise, says_something, words


@pytest.mark.parametrize("gold", ["A", "B", "C", "D"])
def test_a_sentence_full_of_letters_is_no_choice(gold: str) -> None:
    assert not is_right("classification", "A bad cab dabbed Dad", gold)


def test_normalised_exact_match() -> None:
    assert is_right("short", "The  Blue-Lagoon!", "blue lagoon")
    assert is_right("cloze", "São Tomé", "são  tomé")
    assert not is_right("short", "Sao Tome", "São Tomé")
    assert not is_right("short", "red and blue", "blue")
    assert not is_right("short", "blue", "red and blue")
    assert not is_right("short", "", "blue")


@pytest.mark.parametrize("gold", ["", "  ", "\n"])
def test_a_blank_gold_answer_is_an_error(gold: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        is_right("short", "anything", gold)


@pytest.mark.parametrize("gold", ["A", "A+", "a-", "∞", "...", "the", "+"])
def test_a_gold_answer_without_words_is_compared_as_written(gold: str) -> None:
    """Blood groups and grades, which are articles and signs to the normal form of words."""
    assert is_right("short", f" {gold.swapcase()}\n", gold)
    others = {"A", "A+", "A-", "B", "∞", "...", "the", "+", "", "anything", "a an the"}
    for other in others - {gold, gold.upper()}:
        assert not is_right("short", other, gold)


def test_signs_after_a_letter_tell_answers_apart() -> None:
    names = ["C", "C++", "C#", "B+", "B"]
    for first in names:
        for second in names:
            assert is_right("short", first, second) == (first == second)
    assert is_right("short", "The C++.", "c++")
    assert is_right("short", "#1 hit", "1 hit")
    assert is_right("short", "red + blue", "red blue")


def test_a_choice_without_letter_is_an_error() -> None:
    with pytest.raises(ValueError, match="not an option letter"):
        is_right("classification", "B", "Paris")


@given(st.text())
def test_normalise_changes_nothing_twice(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


def test_words_are_runs_of_letters_and_digits() -> None:
    assert words("The 2nd Straße, don't!") == ["the", "2nd", "strasse", "don", "t"]
    assert words("東京 is_here") == ["東京", "is", "here"]


@pytest.mark.parametrize("answer", ["", "  \n", "...", "?!", "___", "-", "\u200b"])
def test_an_answer_without_letter_or_digit_says_nothing(answer: str) -> None:
    assert not says_something(answer)
    assert words(answer) == []


@pytest.mark.parametrize("answer", ["a", "(B)", "7", "é", "東"])
def test_one_letter_or_digit_says_something(answer: str) -> None:
    assert says_something(answer)
