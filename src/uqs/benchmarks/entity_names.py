"""Finds the names of entities in questions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from uqs.answers import plain
from uqs.records import Benchmark, Sample

_WORD = re.compile(r"[^\W_]+(?:[-'\u2019.][^\W_]+)*")


def known_names(benchmark: Benchmark) -> Mapping[str, str]:
    """The names of forgotten entities, if the benchmark reveals them; see `names_in`."""
    return names_in(_samples(benchmark), benchmark.evaluate["forget"].samples)


def names_in(asked: Iterable[Sample], forget: Iterable[Sample]) -> Mapping[str, str]:
    """The names of the entities of `forget`, if the questions `asked` (about all entities) reveal them.

    A name is the longest sequence of words that is in all text-only questions about an entity (at least two)
    and in no such question about another entity; its first and last words are capitalised. Otherwise the name
    is the entity's identifier, if that is the answer to one of its questions.
    """
    texts: dict[str, dict[str, None]] = {}
    for sample in asked:
        if sample.picture is None:
            texts.setdefault(sample.entity, {})[sample.question] = None
    split = {entity: [_words(text) for text in own] for entity, own in texts.items()}
    questions, answers = Questions.of(split), _answers(forget)
    found = {}
    for entity, given in answers.items():
        name = _shared(entity, split.get(entity, []), questions) or _own(entity, given)
        if name:
            found[entity] = name
    return found


@dataclass(frozen=True)
class Questions:
    """An index from words to the questions that contain them, to search fewer questions."""

    by_word: Mapping[str, Sequence[tuple[str, str]]]

    @classmethod
    def of(cls, split: Mapping[str, Sequence[Sequence[str]]]) -> Questions:
        """From the words of each question, by entity."""
        by_word: dict[str, list[tuple[str, str]]] = {}
        for entity, questions in split.items():
            for words in questions:
                for word in dict.fromkeys(words):
                    by_word.setdefault(word, []).append((entity, _joined(words)))
        return cls(by_word)

    def elsewhere(self, run: Sequence[str], entity: str) -> bool:
        """Whether a question about another entity contains these words, which one about `entity` contains."""
        rarest = min((self.by_word[word] for word in run), key=len)
        return any(other != entity and _joined(run) in text for other, text in rarest)


def _samples(benchmark: Benchmark) -> Iterator[Sample]:
    for part in (benchmark.learn, benchmark.evaluate):
        for name in ("forget", "retain", "holdout"):
            if name in part:
                yield from part[name].samples


def _words(text: str) -> list[str]:
    return [re.sub("['\u2019]s$", "", word) for word in _WORD.findall(text)]


def _joined(words: Sequence[str]) -> str:
    return f" {' '.join(words)} "


def _shared(entity: str, own: Sequence[Sequence[str]], questions: Questions) -> str | None:
    if len(own) < 2:
        return None
    first, *rest = own
    others = [_joined(words) for words in rest]
    for length in range(len(first), 0, -1):
        for start in range(len(first) - length + 1):
            run = first[start : start + length]
            if not (run[0][0].isupper() and run[-1][0].isupper()):
                continue
            if all(_joined(run) in text for text in others) and not questions.elsewhere(
                run, entity
            ):
                return " ".join(run)
    return None


def _answers(samples: Iterable[Sample]) -> Mapping[str, set[str]]:
    """The plain forms of each entity's right answers."""
    found: dict[str, set[str]] = {}
    for sample in samples:
        found.setdefault(sample.entity, set()).add(plain(sample.answer))
    return found


def _own(entity: str, answers: set[str]) -> str | None:
    """An identifier such as `fire_truck` as a name, if it is the right answer to a question."""
    name = entity.replace("_", " ")
    return name if plain(name) in answers else None
