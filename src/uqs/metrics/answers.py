"""When an answer is right."""

from __future__ import annotations

import re
import unicodedata

_LETTER_FIRST = re.compile(r"\(?([A-Z])(?![\w'])\)?")
_LETTER_STATED = re.compile(r"\banswer\s*(?:is|:)\s*\(?([A-Z])(?![\w'])", re.IGNORECASE)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_WORD = re.compile(r"[^\W_]+")


def chosen_letter(answer: str) -> str | None:
    """The option letter of a multiple-choice answer, or None.

    It stands at the very start (`B`, `(B)`, `B. Paris`, `B) Paris`) or after "answer is" or "answer:";
    a letter anywhere else, or a word that begins with one, is no choice. A leading `A` before a further
    word is read as the article and not as a choice.
    """
    text = answer.strip()
    stated = _LETTER_STATED.search(text)
    if stated:
        return stated.group(1).upper()
    first = _LETTER_FIRST.match(text)
    if first is None or re.match(r"[AI] [^\W\d_]", text):
        return None
    return first.group(1)


def normalise(text: str) -> str:
    """Lower case, without punctuation, articles and superfluous space (the SQuAD convention)."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    spaced = "".join(" " if unicodedata.category(c)[0] in "PS" else c for c in folded)
    return " ".join(_ARTICLES.sub(" ", spaced).split())


def is_right(task: str, answer: str, gold: str) -> bool:
    """Whether `answer` is right: by letter for a choice, else by normalised exact match.

    Never by substring. Raises ValueError where the gold answer is empty, or empty once normalised.
    """
    if task == "classification":
        if not re.fullmatch("[A-Z]", gold):
            raise ValueError(f"gold answer {gold!r} is no option letter")
        return chosen_letter(answer) == gold
    expected = normalise(gold)
    if not expected:
        raise ValueError(f"gold answer {gold!r} is empty")
    return normalise(answer) == expected


def words(text: str) -> list[str]:
    """The words of a text, lower case: runs of letters and digits of any script."""
    return _WORD.findall(text.casefold())


def says_something(answer: str) -> bool:
    """Whether an answer has a letter or digit at all."""
    return _WORD.search(answer) is not None
