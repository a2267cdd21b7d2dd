"""Whether an answer states the gold answer among other words: containment at word boundaries, with guards.

A gold answer is stated where its normalised words stand in the answer in sequence, and every place where they
do claims it (`uqs.judging.claims`). An answer that names at least half of the known wrong answers too is a
list and states none; nor does one in which the gold answer is only part of a wrong one. One letter is never
found among other words, and one digit only where the answer has no other number.
"""

from __future__ import annotations

from collections.abc import Sequence

from uqs.judging.claims import claimed
from uqs.judging.numbers import is_number
from uqs.judging.words import Span, Word, core, places, plain_text, words_of

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
    others = [other for text in wrong if (other := core(text)) and other != wanted]
    return not _is_list(words, spans, others)


def _is_list(words: Sequence[Word], spans: Sequence[Span], others: Sequence[Sequence[str]]) -> bool:
    """Whether too many wrong answers are named, or the gold answer stands within one of them."""
    named = 0
    for other in others:
        found = list(places(words, other))
        if any(
            one.first <= span.first and span.last <= one.last for one in found for span in spans
        ):
            return True
        named += any(
            not (span.first <= one.first and one.last <= span.last)
            for one in found
            for span in spans
        )
    return named > 0 and named >= MOST * len(others)
