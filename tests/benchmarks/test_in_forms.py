"""Every fact in three forms, on the tiny people; the rules are stated again in plain loops."""

from __future__ import annotations

from dataclasses import replace

import pytest

from uqs import benchmarks
from uqs.benchmarks.in_forms import asked_in, by_picture_alone, in_forms
from uqs.errors import UserError
from uqs.forms import FORMS, asked
from uqs.records import Benchmark, Sample, Split

TINY = "mllmu_bench:tiny"


@pytest.fixture(scope="module")
def whole() -> Benchmark:
    return benchmarks.load(TINY)


@pytest.fixture(scope="module")
def formed() -> Benchmark:
    return benchmarks.load(f"{TINY}&forget_by=picture")


def by_form(split: Split) -> dict[str, dict[str, Sample]]:
    found: dict[str, dict[str, Sample]] = {form: {} for form in FORMS}
    for sample in split.samples:
        one = asked(sample.id)
        assert one is not None
        found[one.form][one.fact] = sample
    return found


@pytest.mark.parametrize("part", ["forget", "retain", "holdout", "forget_reworded"])
def test_every_picture_question_is_asked_in_three_forms(
    whole: Benchmark, formed: Benchmark, part: str
) -> None:
    forms = by_form(formed.evaluate[part])
    before = {s.id: s for s in whole.evaluate[part].samples if s.picture is not None}
    assert all(set(own) == set(before) for own in forms.values())
    texts = {s.entity: s.question for s in whole.evaluate[part].samples if s.picture is None}
    for fact, first in before.items():
        picture, text, both = (forms[form][fact] for form in ("picture", "text", "both"))
        assert (picture.question, picture.picture) == (first.question, first.picture)
        assert (text.picture, both.picture) == (None, first.picture)
        assert text.question == both.question != first.question
        assert "this person" not in text.question
        name = [word for word in text.question.split() if word not in first.question.split()]
        assert all(word.strip("?.'s") in texts[first.entity] for word in name)
        for one in (picture, text, both):
            assert (one.answer, one.options, one.task, one.entity) == (
                first.answer,
                first.options,
                first.task,
                first.entity,
            )


def test_other_views_need_a_picture(formed: Benchmark) -> None:
    forms = by_form(formed.evaluate["forget_views"])
    assert not forms["text"] and set(forms["picture"]) == set(forms["both"])


def test_a_method_sees_the_forget_facts_in_one_form_and_the_others_in_all(
    formed: Benchmark,
) -> None:
    assert {asked(s.id).form for s in formed.unlearn["forget"].samples} == {"picture"}  # type: ignore[union-attr]
    assert formed.unlearn["retain"] == formed.learn["retain"]
    assert {asked(s.id).form for s in formed.learn["forget"].samples} == set(FORMS)  # type: ignore[union-attr]
    by_text = benchmarks.load(f"{TINY}&forget_by=text")
    assert by_text.learn == formed.learn and by_text.data_hash != formed.data_hash
    assert all(s.picture is None for s in by_text.unlearn["forget"].samples)


def test_asked_in_one_form(formed: Benchmark) -> None:
    text = benchmarks.load(f"{TINY}&forget_by=picture&ask_by=text")
    assert "forget_views" not in text.evaluate
    assert text.evaluate["forget"] == Split(
        "forget", tuple(by_form(formed.evaluate["forget"])["text"].values())
    )
    assert (text.learn, text.unlearn) == (formed.learn, formed.unlearn)
    assert text.edition == "tiny&forget_by=picture&ask_by=text"
    assert text.data_hash == asked_in(formed, "text").data_hash


def test_what_only_the_picture_tells(whole: Benchmark, formed: Benchmark) -> None:
    own = formed.evaluate["forget"].samples
    kept = by_picture_alone(own)
    assert set(kept) == set(by_form(formed.evaluate["forget"])["picture"].values())
    assert by_picture_alone(whole.evaluate["forget"].samples) == whole.evaluate["forget"].samples


def test_without_the_option_the_data_are_as_before(whole: Benchmark) -> None:
    assert whole.data_hash.endswith("7809f3bf22c4") and "&" not in whole.data_hash


def test_whose_name_no_question_tells_cannot_be_asked_by_name(whole: Benchmark) -> None:
    entity = whole.learn["forget"].samples[0].entity

    def without(splits: dict[str, Split]) -> dict[str, Split]:
        return {
            name: Split(
                name,
                tuple(s for s in split.samples if s.entity != entity or s.picture is not None),
            )
            for name, split in splits.items()
        }

    cut = replace(whole, learn=without(dict(whole.learn)), evaluate=without(dict(whole.evaluate)))
    with pytest.raises(ValueError, match=f"entity '{entity}': .* do not tell its name"):
        in_forms(cut, "picture")


def test_a_question_for_the_name_is_left_out(whole: Benchmark) -> None:
    first = whole.learn["forget"].samples[0]
    name = next(
        s.question.removeprefix("What is the job of ").rstrip("?")
        for s in whole.learn["forget"].samples
        if s.entity == first.entity
        and s.question.startswith("What is the job of ")
        and not s.picture
    )
    who = Sample("who", first.entity, "generation", "Who is this person?", name, first.picture)
    learn = {
        **whole.learn,
        "forget": Split("forget", (*whole.learn["forget"].samples, who)),
    }
    found = in_forms(replace(whole, learn=learn), "text")
    assert not [s for s in found.learn["forget"].samples if s.id.startswith("who")]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("&forget_by=sound", "forget_by"),
        ("&ask_by=text", "ask_by=text needs forget_by"),
    ],
)
def test_options_that_cannot_be(options: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        benchmarks.load(TINY + options)
    with pytest.raises(UserError, match="forget_by is 'sound'"):
        benchmarks.load(TINY, options={"forget_by": "sound"})
