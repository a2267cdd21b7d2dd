"""Names of entities against a plain search of all texts, and how much of it is looked at."""

from __future__ import annotations

import numpy as np
import pytest

from uqs.benchmarks import entity_names as names
from uqs.benchmarks.entity_names import known_names
from uqs.records import Benchmark, Sample, Split

VOCABULARY = ("What", "is", "Ann", "Bee", "de", "Cy", "job")


def made(entities: int, seed: int, length: int) -> Benchmark:
    """Two or three questions of random words about each entity; every third has the name in front."""
    rng, samples = np.random.default_rng(seed), []
    for e in range(entities):
        name = " ".join(rng.choice(VOCABULARY[2:], 2))
        for q in range(int(rng.integers(2, 4))):
            words = " ".join(rng.choice(VOCABULARY, int(rng.integers(1, length))))
            text = f"{name} {words}" if e % 3 else words
            samples.append(Sample(f"{e}-{q}", f"e{e}", "short", text, f"E{e}" if e % 2 else "x"))
    third = entities // 3
    parts = {
        split: Split(split, tuple(s for s in samples if int(s.entity[1:]) // third == k))
        for k, split in enumerate(("forget", "retain", "holdout"))
    }
    learn = {split: parts[split] for split in ("forget", "retain")}
    return Benchmark("toy", "-", "-", learn, learn, parts)


def plain_names(benchmark: Benchmark) -> dict[str, str]:
    asked: dict[str, list[list[str]]] = {}
    for split in benchmark.evaluate.values():
        for sample in split.samples:
            own = asked.setdefault(sample.entity, [])
            if sample.question.split() not in own:
                own.append(sample.question.split())

    def has(text: list[str], run: list[str]) -> bool:
        return any(text[i : i + len(run)] == run for i in range(len(text)))

    found = {}
    for entity in dict.fromkeys(s.entity for s in benchmark.evaluate["forget"].samples):
        own, best = asked[entity], []
        others = [text for other in asked if other != entity for text in asked[other]]
        for start in range(len(own[0])):
            for stop in range(start + 1, len(own[0]) + 1):
                run = own[0][start:stop]
                if (
                    len(own) > 1
                    and len(run) > len(best)
                    and run[0][0].isupper()
                    and run[-1][0].isupper()
                    and all(has(text, run) for text in own)
                    and not any(has(text, run) for text in others)
                ):
                    best = run
        if best:
            found[entity] = " ".join(best)
        elif int(entity[1:]) % 2:  # the entity's identifier is its answer
            found[entity] = entity
    return found


@pytest.mark.parametrize("seed", range(30))
def test_equals_a_plain_search(seed: int) -> None:
    benchmark = made(9, seed, 5)
    expected = plain_names(benchmark)
    assert known_names(benchmark) == expected


def test_plain_searches_find_both_kinds_of_names() -> None:
    found = [name for seed in range(30) for name in plain_names(made(9, seed, 5)).values()]
    assert sum(" " in name for name in found) >= 5
    assert any(name.startswith("e") for name in found)


def test_each_question_is_split_into_words_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    split = names._words

    def counted(text: str) -> list[str]:
        seen.append(text)
        return split(text)

    monkeypatch.setattr(names, "_words", counted)
    benchmark = made(60, 0, 5)
    known_names(benchmark)
    assert len(seen) <= sum(len(split.samples) for split in benchmark.evaluate.values())
