from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uqs import text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0.000"),
        (0.12345, "0.123"),
        (0.0012345, "0.0012"),
        (-0.5, f"{text.MINUS}0.500"),
        (123.456, "123.5"),
        (6879896.4, "6.9e+06"),
        (0.00001, "1.0e-05"),
    ],
)
def test_numbers(value, shown):
    assert text.number(value) == shown


@given(st.floats(-1e7, 1e7))
def test_a_shown_number_is_the_number_rounded(value):
    shown = float(text.number(value).replace(text.MINUS, "-"))
    assert shown == pytest.approx(value, rel=0.0501)
    if 0.01 <= abs(value) < 100:
        assert shown == pytest.approx(value, abs=0.00051)


def test_signs():
    assert text.signed(0.25, 2) == "+0.25"
    assert text.signed(-0.25, 2) == f"{text.MINUS}0.25"
    assert text.signed(-0.0001, 2) == "0.00"


def test_values_with_errors():
    assert text.with_error(0.5, None) == "0.500"
    assert text.with_error(0.5, 0.1) == "0.500 ± 0.100"
    assert text.with_error(0.5, 0.0004) == "0.500 ± 0.0004"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (("a", "b", "c"), "a, b and c")],
)
def test_lists(words, sentence):
    assert text.listed(words) == sentence


@pytest.mark.parametrize(
    ("words", "most", "sentence"),
    [
        ("ab", 4, "a and b"),
        ("abcd", 4, "a, b, c and d"),
        ("abcde", 4, "a, b, c and 2 more"),
        ("abcdefgh", 6, "a, b, c, d, e and 3 more"),
    ],
)
def test_long_lists_are_cut(words, most, sentence):
    assert text.few(list(words), most) == sentence


def test_verbs():
    assert text.verb(["a"], "is", "are") == "is"
    assert text.verb(["a", "b"], "is", "are") == "are"


def test_counts():
    assert [text.count(n, "row") for n in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (59.6, "1:00"), (62, "1:02"), (3723, "1:02:03")]
)
def test_clock(seconds, shown):
    assert text.clock(seconds) == shown
