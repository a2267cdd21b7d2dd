"""When an answer is right."""

from __future__ import annotations

import re
import unicodedata

_LETTER_FIRST = re.compile(r"\(?([A-Z])(?![\w'])\)?")
_LETTER_STATED = re.compile(r"\b(?i:answer\s*(?:is|:))\s*\(?([A-Za-z])(?![\w'])")
_WORD_NEXT = re.compile(r" +[^\W\d_]")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_SIGNS = re.compile(r"(?<=[^\W_])[+#]+(?![^\W_])")
_WORD = re.compile(r"[^\W_]+")


def chosen_letter(answer: str) -> str | None:
    """The option letter of a multiple-choice answer, or None.

    It stands at the very start (`B`, `(B)`, `B. Paris`, `B) Paris`) or after "answer is" or "answer:";
    a letter anywhere else, or a word that begins with one, is no choice. Before a further word a leading `A`
    or `I`, and a stated `a` or `i`, is read as the article or pronoun and not as a choice.
    """
    text = answer.strip()
    for stated in _LETTER_STATED.finditer(text):
        if not (stated.group(1) in "ai" and _WORD_NEXT.match(text, stated.end())):
            return stated.group(1).upper()
    first = _LETTER_FIRST.match(text)
    if first is None or (first.group() in "AI" and _WORD_NEXT.match(text, first.end())):
        return None
    return first.group(1)


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

    Never by substring. Raises ValueError where the gold answer is blank, or of a choice and no letter.
    """
    if task == "classification":
        if not re.fullmatch("[A-Z]", gold):
            raise ValueError(f"gold answer {gold!r} is no option letter")
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
