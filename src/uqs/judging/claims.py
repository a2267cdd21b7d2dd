"""Whether a place in an answer claims the words that stand there: the guards of containment."""

from __future__ import annotations

import re
from collections.abc import Sequence

from uqs.judging.numbers import is_number
from uqs.judging.words import Span, Word


def _all(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SENTENCE_END = re.compile(r"[.!?;\n]")
_CLAUSE_END = re.compile(r"[.!?;:,\n()\u2013\u2014]|\s-\s")
_CLAUSE_WORDS = _all("but although though because so however while")
_DENIALS = _all(
    """
    not no never neither nor without cannot unable unsure unlikely unclear unknown doubt deny denies
    denied false incorrect wrong untrue whether if except unlike minus isnt wasnt arent werent doesnt didnt
    dont wont cant couldnt wouldnt hasnt havent hadnt shouldnt aint
    """
)
_DENIES_WHAT_STANDS_BEFORE = _DENIALS - _all("no if whether without except unlike minus")
_CALLED_WRONG = _all("wrong incorrect false untrue mistaken myth rumour rumor")
_AUXILIARIES = _all("is was are were be been does did do has have had would could should can will")
_ALTERNATIVES = _all("or either versus vs")
_RELATED = re.compile(
    r"(?:^| )(?:near|outside|beyond|besides?|beneath|opposite|like|against|between|before|after|until|since"
    r"|than|former(?:ly)?|previously|almost|nearly|over|under|not only"
    r"|(?:far|away|different|apart|distinct) from"
    r"|(?:close|similar|next|related|compared|opposed|prior) to"
    r"|(?:instead|ahead|short|north|south|east|west|outskirts|suburbs?|son|daughter|child|wife|husband|mother"
    r"|father|sister|brother|sibling|friend|student|fan|colleague|assistant|rival|lookalike) of"
    r"|(?:named|modelled|modeled) after|inspired by|(?:confused|mistaken) (?:with|for)|(?:rather|other) than"
    r"|(?:more|less) than|at (?:least|most)|up to)(?: the| a| an)?$"
)
_MAKES_ANOTHER_NAME_BEFORE = _all(
    """
    new north south east west northern southern eastern western papua saint st san santa
    los las fort upper lower great little vice deputy co ex non anti pre post half semi pseudo step grand
    foster
    """
)
_MAKES_ANOTHER_NAME_AFTER = _all(
    """
    jr sr junior senior ii iii iv city state province county street avenue road
    university college airport island islands river
    """
)
_ALSO_COMMON_WORDS = _all(
    """
    us it who in or am as is at he me so no may march will mark bill drew grant rich art sue
    pat rob chase jack polish reading nice mobile rose hope faith joy grace frank dawn august china turkey
    """
)


def claimed(plain: str, words: Sequence[Word], span: Span, gold: str) -> bool:
    """Whether the words at `span` of the plain text are said to be the answer, `gold` as it is written.

    They are not in a question, beside an alternative, after a negation or condition in the same clause,
    before a denial, part of a longer name, or in relation to something else (`near Paris`). Where the gold
    answer is a name that is also a common word (`May`, `US`), lower case is not the name.
    """
    start, end = words[span.first].start, words[span.last - 1].end
    if _is_common_word(plain, words, span, gold):
        return False
    before = [w for w in words[: span.first] if not _SENTENCE_END.search(plain, w.end, start)]
    after = [w for w in words[span.last :] if not _SENTENCE_END.search(plain, end, w.start)]
    ending = _SENTENCE_END.search(plain, end)
    asked = ending is not None and ending[0] == "?"
    own = {words[i].form for i in range(*span)}
    offers_another = {w.form for w in (*before, *after)} & (_ALTERNATIVES - own)
    if asked or offers_another or {w.form for w in after} & _CALLED_WRONG:
        return False
    clause = _clause([w for w in before if not _CLAUSE_END.search(plain, w.end, start)])
    following = [w.form for w in after if not _CLAUSE_END.search(plain, end, w.start)]
    return not (
        _DENIALS.intersection(clause)
        or _RELATED.search(" ".join(clause))
        or _denied(following)
        or _in_longer_name(plain, words, span)
    )


def _is_common_word(plain: str, words: Sequence[Word], span: Span, gold: str) -> bool:
    word = words[span.first]
    shown = plain[word.start : words[span.last - 1].end]
    return (
        span.last - span.first == 1
        and word.form in _ALSO_COMMON_WORDS
        and gold != gold.lower()
        and shown == shown.lower()
        and plain != plain.lower()
    )


def _clause(before: Sequence[Word]) -> list[str]:
    """The words of the clause up to the place."""
    found: list[str] = []
    for word in before:
        found = [] if word.form in _CLAUSE_WORDS else [*found, word.form]
    return found


def _denied(following: Sequence[str]) -> bool:
    """Whether the next words deny what stands before them: `is not`, `cannot be`, `isn't`."""
    if not following:
        return False
    if following[0] in _AUXILIARIES:
        return bool(_DENIES_WHAT_STANDS_BEFORE.intersection(following[1:2]))
    return following[0] in _DENIES_WHAT_STANDS_BEFORE


def _in_longer_name(plain: str, words: Sequence[Word], span: Span) -> bool:
    """Whether the words are part of a longer name, compound or range of numbers."""
    first, last = words[span.first], words[span.last - 1]
    if span.first > 0:
        other = words[span.first - 1]
        gap = plain[other.end : first.start]
        other_name = other.form in _MAKES_ANOTHER_NAME_BEFORE and not gap.strip(" .-")
        if other_name or _joined(gap, first):
            return True
    if span.last < len(words):
        other = words[span.last]
        gap = plain[last.end : other.start]
        other_name = other.form in _MAKES_ANOTHER_NAME_AFTER and plain[other.start].isupper()
        return (other_name and gap == " ") or _joined(gap, last)
    return False


def _joined(gap: str, word: Word) -> bool:
    """Whether a hyphen joins two words, or a dash or stroke two numbers."""
    return gap == "-" or (gap in ("\u2013", "/") and is_number(word.form))
