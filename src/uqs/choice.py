r"""Which option a multiple-choice answer chooses.

The rule, in the order in which it is applied:

1. Decoration is taken away: end marks (`</s>`, `<|im_end|>`), Markdown, quotation marks, LaTeX commands,
   HTML tags, bullets, full-width forms. A single letter that stood alone within decoration (`**B**`, `(b)`,
   `"B"`, `[B]`, `\boxed{B}`) is a letter, never a word.
2. These claim a letter: it is the first thing said (`B`, `B.`, `B) Paris`, `B, because`, `Sure! B`); it is
   named as the answer (`answer is B`, `Answer: B`, `the correct option is B`, `\boxed{B}`,
   `<answer>B</answer>`); it is called right (`B is correct`) or chosen (`I choose B`, `It is B.`, `so B.`).
   If nothing of this kind is there, naming an option (`Option B`, `choice (c)`) claims it.
3. A letter that is denied (`not B`, `B is wrong`) is not claimed. `a`, `A` and `I` before a further word are
   read as article and pronoun, unless a capital `A` is named as the answer (`the answer is A dog`) or a
   reason follows (`A because`). A letter that is part of a word or sign (`B-52`, `C++`, `B's`, `U.S.`) is
   none.
4. Exactly one letter claimed is the choice. Two different ones, or a list of letters (`A or B`,
   `A, B and C`), are no choice.

An option's text without its letter is no choice: traces do not hold the options. The words are English.
Another capital that begins an answer is read even where prose goes on (`C major`); a letter that the question
does not offer is not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_ENDS = re.compile(r"</s>|<\|[^|<>]*\|>|<(?:eos|pad|bos|end_of_turn|s)>|\[/?(?:INST|EOS|END)\]")
_BOXED = re.compile(r"\\(?:boxed|fbox)\b")
_COMMAND = re.compile(r"\\[A-Za-z]+\*?")
_ANSWER_TAG = re.compile(r"<answer>(.*?)</answer>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(
    r"</[A-Za-z]\w*>|<(?:[A-Za-z]\w+|b|i|u|p)\s*/?>(?=.*</)|<[A-Za-z]\w+\s*/?>", re.DOTALL
)
_BULLET = re.compile(r"^[ \t]*(?:[-+>#*\u2022]+[ \t]+)+", re.MULTILINE)
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"
_OPEN, _CLOSE = rf"[*_~{_QUOTES}(\[{{<]", rf"[*_~{_QUOTES})\]}}>]"
_DECORATED = re.compile(
    rf"(?<![^\W_]){_OPEN}(?:\s*{_OPEN})*\s*([A-Za-z])\s*[.:,;]?\s*{_CLOSE}(?:\s*{_CLOSE})*(?![^\W_])"
    r"|(?<![^\W_])[(\[{]([A-Z])[)\]}]"
)
_EMPHASIS = re.compile(
    r"[*~`\"\u201c\u201d\u201e\u00ab\u00bb]|(?<![^\W_])[_'\u2018\u2019]+|[_'\u2018\u2019]+(?![^\W_])"
)

# `(B)` is a letter that stood within decoration; a bare one must not be part of a word, sign or abbreviation
_LETTER = (
    r"(?:\((?P<marked>[A-Za-z])\)|(?P<bare>[A-Za-z])"
    r"(?![\w'\u2019+#/&@%]|[-\u2010-\u2015]\w|\.\w{1,2}\b|,\d))"
)
_NOUN = r"(?:option|choice|letter|answer|alternative)"
_LEAD = re.compile(
    r"\s*(?:(?:assistant|response)\s*:|(?:sure|certainly|of\s+course|okay|ok|yes)\s*[!,.:]"
    r"|(?:probably|definitely|clearly|most\s+likely)\b,?)\s*",
    re.IGNORECASE,
)
_FIRST = re.compile(rf"\s*(?:\((?!\w\)))?\s*{_LETTER}", re.IGNORECASE)
_NAMED = re.compile(
    rf"\b(?:answer|ans|(?:option|choice|letter|pick|selection|solution)(?=\s*(?:is\b|was\b|(?:would|should|must)\s+be\b|[:=])))\b"
    rf"(?:\s+(?:is|was|would\s+be|should\s+be|must\s+be|to\s+\w+(?:\s+\w+){{0,5}}\s+is)\b|\s*(?:[:=]|-+>?|\u2192|\u2013)|(?=\s))+"
    rf"\s*(?:(?:most\s+likely|probably|clearly|therefore|thus|definitely|simply|the|correct|right|{_NOUN})\b\s*:?\s*)*"
    rf"{_LETTER}",
    re.IGNORECASE,
)
_CHOSEN = re.compile(
    rf"\b(?:choose|chose|pick|picked|select|selected|go\s+with|going\s+with|opt\s+for|vote\s+for|(?:i'd|i\s+would)\s+say)\s+"
    rf"(?:(?:the|{_NOUN})\b\s*:?\s*)*{_LETTER}",
    re.IGNORECASE,
)
_CALLED_RIGHT = re.compile(
    rf"(?<![\w.]){_LETTER}\s+(?:is|would\s+be|must\s+be|seems)\s+(?:the\s+)?(?:most\s+likely\s+)?"
    rf"(?:correct|right|best|true)\b",
    re.IGNORECASE,
)
_IT_IS = re.compile(
    rf"^\s*(?:(?:so|i\s+think|i\s+believe|probably|maybe)\b,?\s*)*(?:it\s+(?:is|should\s+be|must\s+be|would\s+be)|it's|its|that's|that\s+is)\s+"
    rf"(?:(?:probably|definitely|clearly|{_NOUN})\b\s*)*{_LETTER}(?=\s*(?:[.!,]|$))",
    re.IGNORECASE,
)
_CONCLUDED = re.compile(
    rf"\b(?:so|thus|therefore|hence),?\s+(?:(?:the|{_NOUN})\b\s*)*{_LETTER}(?=\s*(?:[.!]|$))",
    re.IGNORECASE,
)
_OPTION = re.compile(rf"\b(?:option|choice|letter|alternative)s?\s+{_LETTER}", re.IGNORECASE)
_LINE = re.compile(rf"^\s*{_LETTER}\s*[.):]", re.MULTILINE)
_NEXT = re.compile(rf"\s*(?:,\s*(?:and\b|or\b)?|/|&|\band\b|\bor\b)\s*{_LETTER}", re.IGNORECASE)
_WORD_NEXT = re.compile(r"[ \t]+[^\W\d_]")
_REASON_NEXT = re.compile(r"[ \t]+(?:because|since|as|is|would|must|seems)\b", re.IGNORECASE)
_DENIED_BEFORE = re.compile(
    rf"(?:\bnot|n't|\bneither|\bnor|\bnever|\brather\s+than|\binstead\s+of|\bexcept|\bunlike)\s+"
    rf"(?:(?:the|{_NOUN})\s+)*\(?\s*$",
    re.IGNORECASE,
)
_DENIED_AFTER = re.compile(
    r"\s+(?:(?:is|are|was|would\s+be|must\s+be|can|seems)\s*)?(?:not\b|n't|n\u2019t|wrong|incorrect|false|cannot)"
    r"|\s+(?:isn|can|couldn|wouldn)['\u2019]t\b",
    re.IGNORECASE,
)
_INITIALS = re.compile(r"\s*[A-Z]\.\s*[A-Z]\.")


class _Claim(NamedTuple):
    """Letters claimed together: one, or those of a list."""

    letters: frozenset[str]


def chosen_letter(answer: str, offered: Iterable[str] | None = None) -> str | None:
    """The option letter, upper case, that an answer chooses; None where no choice can be read.

    The rule is this module's. A letter that is not among those `offered`, where they are known, is no choice.
    """
    text = _undecorated(answer)
    claims = [*_first(text), *_stated(text)]
    if not claims:
        claims = list(_found(_OPTION, text, stated=True))
    letters = frozenset().union(*(claim.letters for claim in claims))
    if len(letters) != 1:
        return None
    (letter,) = letters
    return letter if offered is None or letter in set(offered) else None


def _undecorated(answer: str) -> str:
    """The text without decoration; a letter that stood alone within decoration is `(B)`."""
    text = _ENDS.sub(" ", unicodedata.normalize("NFKC", answer))
    text = _ANSWER_TAG.sub(lambda found: f" answer: {_alone(_TAG.sub('', found[1]))} ", text)
    text = _BOXED.sub(" answer: ", text)
    text = _COMMAND.sub("", text).replace("\\", "").replace("$", " ")
    text = _TAG.sub(" ", text)
    text = _BULLET.sub("", text)
    text = _DECORATED.sub(lambda found: f" ({found[1] or found[2]}) ", text)
    return _EMPHASIS.sub("", text).strip().strip("{}").strip()


def _alone(text: str) -> str:
    """A single letter as one within decoration."""
    return f"({text.strip()})" if re.fullmatch(r"\s*[A-Za-z]\s*", text) else text


def _first(text: str) -> Iterator[_Claim]:
    """The letter that is the first thing said; those of all lines where several lines begin with one."""
    lead = _LEAD.match(text)
    found = _FIRST.match(text, lead.end() if lead else 0)
    if found is None or _INITIALS.match(text) or not _is_letter(found, text, stated=False):
        return
    lines = [each for each in _LINE.finditer(text) if _is_letter(each, text, stated=False)]
    if len({_letter(each) for each in lines}) > 1:
        yield _Claim(frozenset(_letter(each) for each in lines))
    elif not _denied(found, text):
        yield _Claim(_listed(found, text))


def _stated(text: str) -> Iterator[_Claim]:
    for pattern in (_NAMED, _CHOSEN, _CALLED_RIGHT, _IT_IS, _CONCLUDED):
        yield from _found(pattern, text, stated=pattern is not _CALLED_RIGHT)


def _found(pattern: re.Pattern[str], text: str, *, stated: bool) -> Iterator[_Claim]:
    for found in pattern.finditer(text):
        if _is_letter(found, text, stated=stated) and not _denied(found, text):
            yield _Claim(_listed(found, text))


def _letter(found: re.Match[str]) -> str:
    return (found["marked"] or found["bare"]).upper()


def _ends(found: re.Match[str]) -> tuple[int, int]:
    """Where the letter begins and ends."""
    return found.span("marked" if found["marked"] else "bare")


def _is_letter(found: re.Match[str], text: str, *, stated: bool) -> bool:
    """Whether a letter is meant and not the article, the pronoun, or a word of one letter."""
    if found["marked"]:
        return True
    letter, after = found["bare"], _ends(found)[1]
    if _WORD_NEXT.match(text, after):
        if letter == "A":
            named = stated and not text[: _ends(found)[0]].rstrip().endswith(":")
            return named or _REASON_NEXT.match(text, after) is not None
        if letter in "aiI":
            return False
        return letter.isupper() or stated
    if letter in "iI" or (letter == "a" and not stated):
        return re.match(r"\s*(?:[.):]|$)", text[after:]) is not None
    return letter.isupper() or stated or re.match(r"\s*(?:[.):!\n]|$)", text[after:]) is not None


def _denied(found: re.Match[str], text: str) -> bool:
    begin, end = _ends(found)
    marked = found["marked"] is not None
    before = text[: begin - marked]
    return (
        _DENIED_BEFORE.search(before) is not None
        or _DENIED_AFTER.match(text, end + marked) is not None
    )


def _listed(found: re.Match[str], text: str) -> frozenset[str]:
    """The letter, with those that follow it as a list."""
    letters = {_letter(found)}
    place = _ends(found)[1] + (found["marked"] is not None)
    while further := _NEXT.match(text, place):
        if not _is_letter(further, text, stated=False) and not (
            further["bare"].isupper() and further["bare"] not in "AI"
        ):
            break
        letters.add(_letter(further))
        place = _ends(further)[1] + (further["marked"] is not None)
    return frozenset(letters)
