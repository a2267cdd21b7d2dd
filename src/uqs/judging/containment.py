"""Whether an answer states the gold answer among other words: containment at word boundaries, with guards.

A gold answer is stated where its normalised words stand in the answer in sequence, and every place where they
do claims it (`uqs.judging.claims`). An answer that claims at least half of the known wrong answers too is a
list and states none; nor does one in which the gold answer is only part of a wrong one. One letter is never
found among other words, and one digit only where the answer has no other number.
"""

from __future__ import annotations

from collections.abc import Sequence

from uqs.judging.claims import claimed
from uqs.judging.numbers import is_number
from uqs.judging.words import Span, core, places, plain_text, words_of

MOST = 0.5
"""From this share of the known wrong answers on, an answer that names them is a list."""


def states(answer: str, gold: str, wrong: Sequence[str] = ()) -> bool:
    """Whether `answer` states `gold`, given the known `wrong` answers; the rule is this module's."""
    plain, wanted = plain_text(answer), core(gold)
    if not wanted or (len(wanted) == 1 and len(wanted[0]) == 1 and not is_number(wanted[0])):
        return False
    words = words_of(plain)
    spans = list(places(words, wanted))
    if not spans or not all(claimed(plain, words, span, gold) for span in spans):
        return False
    one_digit = len(wanted) == 1 and len(wanted[0]) == 1
    if one_digit and sum(is_number(word.form) for word in words) > len(spans):
        return False
    known = {other: text for text in wrong if (other := core(text)) and other != wanted}
    found = {other: list(places(words, other)) for other in known}
    within = any(
        one.first <= span.first and span.last <= one.last
        for some in found.values()
        for one in some
        for span in spans
    )
    named = sum(
        any(_apart(one, spans) and claimed(plain, words, one, known[other]) for one in some)
        for other, some in found.items()
    )
    return not within and not (named and named >= MOST * len(known))


def _apart(one: Span, spans: Sequence[Span]) -> bool:
    """Whether a place is not a part of one of the others."""
    return not any(span.first <= one.first and one.last <= span.last for span in spans)
