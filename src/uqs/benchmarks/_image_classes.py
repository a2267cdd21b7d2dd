"""From labelled training and test pictures to a benchmark: forget a class, or pictures drawn at random."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from uqs.benchmarks import _read
from uqs.benchmarks._notes import Notes
from uqs.errors import UserError
from uqs.records import Benchmark, Picture, Sample
from uqs.registry import nearest
from uqs.text import count

QUESTION = "What is shown?"
RANDOM, CLASS = "random", "class"
_FORGET = re.compile(rf"({RANDOM}|{CLASS}):(.+)")


@dataclass(frozen=True)
class Labelled:
    """A picture with the number of its class; `part` is `train` or `test`, `number` counts from 1 in it."""

    part: str
    number: int
    picture: Picture
    label: int

    @property
    def id(self) -> str:
        return f"{self.part}-{self.number}"


@dataclass(frozen=True)
class Forget:
    """What is forgotten: all training pictures of class `label`, or the `share` of all, drawn at random."""

    label: int | None = None
    share: float | None = None


def read_forget(benchmark: str, asked: str, classes: Sequence[str]) -> Forget:
    """`class:3`, `class:cat` or `random:0.1`; UserError for anything else."""
    found = _FORGET.fullmatch(asked)
    if found and found[1] == CLASS:
        if found[2] in classes:
            return Forget(label=classes.index(found[2]))
        if found[2].isdecimal() and int(found[2]) < len(classes):
            return Forget(label=int(found[2]))
        raise UserError(
            f"{benchmark}: forget={asked}: {found[2]!r} is no class, and no number from 0 to "
            f"{len(classes) - 1}; {nearest(found[2], classes)}"
        )
    share = _share(found[2]) if found else None
    if share is None:
        raise UserError(
            f"{benchmark}: forget={asked}; write class:NAME, class:NUMBER, or random:SHARE with a share "
            "between 0 and 1"
        )
    return Forget(share=share)


def _share(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 < found < 1 else None


def check_options(benchmark: str, options: Mapping[str, Any], classes: Sequence[str]) -> None:
    """UserError for an option that no loader of labelled pictures can take."""
    read_forget(benchmark, options["forget"], classes)
    _read.check_whole(benchmark, "seed", options["seed"], 0)
    for name in ("train_limit", "asked_limit"):
        if options[name] is not None:
            _read.check_whole(benchmark, name, options[name], 1)


def assemble(
    name: str,
    path: Path,
    edition: str,
    *,
    options: Mapping[str, Any],
    files: Iterable[Path],
    notes: Notes,
    classes: Sequence[str],
    train: Sequence[Labelled],
    test: Sequence[Labelled],
) -> Benchmark:
    """The benchmark; each picture is an entity, by its pixels: one that is there twice is taken once.

    `forget` and `retain` divide the training pictures. `holdout` are test pictures, as many as are asked of
    forget: of the forgotten class, or of all. `neighbour` are other test pictures: of the classes that are
    kept, or of all. `train_limit` pictures, drawn at random, are used for training, and at most `asked_limit`
    are asked of each split.
    """
    what = read_forget(name, options["forget"], classes)
    draw, limit = np.random.default_rng(options["seed"]), options["asked_limit"]
    learnt = _drawn(_consistent(train, notes), options["train_limit"], draw)
    unseen = _new(test, train, notes)
    if what.label is None:
        forget = _drawn(learnt, round((what.share or 0) * len(learnt)), draw)
    else:
        forget = [one for one in learnt if one.label == what.label]
    chosen = {one.id for one in forget}
    retain = [one for one in learnt if one.id not in chosen]
    asked = _drawn(forget, limit, draw)
    alike = [one for one in unseen if what.label in (None, one.label)]
    holdout = _drawn(alike, len(asked), draw)
    held = {one.id for one in (holdout if what.label is None else alike)}
    neighbour = [one for one in unseen if one.id not in held]
    if len(holdout) < len(asked):
        notes.say(
            f"{len(holdout)} pictures in holdout, fewer than the {len(asked)} asked of forget"
        )
    samples = {
        "forget": asked,
        "retain": _drawn(retain, limit, draw),
        "holdout": holdout,
    }
    if neighbour:
        samples["neighbour"] = _drawn(neighbour, limit, draw)
    else:
        notes.say("no test picture is left for the split neighbour, which is left out")
    learn = _read.splits(_questions({"forget": forget, "retain": retain}, classes), path)
    return Benchmark(
        name=name,
        edition=edition,
        data_hash=_read.data_hash(path, files, options),
        learn=learn,
        unlearn=learn,
        evaluate=_read.splits(_questions(samples, classes), path),
        notes=notes.lines,
    )


def _questions(
    parts: Mapping[str, Sequence[Labelled]], classes: Sequence[str]
) -> dict[str, list[Sample]]:
    return {
        part: [
            Sample(one.id, one.id, "short", QUESTION, classes[one.label], one.picture)
            for one in pictures
        ]
        for part, pictures in parts.items()
    }


def _consistent(train: Sequence[Labelled], notes: Notes) -> list[Labelled]:
    """Each picture once, and none that stands in two classes."""
    labels: dict[str, set[int]] = {}
    for one in train:
        labels.setdefault(one.picture.content, set()).add(one.label)
    found: dict[str, Labelled] = {}
    doubled = contradicted = 0
    for one in train:
        seen = one.picture.content
        if len(labels[seen]) > 1:
            contradicted += 1
        elif found.setdefault(seen, one) is not one:
            doubled += 1
    if doubled:
        notes.say(f"{count(doubled, 'training picture')} left out, the same as another")
    if contradicted:
        notes.say(f"{count(contradicted, 'training picture')} left out, in two classes")
    return list(found.values())


def _new(test: Sequence[Labelled], train: Sequence[Labelled], notes: Notes) -> list[Labelled]:
    """The test pictures, each once, that are no training pictures."""
    trained = {one.picture.content for one in train}
    found: dict[str, Labelled] = {}
    for one in test:
        if one.picture.content not in trained:
            found.setdefault(one.picture.content, one)
    if left := len(test) - len(found):
        notes.say(
            f"{count(left, 'test picture')} left out, the same as another or as a trained one"
        )
    return list(found.values())


def _drawn(
    pictures: Sequence[Labelled], limit: int | None, draw: np.random.Generator
) -> list[Labelled]:
    """At most `limit` pictures, drawn at random, in their order."""
    if limit is None or len(pictures) <= limit:
        return list(pictures)
    return [pictures[i] for i in sorted(draw.permutation(len(pictures))[:limit].tolist())]


def png(pixels: NDArray[np.uint8]) -> bytes:
    """A picture (height, width) or (height, width, 3) as a PNG file, not compressed."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG", compress_level=0)
    return stream.getvalue()
