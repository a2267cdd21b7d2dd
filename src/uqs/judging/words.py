"""The normalised words of a text, with the places where they stand."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from uqs.judging.numbers import in_digits, is_number, without_thousands_marks

# letters with a stroke and ligatures, which Unicode does not decompose
_UNDECOMPOSED = str.maketrans(
    {
        "\u00f8": "o",
        "\u00d8": "O",
        "\u0142": "l",
        "\u0141": "L",
        "\u0111": "d",
        "\u0110": "D",
        "\u0131": "i",
        "\u00e6": "ae",
        "\u00c6": "Ae",
        "\u0153": "oe",
        "\u0152": "Oe",
        "\u00f0": "d",
        "\u00fe": "th",
    }
)
_TITLE = re.compile(r"\b(Dr|Mr|Mrs|Ms|Prof|St|Mt|Jr|Sr|vs)\.")
_APOSTROPHES = re.compile(r"[\u2018\u2019`\u00b4]")
_WORD = re.compile(r"\d+(?:\.\d+)?(?!\w)|(?:[^\W\d_]\.){2,}|[^\W_]+(?:'[^\W_]+)*[+#]*")
_ARTICLES = frozenset({"a", "an", "the"})


class Word(NamedTuple):
    """A normalised word, and where it stands in the plain text: [start, end)."""

    form: str
    start: int
    end: int


class Span(NamedTuple):
    """Words in sequence, by index: [first, last)."""

    first: int
    last: int


def plain_text(text: str) -> str:
    """The text without accents, thousands marks and the points of titles, with straight apostrophes.

    Case and other signs are kept.
    """
    # before NFKD, which makes narrow spaces plain ones
    marked = _TITLE.sub(r"\1", without_thousands_marks(text))
    parts = unicodedata.normalize("NFKD", marked.translate(_UNDECOMPOSED))
    return _APOSTROPHES.sub("'", "".join(c for c in parts if not unicodedata.combining(c)))


def words_of(plain: str) -> list[Word]:
    """The words of a plain text: lower case, numbers in digits, without possessive 's and points (`U.S.`)."""
    found = list(_WORD.finditer(plain))
    return [
        Word(form, found[start].start(), found[end - 1].end())
        for form, start, end in in_digits([_form(match[0]) for match in found])
        if form
    ]


def forms(text: str) -> list[str]:
    """The normalised words of a text, without their places."""
    return [word.form for word in words_of(plain_text(text))]


@cache
def core(text: str) -> tuple[str, ...]:
    """The normalised words of a gold or wrong answer, without an article at its beginning."""
    found = forms(text)
    return tuple(found[1:] if len(found) > 1 and found[0] in _ARTICLES else found)


def places(words: Sequence[Word], wanted: Sequence[str]) -> Iterator[Span]:
    """Where the wanted words stand in sequence."""
    size = len(wanted)
    for i in range(len(words) - size + 1):
        if all(words[i + j].form == wanted[j] for j in range(size)):
            yield Span(i, i + size)


def _form(word: str) -> str:
    if is_number(word):
        return word
    return re.sub(r"'s$", "", word.casefold()).replace("'", "").replace(".", "")
