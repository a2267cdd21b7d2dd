import json
from pathlib import Path
from typing import Any

import pytest

from uqs import benchmarks
from uqs.errors import DataError

Row = dict[str, Any]


class FIU:
    """FIUBench in the schema of its release; the paths of its pictures begin where its authors worked."""

    def __init__(self, root: Path, draw: Any) -> None:
        self.root = root
        (root / "SFHQ").mkdir()
        self.people = [self._person(n) for n in range(8)]
        for n in range(8):
            (root / "SFHQ" / f"face_{n}.jpg").write_bytes(draw(n, kind="JPEG"))
        self.split: dict[str, Any] = {"forget1": ["p7"], "forget10": ["p0", "p1"]}

    @staticmethod
    def _person(n: int) -> Row:
        pair = {
            "question": "What is the person's income?",
            "answer": f"It is {n}00 euros.",
            "paraphrased_question": ["How much do they earn?", "Say their income."],
            "paraphrased_answer": f"{n}00 euros",
            "perturbed_answer": ["It is 1 euro.", "It is 2 euros."],
            "keywords": [f"{n}00"],
        }
        return {
            "unique_id": f"p{n}",
            "image_path": f"./dataset/SFHQ/face_{n}.jpg",
            "caption": "a face",
            "qa_list": [pair],
        }

    def write(self, lines: bool = False) -> str:
        text = "\n".join(map(json.dumps, self.people)) if lines else json.dumps(self.people)
        (self.root / "full.json").write_text(text)
        (self.root / "split.json").write_text(json.dumps(self.split))
        return f"fiubench:{self.root}"


@pytest.fixture
def fiu(tmp_path: Path, draw: Any) -> FIU:
    return FIU(tmp_path, draw)


@pytest.mark.parametrize("lines", [False, True])
def test_the_released_schema(fiu: FIU, lines: bool) -> None:
    found = benchmarks.load(fiu.write(lines))
    (first, _) = found.learn["forget"].samples
    assert (first.question, first.answer) == ("What is the person's income?", "It is 000 euros.")
    assert first.wrong == ("It is 1 euro.", "It is 2 euros.")
    assert first.picture is not None
    assert first.picture.data == (fiu.root / "SFHQ" / "face_0.jpg").read_bytes()
    assert [s.question for s in found.evaluate["forget_reworded"].samples] == [
        "How much do they earn?",
        "Say their income.",
    ] * 2
    kept = found.learn["retain"].entities | found.evaluate["holdout"].entities
    assert kept == {"p2", "p3", "p4", "p5", "p6"}
    assert "not used: 1 people of the other lists of split.json" in found.notes


def test_only_the_first_people_are_used(fiu: FIU) -> None:
    fiu.split["forget1"] = ["p0"]
    found = benchmarks.load(fiu.write(), {"first": 7})
    assert "p7" not in found.learn["retain"].entities | found.evaluate["holdout"].entities
    assert "used are the first 7 people of full.json, as in the release" in found.notes


def test_bad_files(fiu: FIU) -> None:
    fiu.people[4]["qa_list"][0]["answer"] = None
    with pytest.raises(DataError, match="row 5, field 'qa_list': is empty"):
        benchmarks.load(fiu.write())
    fiu.people[4] = {**fiu.people[5], "unique_id": "p4", "image_path": "../../secret.jpg"}
    with pytest.raises(DataError, match="row 5, field 'image_path': missing picture"):
        benchmarks.load(fiu.write())
    fiu.people[4] = {**fiu.people[3], "unique_id": "p4"}
    fiu.split["forget5"] = ["nobody"]
    with pytest.raises(DataError, match="field 'forget5': 'nobody' is nobody"):
        benchmarks.load(fiu.write(), {"forget": 5})


def test_the_same_picture_in_forget_and_retain(fiu: FIU) -> None:
    for n in range(2, 7):
        fiu.people[n]["image_path"] = "SFHQ/face_1.jpg"
    with pytest.raises(Exception, match="has the same picture as entity 'p"):
        benchmarks.load(fiu.write())
