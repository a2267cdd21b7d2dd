"""The options of a choice and the letter of the right one, as releases write them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from uqs.benchmarks._place import Place, says_something
from uqs.records import LETTERS

_LETTERED = re.compile(r"\(?([A-Za-z])\)?\s*[.):,]\s*(.*)|\(?([A-Za-z])\)?", re.DOTALL)


def options(given: Mapping[str, Any] | Sequence[Any] | None, place: Place) -> tuple[str, ...]:
    """The texts of options A, B, ...; those after the last that says something are left out, and noted.

    DataError where one in between is empty, or fewer than two are left.
    """
    if given is None:
        raise place.at("A").error("is empty")
    if isinstance(given, Mapping):
        letters = [letter for letter in LETTERS if letter in given]
        last = max(
            (n for n, letter in enumerate(letters) if says_something(given[letter])), default=0
        )
        letters = list(LETTERS[: max(LETTERS.index(letters[last]), 1) + 1]) if letters else ["A"]
        found = tuple(place.at(letter).text(given.get(letter)) for letter in letters)
        left = len(given) - len(found)
    else:
        texts = list(given) or [None]
        while len(texts) > 2 and not says_something(texts[-1]):
            texts.pop()
        found = tuple(place.item(n).text(text) for n, text in enumerate(texts))
        left = len(given) - len(found)
    if left > 0:
        place.note("choice", "with fewer options than the others, the last ones being empty")
    return found


def letter(given: object, options: Sequence[str], place: Place) -> str:
    """The letter of the right option, which may stand before its text ("B. Paris"), or be its text.

    DataError where it is none, or where letter and text contradict each other.
    """
    answer = place.text(given)
    letters = LETTERS[: len(options)]
    known = [_plain(option) for option in options]
    if answer in tuple(letters):
        return answer
    if known.count(_plain(answer)) == 1:
        place.note("right answer", "given as the option's text, read as its letter")
        return letters[known.index(_plain(answer))]
    match = _LETTERED.fullmatch(answer)
    if match is not None:
        found, text = (match[1] or match[3]).upper(), match[2]
        if found in letters and (not text or _plain(text) == known[letters.index(found)]):
            place.note("right answer", "read as its letter, which it begins with")
            return found
    raise place.error(f"{answer!r} is not among the options A to {letters[-1]}")


def _plain(text: str) -> str:
    return text.strip().rstrip(".").casefold()
