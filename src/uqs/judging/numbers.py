"""Numbers in English words or digits as one form: `twenty-one`, `12 million`, `1,234`, `third`."""

from __future__ import annotations

import re
from collections.abc import Sequence


def _values(words: str, first: int, step: int = 1) -> dict[str, int]:
    """The words with their values, in steps from the first."""
    return {word: first + step * i for i, word in enumerate(words.split())}


_SMALL = _values(
    """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen
    """,
    0,
)
_TENS = _values("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10)
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_SUFFIXES = {1: "st", 2: "nd", 3: "rd"}
_ORDINALS = {
    word: f"{value}{_SUFFIXES.get(value, 'th')}"
    for word, value in _values(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth", 1
    ).items()
}
_THOUSANDS = re.compile(
    r"(?<![\d.,])\d{1,3}(?:(?:,\d{3})+|(?:['\u2019\u00a0\u2009\u202f]\d{3})+|(?:\.\d{3}){2,})(?![\d])"
)
_DIGITS = re.compile(r"\d+(?:\.\d+)?")


def without_thousands_marks(text: str) -> str:
    """The text with `1,234,567`, `1'234` or `1.234.567` as plain digits. A single point is decimal."""
    return _THOUSANDS.sub(lambda found: re.sub(r"\D", "", found[0]), text)


def is_number(word: str) -> bool:
    """Whether a word of `in_digits` is a number."""
    return _DIGITS.fullmatch(word) is not None


def in_digits(words: Sequence[str]) -> list[tuple[str, int, int]]:
    """Lower-case words with the numbers among them in digits, each with its words: [start, end).

    `["twenty", "one", "dogs"]` is `21` of the words 0 to 2, and `dogs`. A word that does not continue a
    number begins a new one: `nineteen eighty` is 19 and 80.
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
    if is_number(words[start]):
        scale = _SCALES.get(words[start + 1]) if start + 1 < len(words) else None
        if scale is None:
            return start + 1, words[start]
        return start + 2, f"{float(words[start]) * scale:.15g}"
    total, part, last, place = 0, 0, 10**12, start
    while place < len(words):
        word = words[place]
        if word in _TENS and part % 100 == 0:
            part += _TENS[word]
        elif word in _SMALL and (part % 100 == 0 or (part % 100 >= 20 and part % 10 == 0)):
            if part % 100 and not 0 < _SMALL[word] < 10:
                break
            part += _SMALL[word]
        elif word == "hundred" and 0 < part < 10:
            part *= 100
        elif word in _SCALES and part > 0 and _SCALES[word] < last:
            last = _SCALES[word]
            total, part = total + part * last, 0
        elif not (
            word == "and" and total + part >= 100 and part % 100 == 0 and _more(words, place)
        ):
            break
        place += 1
    return place, str(total + part)


def _more(words: Sequence[str], place: int) -> bool:
    """Whether the word after the `and` at `place` continues a number."""
    return place + 1 < len(words) and (words[place + 1] in _SMALL or words[place + 1] in _TENS)
