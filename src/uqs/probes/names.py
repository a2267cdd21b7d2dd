"""By which name the questions call an entity."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from uqs.metrics.answers import plain
from uqs.records import Benchmark, Sample

_WORD = re.compile(r"[^\W_]+(?:[-'\u2019.][^\W_]+)*")


def known_names(benchmark: Benchmark) -> Mapping[str, str]:
    """The names of forgotten entities, as far as the benchmark gives them away.

    A name is the longest run of words that all questions without a picture about an entity share, two
    questions at least, capitalised at both ends, and that no such question about another entity has. Else
    it is the entity's own identifier, where that is the answer to one of its questions.
    """
    asked: dict[str, dict[str, None]] = {}
    for sample in _samples(benchmark):
        if sample.picture is None:
            asked.setdefault(sample.entity, {})[sample.question] = None
    forgotten = benchmark.evaluate["forget"].samples
    found = {}
    for entity in dict.fromkeys(sample.entity for sample in forgotten):
        elsewhere = [
            _joined(_words(text)) for other in asked if other != entity for text in asked[other]
        ]
        name = _shared(list(asked.get(entity, ())), elsewhere) or _own(entity, forgotten)
        if name:
            found[entity] = name
    return found


def _samples(benchmark: Benchmark) -> Iterator[Sample]:
    for part in (benchmark.learn, benchmark.evaluate):
        for name in ("forget", "retain", "holdout"):
            if name in part:
                yield from part[name].samples


def _words(text: str) -> list[str]:
    return [re.sub("['\u2019]s$", "", word) for word in _WORD.findall(text)]


def _joined(words: Sequence[str]) -> str:
    return f" {' '.join(words)} "


def _shared(questions: Sequence[str], elsewhere: Sequence[str]) -> str | None:
    if len(questions) < 2:
        return None
    first, *rest = map(_words, questions)
    others = [_joined(words) for words in rest]
    for length in range(len(first), 0, -1):
        for start in range(len(first) - length + 1):
            run = first[start : start + length]
            if not (run[0][0].isupper() and run[-1][0].isupper()):
                continue
            if all(_joined(run) in text for text in others) and not any(
                _joined(run) in text for text in elsewhere
            ):
                return " ".join(run)
    return None


def _own(entity: str, samples: Iterable[Sample]) -> str | None:
    """An identifier such as `fire_truck` as a name, where it is the right answer to a question."""
    name = entity.replace("_", " ")
    answers = {plain(sample.answer) for sample in samples if sample.entity == entity}
    return name if plain(name) in answers else None
