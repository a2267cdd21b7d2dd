"""Numbers in English words or digits as one form: `twenty-one`, `12 million`, `1,234`, `third`."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SMALL = dict(
    zip(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"],
        range(20),
        strict=True,
    )
)
_TENS = dict(
    zip(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
        range(20, 100, 10),
        strict=True,
    )
)
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_ORDINALS = dict(
    zip(
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"],
        ["1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th", "9th", "10th", "11th", "12th"],
        strict=True,
    )
)
_THOUSANDS = re.compile(
    r"(?<![\d.,])\d{1,3}(?:(?:,\d{3})+|(?:['\u2019\u00a0\u2009\u202f]\d{3})+|(?:\.\d{3}){2,})(?![\d])"
)
_DIGITS = re.compile(r"\d+(?:\.\d+)?")


def without_thousands_marks(text: str) -> str:
    """The text with `1,234,567`, `1'234` or `1.234.567` as plain digits; a single point is a decimal point."""
    return _THOUSANDS.sub(lambda found: re.sub(r"\D", "", found[0]), text)


def is_number(word: str) -> bool:
    """Whether a word of `in_digits` is a number."""
    return _DIGITS.fullmatch(word) is not None


def in_digits(words: Sequence[str]) -> list[tuple[str, int, int]]:
    """Lower-case words with the numbers among them in digits; each with the words it is made of, [start, end).

    `["twenty", "one", "dogs"]` is `21` from words 0 and 1, and `dogs`. One word of a number after another that
    does not continue it begins a new one: `nineteen eighty` is 19 and 80.
    """
    found: list[tuple[str, int, int]] = []
    place = 0
    while place < len(words):
        end, number = _number(words, place)
        if end > place:
            found.append((number, place, end))
            place = end
        else:
            word = words[place]
            found.append((_ORDINALS.get(word, word), place, place + 1))
            place += 1
    return found


def _number(words: Sequence[str], start: int) -> tuple[int, str]:
    """Where the number that begins at `start` ends, and its digits; `start` itself where there is none."""
    if _DIGITS.fullmatch(words[start]):
        value, place = float(words[start]), start + 1
        scale = _SCALES.get(words[place]) if place < len(words) else None
        if scale is None:
            return place, words[start]
        return place + 1, _digits(value * scale)
    total, part, place = 0, -1, start
    while place < len(words):
        word = words[place]
        if word in _SMALL and (
            part < 0 or (part % 100 in _TENS.values() and 0 < _SMALL[word] < 10)
        ):
            part = max(part, 0) + _SMALL[word]
        elif (word in _SMALL or word in _TENS) and part >= 100 and part % 100 == 0:
            part += _SMALL.get(word, _TENS.get(word, 0))
        elif word in _TENS and part < 0:
            part = _TENS[word]
        elif word == "hundred" and 0 < part < 10:
            part *= 100
        elif word in _SCALES and part > 0 and (total == 0 or total % (_SCALES[word] * 1000) == 0):
            total, part = total + part * _SCALES[word], 0
        elif not (word == "and" and part >= 100 and _continues(words, place + 1)):
            break
        place += 1
    return (place, str(total + max(part, 0))) if place > start else (start, "")


def _continues(words: Sequence[str], place: int) -> bool:
    return place < len(words) and (words[place] in _SMALL or words[place] in _TENS)


def _digits(value: float) -> str:
    return str(int(value)) if value.is_integer() else f"{value:g}"
