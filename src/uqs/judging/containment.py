"""Whether an answer states the gold answer among other words: containment at word boundaries, with guards.

A gold answer counts as stated where its words stand in the answer in sequence and every place where they do
claims it. No claim is made in a question or under a condition, after a negation in the same clause, beside an
alternative (`Paris or London`), in a longer name (`New York` for York), or about something that only stands in
relation to it (`near Paris`, `the daughter of Jane Doe`). An answer that names at least half of the known
wrong answers too, or one of them as an alternative, is a list and states none. One letter is never found
within other words, and one digit only where it is the only number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from uqs.judging.numbers import in_digits, is_number, without_thousands_marks

_UNDECOMPOSED = str.maketrans(
    {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i"}
    | {"æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ð": "d", "þ": "th"}
)
_APOSTROPHES = re.compile(r"[\u2018\u2019`\u00b4]")
_WORD = re.compile(r"\d+(?:\.\d+)?(?![^\W\d_])|(?:[^\W\d_]\.){2,}|[^\W_]+(?:'[^\W_]+)*[+#]*")
_SENTENCE_END = re.compile(r"[.!?;\n]")
_CLAUSE_END = re.compile(r"[.!?;:,\n()\u2013\u2014]|\s-\s")
_ARTICLES = frozenset({"a", "an", "the"})

_CLAUSE_WORDS = frozenset({"but", "although", "though", "because", "so", "however", "while"})
_DENIALS = frozenset(
    ["not", "no", "never", "neither", "nor", "without", "cannot", "unable", "unsure", "unlikely", "unclear", "unknown", "doubt", "deny", "denies", "denied", "false", "incorrect", "wrong", "untrue", "whether", "if", "except", "unlike", "isnt", "wasnt", "arent", "werent", "doesnt", "didnt", "dont", "wont", "cant", "couldnt", "wouldnt", "hasnt", "havent", "hadnt", "shouldnt", "aint", "minus"]
)
_AFTERWARDS = frozenset(
    {"wrong", "incorrect", "false", "untrue", "mistaken", "myth", "rumour", "rumor"}
)
_AUXILIARIES = frozenset(
    ["is", "was", "are", "were", "be", "been", "does", "did", "do", "has", "have", "had", "would", "could", "should", "can", "will"]
)
_ALTERNATIVES = frozenset({"or", "either", "versus", "vs"})
_RELATED = re.compile(
    r"(?:near|outside|beyond|besides|beside|beneath|opposite|like|unlike|against|between|before|after|until|since"
    r"|than|former|formerly|previously|almost|nearly|over|under|about half|not only"
    r"|(?:far|away|different|apart|distinct) from|(?:close|similar|next|related|compared|opposed|prior|subsequent) to"
    r"|(?:instead|ahead|short|north|south|east|west|outskirts|suburbs?|son|daughter|child|wife|husband|mother"
    r"|father|sister|brother|sibling|friend|student|fan|colleague|assistant|rival|opposite|lookalike) of"
    r"|(?:named|modelled|modeled) after|inspired by|confused with|mistaken for|rather than|other than"
    r"|more than|less than|at least|at most|up to)(?: the| a| an| of)?"
)
_OTHER_NAME = frozenset(
    ["new", "north", "south", "east", "west", "northern", "southern", "eastern", "western", "papua", "saint", "st", "san", "santa", "los", "las", "fort", "upper", "lower", "great", "little", "vice", "deputy", "co", "ex", "non", "anti", "pre", "post", "half", "semi", "pseudo", "step", "grand", "foster"]
)
_LONGER_NAME = frozenset(
    ["jr", "sr", "junior", "senior", "ii", "iii", "iv", "city", "state", "province", "county", "street", "avenue", "road", "university", "college", "airport", "island", "islands", "river", "hilton"]
)
_CASE_COUNTS = frozenset(
    ["us", "it", "who", "in", "or", "am", "as", "is", "at", "he", "me", "so", "no", "may", "march", "will", "mark", "bill", "drew", "grant", "rich", "art", "sue", "pat", "rob", "chase", "jack", "polish", "reading", "nice", "mobile", "rose", "hope", "faith", "joy", "grace", "frank", "dawn", "august", "china", "turkey"]
)
_QUESTION, _LIST = "?", 0.5


class _Word(NamedTuple):
    """A normalised word and where it stands in the text."""

    form: str
    start: int
    end: int


def states(answer: str, gold: str, wrong: Sequence[str] = ()) -> bool:
    """Whether `answer` states `gold`, and not a list with the known `wrong` answers too; the module's rule."""
    text, wanted = _plain(answer), _core(gold)
    if not wanted or (len(wanted) == 1 and len(wanted[0]) == 1 and not wanted[0].isdigit()):
        return False
    words = _words(text)
    spans = list(_found(words, wanted))
    others = [core for other in wrong if (core := _core(other)) and core != wanted]
    if not spans or not all(_claimed(text, words, span, gold, wanted) for span in spans):
        return False
    if _only_digit(wanted) and sum(is_number(word.form) for word in words) > len(spans):
        return False
    return not _listed(text, words, spans, others)


def forms(text: str) -> list[str]:
    """The normalised words of a text: without case, accents and punctuation, numbers in digits."""
    return [word.form for word in _words(_plain(text))]


def _core(text: str) -> tuple[str, ...]:
    """The normalised words of a gold or wrong answer, without an article at its beginning."""
    return _core_of(text)


@cache
def _core_of(text: str) -> tuple[str, ...]:
    found = forms(text)
    return tuple(found[1:] if len(found) > 1 and found[0] in _ARTICLES else found)


def _plain(text: str) -> str:
    """The text without accents and thousands marks, case kept."""
    marked = without_thousands_marks(text)  # before NFKD, which makes narrow spaces plain ones
    parts = unicodedata.normalize("NFKD", marked.translate(_UNDECOMPOSED))
    return _APOSTROPHES.sub("'", "".join(c for c in parts if not unicodedata.combining(c)))


def _words(text: str) -> list[_Word]:
    found = list(_WORD.finditer(text))
    plain = [_form(match[0]) for match in found]
    return [
        _Word(form, found[start].start(), found[end - 1].end())
        for form, start, end in in_digits(plain)
        if form
    ]


def _form(word: str) -> str:
    return (
        re.sub(r"'s$", "", word.casefold()).replace("'", "").replace(".", "")
        if not is_number(word)
        else word
    )


def _found(words: Sequence[_Word], wanted: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where the words stand in sequence: [first, last)."""
    size = len(wanted)
    for i in range(len(words) - size + 1):
        if all(words[i + j].form == wanted[j] for j in range(size)):
            yield i, i + size


def _claimed(
    text: str, words: Sequence[_Word], span: tuple[int, int], gold: str, wanted: Sequence[str]
) -> bool:
    first, last = span
    start, end = words[first].start, words[last - 1].end
    shown = text[start:end]
    if wanted[0] in _CASE_COUNTS and len(wanted) == 1 and gold.strip() != gold.strip().lower():
        if shown == shown.lower() and text != text.lower():
            return False
    before = [w for w in words[:first] if not _SENTENCE_END.search(text, w.end, start)]
    after = [w for w in words[last:] if not _SENTENCE_END.search(text, end, w.start)]
    ending = _SENTENCE_END.search(text, end)
    if ending is not None and ending[0] == _QUESTION:
        return False
    sentence = {word.form for word in (*before, *after)}
    if sentence & _ALTERNATIVES - set(wanted) or {w.form for w in after} & _AFTERWARDS:
        return False
    clause = _clause([w for w in before if not _CLAUSE_END.search(text, w.end, start)])
    if any(word in _DENIALS for word in clause):
        return False
    return not (
        _denied_after(text, after, end) or _related(clause) or _longer_name(text, words, span)
    )


def _clause(before: Sequence[_Word]) -> list[str]:
    """The words of the clause, up to the gold answer."""
    found: list[str] = []
    for word in before:
        found = [] if word.form in _CLAUSE_WORDS else [*found, word.form]
    return found


def _denied_after(text: str, after: Sequence[_Word], end: int) -> bool:
    """Whether the next words deny it: `is not`, `cannot be`, `isn't`."""
    near = [w.form for w in after if not _CLAUSE_END.search(text, end, w.start)][:2]
    if not near:
        return False
    denials = _DENIALS - {"no", "if", "whether", "without", "except", "unlike", "minus"}
    return near[0] in denials - {"not"} or (
        len(near) == 2 and near[0] in _AUXILIARIES and near[1] in denials
    )


def _related(clause: Sequence[str]) -> bool:
    """Whether the clause says something that only stands in relation to what follows."""
    return re.search(rf"(?:^| )(?:{_RELATED.pattern})$", " ".join(clause)) is not None


def _longer_name(text: str, words: Sequence[_Word], span: tuple[int, int]) -> bool:
    """Whether the words are part of a longer name, number or compound."""
    first, last = span
    if first > 0:
        gap = text[words[first - 1].end : words[first].start]
        if words[first - 1].form in _OTHER_NAME and re.fullmatch(r"[ .-]+", gap):
            return True
        if gap == "-" or (gap in ("\u2013", "/") and is_number(words[first].form)):
            return True
    if last < len(words):
        gap = text[words[last - 1].end : words[last].start]
        following = words[last]
        if (
            following.form in _LONGER_NAME
            and gap in (" ", ", ")
            and text[following.start].isupper()
        ):
            return gap == " "
        if gap == "-" or (gap in ("\u2013", "/") and is_number(words[last - 1].form)):
            return True
    return False


def _only_digit(wanted: Sequence[str]) -> bool:
    return len(wanted) == 1 and len(wanted[0]) == 1 and wanted[0].isdigit()


def _listed(
    text: str,
    words: Sequence[_Word],
    spans: Sequence[tuple[int, int]],
    others: Sequence[tuple[str, ...]],
) -> bool:
    """Whether the answer names at least half of the wrong answers too, or names only a part of one."""
    named = 0
    for other in others:
        places = list(_found(words, other))
        around = [p for p in places if any(p[0] <= a and b <= p[1] for a, b in spans)]
        if around:  # the gold answer is only a part of this wrong one
            return True
        outside = [p for p in places if not any(a <= p[0] and p[1] <= b for a, b in spans)]
        named += bool(outside)
    return named > 0 and named >= _LIST * len(others)
