"""A benchmark whose facts are taught, forgotten and asked by picture, by name, and by both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

from uqs.answers import normalise
from uqs.benchmarks.entity_names import names_in
from uqs.forms import ASKED, FORGOTTEN, FORMS, Form, asked, marked
from uqs.records import LETTERS, Benchmark, Sample, Split
from uqs.text import count

_POINTING = re.compile(
    r"\b(?:this|the) (?:person|individual|man|woman)\b"
    r"(?: (?:shown|seen|depicted|pictured))?(?: in (?:this|the) (?:picture|image|photo|photograph)\b)?",
    re.IGNORECASE,
)
_SOMEBODY = "this person"


def naming(question: str, name: str) -> str:
    """A question about the person in a picture as one about the person of that name."""
    if _POINTING.search(question):
        return _POINTING.sub(lambda _: name, question)
    return f"This is about {name}. {question}"


def hiding(question: str, name: str) -> str:
    """A question without the name."""
    return question.replace(name, _SOMEBODY)


def in_forms(data: Benchmark, forget_by: Form) -> Benchmark:
    """Every picture question of `data` in three forms: the picture alone (the name hidden), the name alone
    (no picture), and both.

    All are taught and asked. A method sees the facts that it is to forget in the form `forget_by`, and those
    that it is to keep in all forms. Left out, and noted: questions in text alone, which ask for some of the
    facts again; questions whose answer is the name; splits about entities that no model learns, other than
    holdout. Raises ValueError for an entity whose questions in text do not tell its name.
    """
    own = {name: data.evaluate[name] for name in ("forget", "retain", "holdout")}
    everybody = list(chain(*(s.samples for s in (*data.learn.values(), *own.values()))))
    names = names_in(everybody, everybody)
    learn = {name: _all_forms(split, names) for name, split in data.learn.items()}
    evaluate = {
        name: _all_forms(split, names)
        for name, split in data.evaluate.items()
        if name in own or name.startswith("forget_")
    }
    untold = sum(s.picture is None for s in own["forget"].samples)
    return replace(
        data,
        learn=learn,
        unlearn={**learn, "forget": in_form(learn["forget"], forget_by)},
        evaluate=evaluate,
        data_hash=f"{data.data_hash}{FORGOTTEN}{forget_by}",
        notes=(
            *data.notes,
            f"{count(len(evaluate['forget']), 'forget question')}: each fact in {len(FORMS)} forms; "
            f"{untold} in text alone left out, which ask for some of the facts again",
        ),
    )


def asked_in(data: Benchmark, form: Form) -> Benchmark:
    """The part of what `in_forms` made that is asked in one form; what is taught stays."""
    evaluate = {name: in_form(split, form) for name, split in data.evaluate.items()}
    return replace(
        data,
        evaluate={name: split for name, split in evaluate.items() if split.samples},
        data_hash=f"{data.data_hash}{ASKED}{form}",
    )


def in_form(split: Split, form: Form) -> Split:
    """The questions of a split that are asked in one form."""
    kept = tuple(s for s in split.samples if (a := asked(s.id)) is not None and a.form == form)
    return Split(split.name, kept)


def by_picture_alone(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """The questions that only the picture says whom they are about, or that have no forms."""
    return tuple(s for s in samples if (a := asked(s.id)) is None or a.form == "picture")


def _all_forms(split: Split, names: Mapping[str, str]) -> Split:
    shown = [sample for sample in split.samples if sample.picture is not None]
    return Split(split.name, tuple(chain(*(_forms(one, names) for one in shown))))


def _forms(sample: Sample, names: Mapping[str, str]) -> Iterator[Sample]:
    name = names.get(sample.entity)
    if name is None:
        raise ValueError(
            f"entity {sample.entity!r}: its questions in text alone do not tell its name, so that its facts "
            "cannot be asked by name"
        )
    if overlap(name, _answer(sample)):
        return
    hidden, named = hiding(sample.question, name), sample.question
    if name not in named:
        named = naming(named, name)
    other_view = sample.id.rpartition("@")[2].startswith("view")
    for form in FORMS:
        if form == "text" and other_view:
            continue  # the same question for every view
        yield replace(
            sample,
            id=marked(sample.id, form),
            question=hidden if form == "picture" else named,
            picture=None if form == "text" else sample.picture,
        )


def _answer(sample: Sample) -> str:
    return sample.options[LETTERS.index(sample.answer)] if sample.options else sample.answer


def overlap(name: str, answer: str) -> bool:
    """Whether one of two texts holds the words of the other, so that the name would give the answer away."""
    one, other = f" {normalise(name)} ", f" {normalise(answer)} "
    return one in other or other in one
