"""When an answer is right."""

from __future__ import annotations

import re
import unicodedata

from uqs.choice import chosen_letter

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_SIGNS = re.compile(r"(?<=[^\W_])[+#]+(?![^\W_])")
_WORD = re.compile(r"[^\W_]+")


def normalise(text: str) -> str:
    """Lower case, without punctuation, articles and superfluous space (the SQuAD convention)."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    spaced = "".join(" " if unicodedata.category(c)[0] in "PS" else c for c in folded)
    return " ".join(_ARTICLES.sub(" ", spaced).split())


def plain(text: str) -> str:
    """What is compared of an answer: its normal form, with the `+` and `#` that end a word (`C++`, `C#`).

    Where the normal form is empty (`A`, `A+`, `∞`) it is the text as written, but for case and space.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    normal = normalise(text)
    return " ".join([normal, *_SIGNS.findall(folded)] if normal else folded.split())


def is_right(task: str, answer: str, gold: str) -> bool:
    """Whether `answer` is right: by letter for a choice, else by exact match of plain forms.

    Never by substring. A choice that cannot be read (`uqs.choice`) is wrong; UNREAD counts them.
    Raises ValueError where the gold answer is blank, or of a choice and no letter.
    """
    if task == "classification":
        if not re.fullmatch("[A-Z]", gold):
            raise ValueError(f"gold answer {gold!r} is not an option letter")
        return chosen_letter(answer) == gold
    if not gold.strip():
        raise ValueError(f"gold answer {gold!r} is empty")
    return plain(answer) == plain(gold)


def words(text: str) -> list[str]:
    """The words of a text, lower case: runs of letters and digits of any script."""
    return _WORD.findall(text.casefold())


def says_something(answer: str) -> bool:
    """Whether an answer has a letter or digit at all."""
    return _WORD.search(answer) is not None
