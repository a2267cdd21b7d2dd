"""The prompts of the releases: what is asked has them, what is taught has not."""

from __future__ import annotations

import pytest

from uqs import benchmarks
from uqs.errors import UserError
from uqs.records import Layout, Sample
from uqs.traces.store import samples_hash


def test_questions_of_mllmu_bench_as_its_own_code_asks_them() -> None:
    plain = benchmarks.load("mllmu_bench:tiny#2")
    found = benchmarks.load("mllmu_bench:tiny&prompts=release#2")
    assert found.edition == "tiny&prompts=release#2"
    assert found.data_hash != plain.data_hash
    assert found.learn == plain.learn and found.unlearn == plain.unlearn
    assert found.judges == plain.judges
    by_task = {}
    for name, split in found.evaluate.items():
        assert samples_hash(split) != samples_hash(plain.evaluate[name])
        for one, as_written in zip(split.samples, plain.evaluate[name].samples, strict=True):
            assert (one.question, one.answer, one.options) == (
                as_written.question,
                as_written.answer,
                as_written.options,
            )
            by_task.setdefault(one.task, one)
    choice, cloze, open_ = (by_task[t] for t in ("classification", "cloze", "generation"))
    lines = choice.text.split("\n")
    assert lines[0] == choice.question
    assert lines[1:-1] == [f"{x}: {o}" for x, o in zip("ABCD", choice.options, strict=False)]
    assert lines[-1] == "Just give ONE letter representing the answer directly."
    assert cloze.text.startswith(f"{cloze.question}\nPlease **ONLY** provide")
    assert open_.text.startswith(f"{open_.question}\nAnswer the question based on")


def test_a_gap_is_written_as_the_release_writes_it() -> None:
    layout = Layout("{question} ({{x}})", blank="[Blank]")
    assert layout.of("She lives in ____, near {a}_b.", ()) == (
        "She lives in [Blank], near {a}_b. ({x})"
    )


def test_the_one_word_question_of_unlok_vqa() -> None:
    asked = benchmarks.load("unlok_vqa:tiny&prompts=release#2").evaluate["forget"].samples[0]
    assert asked.text == f"Answer the question in one word:\n Question: {asked.question} Answer:"


def test_without_a_layout_a_question_is_written_as_ever() -> None:
    assert Sample("1", "e", "short", "Who?", "Ann").text == "Who?"
    choice = Sample("1", "e", "classification", "Who?", "B", options=("Bob", "Ann {x}"))
    assert choice.text == "Who?\nA. Bob\nB. Ann {x}"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("mmubench:tiny&prompts=release", "the prompts of its release are not known here"),
        ("mllmu_bench:tiny&prompts=plain", "there is only prompts=release"),
    ],
)
def test_prompts_that_are_not_there_are_one_line(spec: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        benchmarks.load(spec)
