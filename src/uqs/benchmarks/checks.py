"""What is checked of every benchmark after loading, whoever wrote its loader."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from uqs.benchmarks._names import words
from uqs.records import LETTERS, Benchmark, Picture, Sample
from uqs.text import count

_LONG = 3
"""Words of an answer from which on it is hardly somebody else's by chance."""


def check(data: Benchmark) -> tuple[str, ...]:
    """Notes on the data; ValueError where a picture is both of what is forgotten or held out and of what is
    kept. (That entities are not, `Benchmark` checks.)
    """
    retain = _by_picture(data.learn["retain"].samples)
    trained = {**retain, **_by_picture(data.learn["forget"].samples)}
    holdout = _by_picture(data.evaluate["holdout"].samples)
    for first, others, second in (
        (_by_picture(data.learn["forget"].samples), retain, "retain"),
        (holdout, trained, "trained"),
    ):
        for seen, sample in first.items():
            if seen in others and others[seen].entity != sample.entity:
                part = "forget" if second == "retain" else "holdout"
                raise ValueError(
                    f"{data.name}: entity {sample.entity!r} ({part}) has the same picture as entity "
                    f"{others[seen].entity!r} ({second})"
                )
    return () if data.generalises else _leaked(data)


def _by_picture(samples: Iterable[Sample]) -> dict[str, Sample]:
    """The first sample of each picture, by what is seen in it."""
    found: dict[str, Sample] = {}
    seen: dict[Picture, str] = {}
    for sample in samples:
        if sample.picture is not None:
            picture = sample.picture
            if picture not in seen:
                seen[picture] = picture.content or hashlib.sha256(picture.data).hexdigest()
            found.setdefault(seen[picture], sample)
    return found


def _leaked(data: Benchmark) -> tuple[str, ...]:
    """A note where forget answers stand in what is taught about the entities that are kept."""
    taught = "\n".join(
        f" {' '.join(words(f'{s.question} {_answer(s)}'))} " for s in data.learn["retain"].samples
    )
    answers = {
        tuple(words(_answer(sample))): _answer(sample) for sample in data.evaluate["forget"].samples
    }
    leaked = {told: said for told, said in answers.items() if f" {' '.join(told)} " in taught}
    if not leaked:
        return ()
    long = [said for told, said in leaked.items() if len(told) >= _LONG]
    example = f", as {long[0]!r}" if long else ""
    return (
        f"{len(leaked)} of {count(len(answers), 'different forget answer')} stand in what is taught about "
        f"retained entities too, {len(long)} of them of {_LONG} words or more{example}: a model may know "
        "these without the forget set",
    )


def _answer(sample: Sample) -> str:
    return sample.options[LETTERS.index(sample.answer)] if sample.options else sample.answer
