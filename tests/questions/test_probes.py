"""What every probe asks, on the tiny benchmarks, and when it finds knowledge."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from uqs import registry
from uqs.answers import normalise
from uqs.benchmarks import load
from uqs.benchmarks.entity_names import known_names
from uqs.questions.base import Probe, in_words, item_of
from uqs.questions.discrimination import Discrimination
from uqs.questions.few_shot import examples
from uqs.questions.likelihood_rank import LikelihoodRank, compared, reciprocal_rank
from uqs.questions.negation import Negation, judgement
from uqs.questions.similar import SimilarSamples
from uqs.records import Benchmark, Sample, Split
from uqs.traces.trace import Trace

TINY = ("mllmu_bench", "unlok_vqa", "mmubench")
PROBES = sorted(registry.BUILT_IN["probe"])
ASKED = {
    "completion": (160, 240, 285),
    "indirect": (160, 240, 285),
    "few_shot": (160, 240, 285),
    "other_picture": (0, 0, 570),  # MLLMU-Bench has its views, a flag is one picture
    "named": (
        100,
        0,
        171,
    ),  # the picture questions; MMUBench's without the naming ones and a building
    "negation": (320, 480, 570),
    "reworded": (0, 0, 0),
    "discrimination": (0, 0, 0),
    "likelihood_rank": (0, 0, 0),
}


@cache
def tiny(name: str) -> Benchmark:
    return load(f"{name}:tiny")


def probe(name: str) -> Probe:
    found: Probe = registry.get("probe", name)()
    return found


@cache
def questions(name: str, benchmark: str) -> Sequence[Sample]:
    return probe(name).samples(tiny(benchmark))


def items(benchmark: str) -> Mapping[str, Sample]:
    return {sample.id: sample for sample in tiny(benchmark).evaluate["forget"].samples}


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_is_declared_under_its_name(name: str) -> None:
    found = probe(name)
    assert (found.name, found.split) == (name, f"probe_{name}")
    assert found.kind in ("explicit", "implicit")
    assert found.source


@pytest.mark.parametrize("benchmark", TINY)
@pytest.mark.parametrize("name", PROBES)
def test_questions_are_about_items(name: str, benchmark: str) -> None:
    asked, known = questions(name, benchmark), items(benchmark)
    assert len(asked) == ASKED[name][TINY.index(benchmark)]
    assert len({sample.id for sample in asked}) == len(asked)
    for sample in asked:
        item = known[item_of(sample.id)]
        assert sample.id.removeprefix(f"{item.id}@{name}").isdecimal()
        assert sample.entity == item.entity
        assert sample.text.isascii()
        if probe(name).kind == "explicit":
            assert (sample.task, sample.answer) == (item.task, item.answer)
            assert sample.options == item.options
            assert (sample.question, sample.picture) != (item.question, item.picture)
        if name not in ("named", "other_picture"):
            assert sample.picture == item.picture


@pytest.mark.parametrize("benchmark", TINY)
@pytest.mark.parametrize("name", [p for p in PROBES if probe(p).kind == "explicit"])
def test_no_explicit_question_gives_the_answer_away(name: str, benchmark: str) -> None:
    known = items(benchmark)
    for sample in questions(name, benchmark):
        gold = in_words(known[item_of(sample.id)])
        asked = re.sub(r"(?m)^[A-Z]\. .*$", "", sample.question)  # without the options of examples
        if gold in ("is", "be"):  # the domains of Iceland and Belgium are common words
            continue
        assert f" {normalise(gold)} " not in f" {normalise(asked)} "


@pytest.mark.parametrize("benchmark", TINY)
def test_samples_are_the_same_each_time(benchmark: str) -> None:
    again = load(f"{benchmark}:tiny")
    for name in PROBES:
        assert list(probe(name).samples(again)) == list(questions(name, benchmark))


@pytest.mark.parametrize(
    ("benchmark", "split", "probe_name"),
    [(b, "forget_reworded", "reworded") for b in TINY]
    + [("mllmu_bench", "forget_views", "other_picture")],
)
def test_the_benchmarks_own_questions_are_about_items(
    benchmark: str, split: str, probe_name: str, make_trace
) -> None:  # type: ignore[no-untyped-def]
    asked, known = tiny(benchmark).evaluate[split].samples, items(benchmark)
    for sample in asked:
        item = known[item_of(sample.id)]
        assert in_words(sample) == in_words(item)
        assert (sample.entity, sample.task) == (item.entity, item.task)
    trace = as_trace(make_trace(split), asked, [s.answer for s in asked])
    found = probe(probe_name).recovered({split: trace})
    assert set(found) == {item_of(s.id) for s in asked}
    assert all(found.values())


def as_trace(trace: Trace, samples: Sequence[Sample], answers: Sequence[str]) -> Trace:
    """A trace of these samples with these answers; its numbers are made up."""
    trace = trace.take([i % len(trace) for i in range(len(samples))])
    return replace(
        trace,
        ids=tuple(s.id for s in samples),
        entities=tuple(s.entity for s in samples),
        tasks=tuple(s.task for s in samples),
        golds=tuple(s.answer for s in samples),
        answers=tuple(answers),
    )


def test_a_completion_breaks_off_where_the_answer_stands() -> None:
    asked = {item_of(s.id): s.question for s in questions("completion", "mllmu_bench")}
    assert asked["006/Mask_Task[1]"] == "Complete: Bernard Fechner lives in"
    assert asked["006/Generation_Task[1]"] == (
        'Complete: the right answer to the question "When was this person born?" is'
    )


def test_names_are_those_that_the_questions_use() -> None:
    names = known_names(tiny("mllmu_bench"))
    assert len(names) == 20
    assert names["006"] == "Bernard Fechner"
    text = [s for s in tiny("mllmu_bench").evaluate["forget"].samples if s.picture is None]
    assert all(names[s.entity] in s.question for s in text)
    assert not known_names(tiny("unlok_vqa"))
    concepts = known_names(tiny("mmubench"))
    assert concepts == {e: e for e in tiny("mmubench").evaluate["forget"].entities}


def test_names_with_particles_possessives_and_underscores() -> None:
    def text(entity: str, number: int, question: str) -> Sample:
        return Sample(f"{entity}{number}", entity, "generation", question, "x")

    forget = [
        text("7", 0, "What is Jean-Luc de la Tour's job?"),
        text("7", 1, "Where does Jean-Luc de la Tour live?"),
        text("8", 0, "What does Ann Bee eat?"),  # one question alone could be all name
        Sample("9", "fire_truck", "short", "What is it?", "fire truck"),
    ]
    kept = [text("5", 0, "What is Ann's job?"), text("5", 1, "What does Ann like?")]
    learn = {"forget": Split("forget", tuple(forget)), "retain": Split("retain", tuple(kept))}
    held = Split("holdout", (text("6", 0, "Who is it?"),))
    benchmark = Benchmark("toy", "-", "-", learn, learn, {**learn, "holdout": held})
    assert known_names(benchmark) == {"7": "Jean-Luc de la Tour", "fire_truck": "fire truck"}


def test_a_named_question_stands_without_its_picture() -> None:
    asked = {item_of(s.id): s for s in questions("named", "mllmu_bench")}
    assert asked["006/Generation_Task[1]"].question == "When was Bernard Fechner born?"
    concept = {item_of(s.id): s for s in questions("named", "mmubench")}
    assert concept["boat/ferry-noto.png/place"].question == "This is about boat. Where is it found?"
    assert not any(id_.endswith("/name") for id_ in concept)  # the name would be the answer
    assert all(s.picture is None for s in (*asked.values(), *concept.values()))


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Where does this person live?", "Where does Ann Bee live?"),
        ("What is the man in the image known for?", "What is Ann Bee known for?"),
        ("What is this individual's job?", "What is Ann Bee's job?"),
        ("Who is the person shown in this photo?", "Who is Ann Bee?"),
        ("What is the occupation?", "This is about Ann Bee. What is the occupation?"),
    ],
)
def test_naming(question: str, expected: str) -> None:
    from uqs.benchmarks.in_forms import naming

    assert naming(question, "Ann Bee") == expected


@pytest.mark.parametrize("benchmark", TINY)
def test_examples_are_of_retained_entities_and_have_other_answers(benchmark: str) -> None:
    data = tiny(benchmark)
    pool = SimilarSamples(data.learn["retain"].samples)
    asked = {item_of(s.id): s for s in questions("few_shot", benchmark)}
    for item in data.evaluate["forget"].samples:
        shown = list(examples(item, pool))
        assert len(shown) == 3
        assert {one.entity for one in shown} <= data.learn["retain"].entities
        assert len({one.entity for one in shown}) == 3
        assert all(normalise(in_words(one)) != normalise(in_words(item)) for one in shown)
        assert all(one.task == item.task for one in shown)
        for one in shown:
            assert f"{one.text}\nAnswer: {one.answer}\n" in asked[item.id].question
        assert asked[item.id].question.endswith(item.question)


def test_other_pictures_show_the_same_concept() -> None:
    pictures: dict[str, set[bytes]] = {}
    for item in items("mmubench").values():
        assert item.picture is not None
        pictures.setdefault(item.entity, set()).add(item.picture.data)
    shown: dict[str, set[bytes]] = {}
    for sample in questions("other_picture", "mmubench"):
        item = items("mmubench")[item_of(sample.id)]
        assert sample.picture is not None
        assert sample.question == item.question
        assert sample.picture.data in pictures[item.entity] - {item.picture.data}  # type: ignore[union-attr]
        shown.setdefault(item.id, set()).add(sample.picture.data)
    assert {len(some) for some in shown.values()} == {2}


def test_negation_asks_about_the_right_answer_and_a_wrong_one() -> None:
    asked = questions("negation", "mllmu_bench")
    for right, wrong in zip(asked[::2], asked[1::2], strict=True):
        item = items("mllmu_bench")[item_of(right.id)]
        assert item_of(wrong.id) == item.id
        assert (right.answer, wrong.answer) == ("yes", "no")
        assert in_words(item) in right.question
        assert in_words(item) not in wrong.question
        if item.options:
            assert any(option in wrong.question for option in item.options)
    assert asked[12].question.startswith("The favourite food of this person is sushi. Is this")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Yes", True),
        (" no, it is not.", False),
        ("'True.'", True),
        ("False", False),
        ("yesterday", None),
        ("It is: yes", None),
        ("", None),
        ("Norway", None),
    ],
)
def test_judgement_is_read_at_the_start(answer: str, expected: bool | None) -> None:
    assert judgement(answer) is expected


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (("yes", "no"), True),
        (("yes", "yes"), False),  # a model that says yes to everything
        (("no", "no"), False),
        (("no", "yes"), False),
        (("yes", ""), False),
        (("", ""), False),
    ],
)
def test_negation_needs_both_judgements(
    make_trace, answers: tuple[str, str], expected: bool
) -> None:  # type: ignore[no-untyped-def]
    pair = questions("negation", "unlok_vqa")[:2]
    trace = as_trace(make_trace("probe_negation"), pair, answers)
    assert Negation().recovered({"probe_negation": trace}) == {"49": expected}


def ranked(trace: Trace, gold: Sequence[float], wrong: Sequence[Sequence[float]]) -> Trace:
    """The first samples of a trace with these losses of the right and the wrong answers."""
    trace = trace.take(range(len(gold)))
    losses = np.repeat(gold, trace.lengths())
    return replace(
        trace,
        gold_log_probs=(-losses).astype(np.float32),
        candidates=tuple(tuple(f"w{k}" for k in range(len(some))) for some in wrong),
        candidate_losses=np.array([v for some in wrong for v in some], dtype=np.float32),
    )


def test_implicit_probes_by_hand(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = ranked(
        make_trace(),
        [1, 1, 1, 1, 1],
        [(2, 3, 4, 5), (0.5, 3, 4, 5), (0.5, 0.6, 0.7, 5), (), (1, 1, 2, 3)],
    )
    traces = {"forget": trace}
    assert Discrimination().recovered(traces) == {
        "forget-0": True,
        "forget-1": False,
        "forget-2": False,
        "forget-4": False,  # a wrong answer is as likely
    }
    assert LikelihoodRank().recovered(traces) == {
        "forget-0": True,
        "forget-1": True,
        "forget-2": False,
        "forget-4": True,  # the median of 1, 1, 2, 3 is 1.5
    }
    assert [reciprocal_rank(one) for one in compared(trace)] == [1, 1 / 2, 1 / 4, 1 / 2]
    assert Discrimination().recovered({}) == LikelihoodRank().recovered({}) == {}


def test_what_is_recovered_by_a_guess(make_trace) -> None:  # type: ignore[no-untyped-def]
    """Exchangeable losses: a fifth by discrimination, half by rank among four wrong answers."""
    rng = np.random.default_rng(1)
    losses = rng.normal(size=(3000, 5))
    trace = ranked(make_trace(entities=750), losses[:, 0], losses[:, 1:].tolist())
    found = [
        list(p.recovered({"forget": trace}).values()) for p in (Discrimination(), LikelihoodRank())
    ]
    assert np.mean(found[0]) == pytest.approx(1 / 5, abs=0.03)
    assert np.mean(found[1]) == pytest.approx(1 / 2, abs=0.03)


def test_losses_that_are_no_numbers_recover_nothing(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = ranked(make_trace(), [np.nan, 1], [(1, 2), (np.nan, np.nan)])
    for one in (Discrimination(), LikelihoodRank()):
        assert not any(one.recovered({"forget": trace}).values())


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_that_was_not_traced_recovers_nothing(name: str) -> None:
    assert probe(name).recovered({}) == {}


def test_an_explicit_probe_needs_one_right_answer(make_trace) -> None:  # type: ignore[no-untyped-def]
    asked = questions("other_picture", "mmubench")[:4]
    answers = ["wrong", asked[1].answer, "wrong", "wrong"]
    trace = as_trace(make_trace("probe_other_picture"), asked, answers)
    assert probe("other_picture").recovered({"probe_other_picture": trace}) == {
        item_of(asked[0].id): True,
        item_of(asked[2].id): False,
    }
