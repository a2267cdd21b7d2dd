from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from uqs import benchmarks
from uqs.errors import DataError, UserError

Row = dict[str, Any]
SCHEMA = {
    "ID": pa.string(),
    "image": pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    **dict.fromkeys(
        ("Biography", "MM_QA", "UM_QA", "Classify", "Cloze", "Generation"), pa.string()
    ),
}


class UMU:
    """UMU-Bench in the schema of its release: objects as Python literals, `muitimodal` so spelt."""

    def __init__(self, root: Path, draw: Any, write: Any) -> None:
        self.root, self.draw, self._write = root, draw, write
        people = [f"{n}" for n in range(8)]
        self.rows = {
            "forget_25": [self.person(id_) for id_ in people[:2]],
            "retain_75": [self.person(id_) for id_ in people[2:]],
            "Real_Person_Set": [self.person("R1", 90)],
        }

    def person(self, id_: str, seed: int | None = None) -> Row:
        def both(question: str, answer: str, **more: Any) -> str:
            asked = {"question": question, "answer": answer, **more}
            named = {**asked, "question": f"{question} (Ann {id_})"}
            return repr({"unimodal": {"q1": named}, "muitimodal": {"q1": asked}})

        options = {"A": "Oslo", "B": f"Town {id_}", "C": "Rome", "D": "Bonn"}
        return {
            "ID": id_,
            "image": {"bytes": self.draw(int(id_) if seed is None else seed), "path": None},
            "Biography": f"Ann {id_}'s life",
            "MM_QA": repr({"question": {"1": "Who's this?"}, "answer": {"1": f"Ann {id_}."}}),
            "UM_QA": repr({"question": {"1": f"Who's Ann {id_}?"}, "answer": {"1": "A cook."}}),
            "Classify": both("Where?", f"B. Town {id_}", options=options),
            "Cloze": both("She studied at __.", f"School {id_}"),
            "Generation": both("What does she do?", "She cooks."),
        }

    def write(self) -> str:
        for config, rows in self.rows.items():
            self._write(self.root / config / "train-00000-of-00001.parquet", rows, SCHEMA)
        return f"umu_bench:{self.root}"


@pytest.fixture
def umu(tmp_path: Path, draw: Any, write: Any) -> UMU:
    return UMU(tmp_path, draw, write)


def test_the_released_schema(umu: UMU) -> None:
    found = benchmarks.load(umu.write())
    learn = found.learn["forget"].samples[:2]
    assert [(s.question, s.answer, s.picture is not None) for s in learn] == [
        ("Who's this?", "Ann 0.", True),
        ("Who's Ann 0?", "A cook.", False),
    ]
    asked = [s for s in found.evaluate["forget"].samples if s.entity == "0"]
    assert [(s.task, s.question, s.answer, s.picture is not None) for s in asked] == [
        (task, f"{question}{name}", answer, not name)
        for task, question, answer in (
            ("classification", "Where?", "B"),
            ("cloze", "She studied at __.", "School 0"),
            ("generation", "What does she do?", "She cooks."),
        )
        for name in (" (Ann 0)", "")
    ]
    assert asked[0].options == ("Oslo", "Town 0", "Rome", "Bonn")
    # one fact by its key, asked in two forms
    assert [s.id for s in asked] == [
        f"0/{field}.q1@{form}"
        for field in ("Classify", "Cloze", "Generation")
        for form in ("text", "picture")
    ]
    assert len(found.evaluate["holdout"].entities) == 2
    assert found.evaluate["real_world"].entities == {"R1"}
    assert any("texts read as a Python literal" in note for note in found.notes)


def test_blank_pairs_are_left_out(umu: UMU) -> None:
    umu.rows["forget_25"][0]["MM_QA"] = repr(
        {"question": {"1": "Who?", "2": " ", "3": "Why?"}, "answer": {"1": "Ann 0.", "2": "x"}}
    )
    found = benchmarks.load(umu.write())
    assert [s.question for s in found.learn["forget"].samples if s.picture][:2] == [
        "Who?",
        "Who's this?",
    ]
    assert any(note.startswith("2 pairs left out") for note in found.notes)


@pytest.mark.parametrize(
    ("field", "value", "where", "problem"),
    [
        ("MM_QA", "[1]", "MM_QA", "is list, no object"),
        ("MM_QA", "{'question': {}}", "MM_QA.answer", "is empty"),
        ("Cloze", "{'both': {}}", "Cloze", "'both' is none of"),
        ("Cloze", None, "Cloze", "is empty"),
        (
            "Classify",
            "{'unimodal': {'q': {'question': 'W?', 'answer': 'C', 'options': {'A': 'x', 'B': 'y'}}}}",
            "Classify.unimodal.q.answer",
            "'C' is not among the options A to B",
        ),
    ],
)
def test_bad_values(umu: UMU, field: str, value: object, where: str, problem: str) -> None:
    umu.rows["retain_75"][1][field] = value
    with pytest.raises(DataError) as caught:
        benchmarks.load(umu.write())
    assert (caught.value.row, caught.value.field) == (2, where)
    assert problem in caught.value.problem


def test_its_folder_is_recognised(umu: UMU) -> None:
    umu.write()
    with pytest.raises(DataError, match="this folder looks like UMU-Bench: write 'umu_bench:"):
        benchmarks.load(f"mllmu_bench:{umu.root}")
    with pytest.raises(DataError, match="looks like UMU-Bench"):
        benchmarks.load(f"mmubench:{umu.root}")


def test_a_person_who_is_forgotten_and_kept(umu: UMU) -> None:
    umu.rows["retain_75"][2]["ID"] = "1"
    with pytest.raises(DataError, match="row 3, field 'ID': '1' is forgotten too"):
        benchmarks.load(umu.write())


def test_the_same_picture_in_forget_and_retain(umu: UMU) -> None:
    for row in umu.rows["retain_75"]:
        row["image"] = umu.rows["forget_25"][0]["image"]
    with pytest.raises(UserError, match=r"entity '0' \(forget\) has the same picture as entity"):
        benchmarks.load(umu.write())
