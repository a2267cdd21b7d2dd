"""The forms in which one fact is asked: by a picture, by a name in text, or by both.

The id of such a question is the fact's id and `@picture`, `@text` or `@both`; a probe adds its own mark.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, get_args

Form = Literal["picture", "text", "both"]
FORGOTTEN = "&forget_by="
"""Stands between an edition and the form in which its facts are forgotten; they are then asked in all."""
ASKED = "&ask_by="
"""Stands between an edition and the one form in which it asks."""
FORMS: tuple[Form, ...] = get_args(Form)
_FORM = re.compile(rf"@({'|'.join(FORMS)})(?=@|$)")


class Asked(NamedTuple):
    """A fact, and the form in which a question asks for it."""

    fact: str
    form: Form


def asked(sample_id: str) -> Asked | None:
    """What a question asks for, None where its id names no form."""
    found = _FORM.search(sample_id)
    if found is None:
        return None
    form = next(one for one in FORMS if one == found[1])
    return Asked(sample_id[: found.start()] + sample_id[found.end() :], form)


def marked(fact: str, form: Form) -> str:
    """The id of the question that asks for a fact in a form."""
    return f"{fact}@{form}"
