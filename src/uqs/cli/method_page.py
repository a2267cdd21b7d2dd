"""The page of all methods: `python -m uqs.cli.method_page > docs/methods.md`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from uqs.cli.listing import entries
from uqs.methods.cards import GROUPS
from uqs.methods.cards.card import MethodCard
from uqs.methods.cards.hyperparameters import hyperparameters

_BEGIN = """# Methods

Every method turns the original, a model that learnt forget and retain set, into an unlearned one, in the one
loop of [`trainer.py`](../src/uqs/methods/trainer.py). This page is made from the cards in
`src/uqs/methods/cards/`; one's own methods: [adding_a_method.md](adding_a_method.md).

CE is the mean cross-entropy of the answer tokens (nats), never of prompt or picture tokens; forget and retain
are batches of questions. *Fidelity*: `paper` where loss and hyperparameters are those of the source's text,
`official code` where they are those of its authors' code, `adapted` where something differs, which is then
said. *Passes*: what a step costs, counted in batches; `training` is forward and back, `forward` forward
alone. *Protects*: the method's own loss holds on to the retain set.

Rates and strengths are found by `uqs tune`, with the same number of trials for every method; the rates below
are where nothing was tuned.
"""
_SPECIAL = re.compile(r"([\\*_\[\]|~])")


def page() -> str:
    """The page as Markdown."""
    return "\n".join([_BEGIN, *_overview(), *_parts()])


def _overview() -> Iterator[str]:
    head = ("method", "loss", "fidelity", "passes", "needs", "protects retain")
    rows = [
        (
            f"[`{card.name}`](#{card.name})",
            escaped(card.loss),
            card.fidelity,
            card.passes.in_words(),
            card.needs_in_words(),
            "yes" if card.protects else "no",
        )
        for group in GROUPS
        for card in group.CARDS
    ]
    yield _table(head, rows)


def _parts() -> Iterator[str]:
    summaries = {entry.name: entry.summary for entry in entries("method")}
    for group in GROUPS:
        yield f"## {escaped((group.__doc__ or '').rstrip('.'))}\n"
        for card in group.CARDS:
            yield from _section(card, summaries.get(card.name, ""))


def _section(card: MethodCard, summary: str) -> Iterator[str]:
    yield f'<a id="{card.name}"></a>\n\n### {escaped(card.title)}: `{card.name}`\n'
    if summary:
        yield f"{escaped(summary)}\n"
    facts = [
        f"loss: {escaped(card.loss)}",
        f"source: {escaped(card.source)}",
        f"fidelity: {card.fidelity}" + (f"; {escaped(card.differs)}" if card.differs else ""),
        f"needs: {card.needs_in_words()}",
        f"passes per step: {card.passes.in_words()}",
        *([f"before the first step: {escaped(card.setup)}"] if card.setup else []),
        f"tuned by: `{tuned.field}`, {tuned.low:g} to {tuned.high:g}"
        if (tuned := card.tuned_hyperparameter)
        else "tuned by: nothing, it has one strength",
    ]
    yield "\n".join(f"- {fact}" for fact in facts) + "\n"
    rows = [
        (
            f"`{one.name}`",
            escaped(f"`{one.default}`"),
            escaped(one.bounds),
            escaped(one.description),
        )
        for one in hyperparameters(card.settings)
    ]
    if rows:
        yield _table(("hyperparameter", "default", "allowed", "meaning"), rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def escaped(text: str) -> str:
    """Text as Markdown shows it, in a table too; what stands between backticks is code."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    for i, part in enumerate(parts):
        if i % 2:
            parts[i] = part.replace("|", r"\|")
        else:
            plain = part.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            parts[i] = _SPECIAL.sub(r"\\\1", plain)
    return "".join(parts)


if __name__ == "__main__":
    print(page(), end="")
