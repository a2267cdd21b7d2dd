"""Records refuse what no benchmark or metric may hand on."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from uqs.records import Benchmark, Measurement, Sample, Split, Status


def sample(id_: str = "1", entity: str = "Ada", **change: Any) -> Sample:
    return Sample(
        id=id_, entity=entity, **{"task": "short", "question": "Who?", "answer": "Ada"} | change
    )


def split(name: str, *entities: str) -> Split:
    return Split(name, tuple(sample(f"{name}-{e}", e) for e in entities))


def benchmark(**change: Any) -> Benchmark:
    forget, retain = split("forget", "Ada", "Bo"), split("retain", "Cy", "Di")
    parts: dict[str, Any] = {
        "learn": {"forget": forget, "retain": retain},
        "unlearn": {"forget": forget, "retain": retain},
        "evaluate": {"forget": forget, "retain": retain, "holdout": split("holdout", "Eve")},
    }
    return Benchmark("b", "tiny", "hash", **parts | change)


@pytest.mark.parametrize("field", ["id_", "entity", "question", "answer"])
@pytest.mark.parametrize("empty", ["", " ", "\n"])
def test_nothing_of_a_sample_is_empty(field: str, empty: str) -> None:
    with pytest.raises(ValueError, match=f"empty {field.rstrip('_')}"):
        sample(**{field: empty})


def test_a_choice_names_one_of_its_options() -> None:
    choice = sample(task="classification", answer="B", options=("red", "blue"))
    assert choice.text == "Who?\nA. red\nB. blue"
    for answer in ("C", "blue", "AB", "b"):
        with pytest.raises(ValueError, match="is not the letter of an option"):
            sample(task="classification", answer=answer, options=("red", "blue"))
    with pytest.raises(ValueError, match="two options"):
        sample(task="classification", answer="A", options=("red",))


def test_the_right_option_is_there_once() -> None:
    for options in (("Paris", "Paris", "Rome"), ("Paris", " paris ", "Rome")):
        with pytest.raises(ValueError, match=r"the right option \('paris'\) appears twice"):
            sample(task="classification", answer="A", options=options)
    assert sample(task="classification", answer="C", options=("Rome", "Rome", "Paris")).options


def test_a_split_holds_an_id_once() -> None:
    assert split("forget", "Ada", "Bo").entities == {"Ada", "Bo"}
    with pytest.raises(ValueError, match="duplicate sample id '1'"):
        Split("forget", (sample("1"), sample("1", "Bo")))


def test_a_benchmark_keeps_its_splits_apart() -> None:
    assert len(benchmark().evaluate["holdout"]) == 1
    both = split("retain", "Ada", "Cy")
    with pytest.raises(ValueError, match="entity 'Ada' is in both forget and retain"):
        benchmark(learn={"forget": split("forget", "Ada"), "retain": both})
    trained = {
        "forget": split("forget", "Ada"),
        "retain": split("retain", "Cy"),
        "holdout": split("holdout", "Cy"),
    }
    with pytest.raises(ValueError, match="entity 'Cy' is in both holdout and trained"):
        benchmark(evaluate=trained)


@pytest.mark.parametrize("part", ["learn", "unlearn", "evaluate"])
def test_a_benchmark_has_every_split(part: str) -> None:
    whole = getattr(benchmark(), part)
    for missing in whole:
        with pytest.raises(ValueError, match=f"missing split '{missing}'"):
            benchmark(**{part: {name: s for name, s in whole.items() if name != missing}})
        with pytest.raises(ValueError, match=f"split '{missing}' is empty"):
            benchmark(**{part: whole | {missing: Split(missing, ())}})


def test_a_number_and_its_absence_go_with_their_status() -> None:
    valued = {Status.OK, Status.LOWER_BOUND, Status.CONSTANT, Status.UNRESOLVED}
    for status in Status:
        value = 0.5 if status in valued else None
        assert Measurement("FA", "forget", value, None, 9, status).value == value
        with pytest.raises(ValueError, match="with status"):
            Measurement("FA", "forget", None if value else 0.5, None, 9, status)


@pytest.mark.parametrize("field", ["value", "se", "bound"])
@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_measurement_is_a_finite_number(field: str, number: float) -> None:
    numbers: dict[str, float | None] = {"value": 0.5, "se": 0.1, "bound": 0.2}
    numbers[field] = number
    with pytest.raises(ValueError, match=f"FA: {field} -?(nan|inf) is not a finite number"):
        Measurement("FA", "forget", numbers["value"], numbers["se"], 9, bound=numbers["bound"])


def test_records_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        sample().answer = "Bo"  # type: ignore[misc]
