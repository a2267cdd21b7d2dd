"""Which option an answer chooses: by its letter, else by the option's own text."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from uqs.answers import plain
from uqs.choice import chosen_letter
from uqs.judging.containment import states
from uqs.judging.words import forms
from uqs.records import LETTERS


def chosen_option(
    answer: str, offered: Collection[str] | None = None, options: Sequence[str] = ()
) -> str | None:
    """The letter of the option that an answer chooses; None where no choice can be read.

    A letter is read first (`uqs.choice`); if it is among those `offered`, it is the choice, whatever text
    follows. Without one, the text of exactly one of the `options` (in the order of their letters) chooses it:
    the whole answer, or stated within it (`uqs.judging.containment`). Of options within one another, such as
    `Guinea` and `Papua New Guinea`, the longest counts.
    """
    letter = chosen_letter(answer, offered)
    if letter is not None or not options:
        return letter
    named = [i for i, option in enumerate(options) if plain(option) == plain(answer)]
    if not named:
        named = [i for i, option in enumerate(options) if states(answer, option)]
        named = [i for i in named if not any(_within(options[i], options[j]) for j in named)]
    return LETTERS[named[0]] if len(named) == 1 else None


def _within(shorter: str, longer: str) -> bool:
    """Whether the words of one text are some, not all, of the other's, in sequence."""
    short, long = forms(shorter), forms(longer)
    places = range(len(long) - len(short) + 1)
    return len(short) < len(long) and any(long[i : i + len(short)] == short for i in places)
