"""The named rules by which an answer counts as right; a benchmark declares its release's rule for each task.

`strict`: exact match of normal forms, and the letter of a choice (`uqs.answers`). `contains`: the gold answer
is stated within the answer (`uqs.judging.containment`). `choice`: the letter of a choice or the option's own
text (`uqs.judging.options`). `rouge`: the F-measure of ROUGE-L, a score between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, get_args

from uqs.answers import is_right
from uqs.choice import chosen_letter
from uqs.errors import nearest
from uqs.judging.containment import states
from uqs.judging.options import chosen_option
from uqs.judging.rouge import readable, rouge_l
from uqs.judging.words import forms
from uqs.records import LETTERS, Task

STRICT = "strict"
RIGHT_FROM = 0.9
"""Where a yes or no is needed, an answer scored by degrees is right from here on: our own limit, nearly word
for word, since ROUGE is high for a wrong fact in the right sentence (docs/judges.md)."""
_YES_NO = {"yes", "no"}


class Judged(NamedTuple):
    """An answer with all that a rule may read: `wrong` are known wrong answers (the other letters of a
    choice), `options` the texts of a choice in the order of their letters; both may be empty."""

    task: str
    answer: str
    gold: str
    wrong: Sequence[str] = ()
    options: Sequence[str] = ()


def score(rule: str, one: Judged) -> float:
    """How right an answer is under a rule, 0 to 1; only `rouge` gives values in between.

    Raises ValueError for an unknown rule, a rule for another task, and a gold answer that cannot be one.
    """
    check(rule, one.task)
    return _RULES[rule](one)


def check(rule: str, task: str) -> None:
    """Raise ValueError where there is no such rule, or it is not for this task."""
    if rule not in _RULES:
        raise ValueError(f"unknown judge {rule!r}; {nearest(rule, list(_RULES))}")
    if rule != STRICT and (rule == "choice") != (task == "classification"):
        raise ValueError(f"judge {rule!r} is not for questions of task {task!r}")


def check_all(judges: Mapping[str, str]) -> None:
    """The same for the rules of a benchmark, by task; also for a task that does not exist."""
    for task, rule in judges.items():
        if task not in get_args(Task):
            raise ValueError(f"judge of an unknown task {task!r}; {nearest(task, get_args(Task))}")
        check(rule, task)


def named(judges: Mapping[str, str], tasks: Iterable[str]) -> str:
    """One name for the rules of these tasks, `choice+contains`; a task without a rule is judged strictly."""
    return "+".join(sorted({judges.get(task, STRICT) for task in tasks}))


def chosen(rule: str, one: Judged) -> str | None:
    """The letter that a rule reads from the answer to a choice; None where it reads none."""
    letters = offered(one.gold, one.wrong)
    if rule == "choice":
        return chosen_option(one.answer, letters or _letters(one.options), one.options)
    return chosen_letter(one.answer, letters)


def offered(gold: str, wrong: Sequence[str]) -> frozenset[str] | None:
    """The letters of a question's options, or None if the wrong ones are unknown."""
    known = frozenset((gold, *wrong))
    return known if wrong and known <= set(LETTERS) else None


def _letters(options: Sequence[str]) -> frozenset[str] | None:
    return frozenset(LETTERS[: len(options)]) if options else None


def _strict(one: Judged) -> float:
    return float(is_right(one.task, one.answer, one.gold))


def _contains(one: Judged) -> float:
    if is_right(one.task, one.answer, one.gold):
        return 1.0
    gold = forms(one.gold)
    if len(gold) == 1 and gold[0] in _YES_NO:  # `yes` and `no` are answers as the first word alone
        return float(forms(one.answer)[:1] == gold)
    return float(states(one.answer, one.gold, one.wrong))


def _choice(one: Judged) -> float:
    is_right(one.task, one.answer, one.gold)  # refuses a gold answer that is no letter
    return float(chosen("choice", one) == one.gold)


def _rouge(one: Judged) -> float:
    if not readable(one.gold):
        return _strict(one)
    return rouge_l(one.answer, one.gold).f_measure


_RULES: Mapping[str, Callable[[Judged], float]] = {
    STRICT: _strict,
    "contains": _contains,
    "choice": _choice,
    "rouge": _rouge,
}
RULES = tuple(_RULES)
