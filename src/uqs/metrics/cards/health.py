"""Whether a model still works at all."""

from __future__ import annotations

from math import inf

from uqs.records import MetricCard

PPL = MetricCard(
    "perplexity",
    "PPL",
    "lower",
    (1, inf),
    "fluent",
    frozenset({"fluent"}),
    "exp of the mean loss a token; Jelinek et al. 1977 (J. Acoust. Soc. Am. 62)",
    "that questions are still answered: fluent text on other subjects asks for nothing that was taught",
)
REP = MetricCard(
    "repetition",
    "REP",
    "lower",
    (0, 1),
    "retain",
    frozenset(),
    "seq-rep-n of Welleck et al. 2020 (arXiv 1908.04319), with two words",
    "that answers fit their questions: one sentence given to all of them repeats nothing within itself",
)
EMPTY = MetricCard(
    "empty_answers",
    "EMPTY",
    "lower",
    (0, 1),
    "retain",
    frozenset(),
    "share of answers without a letter or digit",
    "that answers make sense: any word at all counts as an answer",
)
UNREAD = MetricCard(
    "unread_choices",
    "UNREAD",
    "lower",
    (0, 1),
    "retain",
    frozenset(),
    "share of multiple-choice answers without a readable letter (uqs.choice)",
    "that choices are made with knowledge: the same letter given to every question is read every time",
)
REFUSE = MetricCard(
    "refusals",
    "REFUSE",
    "target",
    (0, 1),
    "forget",
    frozenset(),
    "the project's own list of phrases (uqs.metrics.refusals)",
    "that no answer is held back: a refusal in other words than the listed ones goes unseen",
)
CARDS = (PPL, REP, EMPTY, UNREAD, REFUSE)
