"""Wrong answers are plausible, wrong, and stay as they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from uqs.answers import normalise, words
from uqs.benchmarks import load
from uqs.questions.candidates import with_candidates
from uqs.questions.similar import SimilarSamples
from uqs.records import LETTERS, Benchmark, Sample, Split

TINY = ("mllmu_bench:tiny", "unlok_vqa:tiny", "mmubench:tiny")


def toy(forget: list[Sample], retain: list[Sample], holdout: list[Sample]) -> Benchmark:
    learn = {"forget": Split("forget", tuple(forget)), "retain": Split("retain", tuple(retain))}
    evaluate = {**learn, "holdout": Split("holdout", tuple(holdout))}
    return Benchmark("toy", "-", "-", learn, learn, evaluate)


def asked(entity: str, question: str, answer: str, task: str = "short") -> Sample:
    return Sample(f"{entity}/{question}", entity, task, question, answer)  # type: ignore[arg-type]


@pytest.mark.parametrize("spec", TINY)
@pytest.mark.parametrize("name", ["forget", "retain", "holdout", "forget_reworded"])
def test_candidates_of_the_tiny_benchmarks(spec: str, name: str) -> None:
    benchmark = load(spec)
    split = benchmark.evaluate[name]
    found = with_candidates(split, benchmark)
    assert [replace(s, wrong=()) for s in found.samples] == list(split.samples)
    said = {normalise(s.answer) for part in benchmark.learn.values() for s in part.samples}
    said |= {normalise(s.answer) for part in benchmark.evaluate.values() for s in part.samples}
    for sample in found.samples:
        if sample.task == "classification":
            assert sorted([*sample.wrong, sample.answer]) == list(LETTERS[: len(sample.options)])
            continue
        plain = [normalise(wrong) for wrong in sample.wrong]
        assert len(set(plain)) == 4
        assert normalise(sample.answer) not in plain
        assert set(plain) <= said


def test_the_same_question_about_others_comes_first_and_then_the_likest() -> None:
    benchmark = toy(
        [asked("a", "What colour is the sky?", "blue")],
        [
            asked("b", "What colour is the sky?", "The Blue!"),  # the right one in other clothes
            asked("c", "What colour is the sky?", "red"),
            asked("d", "What colour is the sea?", "green"),  # 4 of 6 words
            asked("e", "What shape is the sea?", "round"),  # 3 of 7
            asked("f", "Who sang?", "nobody"),  # none
            asked("g", "What colour is the sky?", "pink", task="generation"),
        ],
        [asked("h", "What colour is the sky?", "red")],
    )
    (found,) = with_candidates(benchmark.evaluate["forget"], benchmark).samples
    assert found.wrong == ("red", "green", "round")
    (found,) = with_candidates(benchmark.evaluate["forget"], benchmark, count=2).samples
    assert found.wrong == ("red", "green")


def test_an_answer_that_is_right_for_the_entity_too_is_no_wrong_one() -> None:
    forget = [
        asked("a", "Which language?", "French"),
        replace(asked("a", "Which language?", "Dutch"), id="a2"),
    ]
    retain = [asked("b", "Which language?", "Dutch"), asked("c", "Which language?", "German")]
    benchmark = toy(forget, retain, [asked("d", "Which language?", "Welsh")])
    found = with_candidates(benchmark.evaluate["forget"], benchmark).samples
    assert [set(sample.wrong) for sample in found] == [{"German", "Welsh"}] * 2


def test_where_nothing_else_is_known_there_is_no_wrong_answer() -> None:
    benchmark = toy(
        [asked("a", "When?", "now")], [asked("b", "When?", "now")], [asked("c", "Why?", "so")]
    )
    assert with_candidates(benchmark.evaluate["forget"], benchmark).samples[0].wrong == ()


def test_the_order_of_the_pool_does_not_matter_and_new_rows_move_little() -> None:
    retain = [asked(f"r{i}", "Which city?", f"city {i}") for i in range(200)]
    forget = [asked(f"f{i}", "Which city?", f"town {i}") for i in range(50)]
    held = [asked("h", "Which city?", "village")]
    before = toy(forget, retain, held)
    turned = toy(forget, retain[::-1], held)
    more = toy(forget, [*retain, asked("new", "Which city?", "city new")], held)
    found = [with_candidates(b.evaluate["forget"], b) for b in (before, turned, more)]
    assert found[0] == found[1]
    changed = sum(
        one.wrong != other.wrong
        for one, other in zip(found[0].samples, found[2].samples, strict=True)
    )
    assert changed <= 5  # one new of 251 answers is among four for about one in sixty


def test_different_items_get_different_wrong_answers() -> None:
    retain = [asked(f"r{i}", "Which city?", f"city {i}") for i in range(200)]
    forget = [asked(f"f{i}", "Which city?", f"town {i}") for i in range(50)]
    benchmark = toy(forget, retain, [asked("h", "Which city?", "village")])
    found = with_candidates(benchmark.evaluate["forget"], benchmark).samples
    assert len({sample.wrong for sample in found}) > 30


def test_the_order_by_similarity_is_that_of_a_slow_loop() -> None:
    samples = [s for s in load("mllmu_bench:tiny").evaluate["retain"].samples if s.task == "cloze"]
    pool = SimilarSamples(samples)
    for sample in samples[:5]:
        own = set(words(sample.question))
        found = list(pool.others(sample))
        likeness = []
        for other in found:
            theirs = set(words(other.question))
            likeness.append(
                2.0 if other.question == sample.question else len(own & theirs) / len(own | theirs)
            )
        assert likeness == sorted(likeness, reverse=True)
        reached = {o.id for o in samples if o.entity != sample.entity}
        reached = {o.id for o in samples if o.id in reached and own & set(words(o.question))}
        assert {other.id for other in found} == reached


def test_ten_thousand_questions_with_names() -> None:
    patterns = ("Where does {} live?", "What is the job of {}?", "What does {} like to eat?")

    def about(person: int) -> list[Sample]:
        return [
            asked(f"p{person}", pattern.format(f"Ann{person} Bee{person}"), f"{k} {person % 50}")
            for k, pattern in enumerate(patterns)
        ]

    people = [about(person) for person in range(3400)]
    benchmark = toy(
        [s for some in people[:1700] for s in some],
        [s for some in people[1700:3390] for s in some],
        [s for some in people[3390:] for s in some],
    )
    found = with_candidates(benchmark.evaluate["forget"], benchmark)
    # an answer to the same pattern about somebody else: "1 17" where it is about the job
    assert all(w.split()[0] == s.answer.split()[0] for s in found.samples for w in s.wrong)
