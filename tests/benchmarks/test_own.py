import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from uqs import benchmarks
from uqs.cli.app import app
from uqs.errors import DataError

Row = dict[str, Any]


def rows() -> list[Row]:
    parts = ["forget", "forget", "retain", "retain", "holdout", "holdout", "real_world"]
    return [
        {
            "entity": f"e{n}",
            "part": part,
            "question": "What is it?",
            "answer": f"thing {n}",
            "picture": f"pictures/{n}.png",
            "reworded": ["Which thing is it?"],
            "wrong": ["nothing"],
        }
        for n, part in enumerate(parts)
    ]


@pytest.fixture
def root(tmp_path: Path, draw: Any) -> Path:
    (tmp_path / "pictures").mkdir()
    for n in range(7):
        (tmp_path / "pictures" / f"{n}.png").write_bytes(draw(n))
    write(tmp_path, rows())
    return tmp_path


def write(root: Path, given: list[Row]) -> None:
    (root / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))


def test_samples_against_the_lines(root: Path) -> None:
    given = rows()
    given[2] |= {"options": ["thing 2", "sea", "sky"], "picture": None}
    write(root, given)
    found = benchmarks.load(f"own:{root}")
    assert {name: len(split) for name, split in found.evaluate.items()} == {
        "forget": 2,
        "retain": 2,
        "holdout": 2,
        "real_world": 1,
        "forget_reworded": 2,
    }
    first = found.learn["forget"].samples[0]
    assert (first.task, first.answer, first.wrong) == ("short", "thing 0", ("nothing",))
    assert first.picture is not None
    assert first.picture.data == (root / "pictures" / "0.png").read_bytes()
    choice = found.learn["retain"].samples[0]
    assert (choice.task, choice.answer, choice.options) == (
        "classification",
        "A",
        ("thing 2", "sea", "sky"),
    )
    (root / "pictures" / "0.png").write_bytes((root / "pictures" / "0.png").read_bytes() + b"\0")
    assert benchmarks.load(f"own:{root}").data_hash != found.data_hash


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        ({"part": "test"}, "part", "'test' is none of forget, retain, holdout, real_world"),
        ({"answer": ""}, "answer", "is empty"),
        ({"picture": "../x.png"}, "picture", "missing picture: no '../x.png'"),
        ({"picture": "pictures/none.png"}, "picture", "missing picture"),
        ({"entity": "e0"}, "entity", "'e0' is in forget too"),
        ({"task": "quiz"}, "task", "'quiz' is none of"),
        ({"task": "classification"}, "task", "needs options"),
        ({"task": "cloze", "options": ["a", "b"], "answer": "a"}, "task", "cannot have options"),
        ({"options": ["a", "b"]}, "answer", "'thing 3' is not among the options A to B"),
        ({"options": ["a", "", "c"]}, "options[1]", "is empty"),
        ({"wrong": ["thing 3"]}, None, "a wrong answer is empty or equals the right one"),
        ({"question": 3}, "question", "is int, not text"),
    ],
)
def test_bad_lines(root: Path, change: Row, field: str | None, problem: str) -> None:
    given = rows()
    given[3] |= change
    write(root, given)
    with pytest.raises(DataError) as caught:
        benchmarks.load(f"own:{root}")
    assert (caught.value.file, caught.value.row) == (str(root / "samples.jsonl"), 4)
    assert caught.value.field == field
    assert problem in caught.value.problem


def test_a_folder_names_its_judges(root: Path) -> None:
    assert benchmarks.load(f"own:{root}").judges == {}
    (root / "judges.json").write_text('{"short": "contains"}')
    assert benchmarks.load(f"own:{root}").judges == {"short": "contains"}
    assert benchmarks.judges_of(f"own:{root}&holdout=mmubench:tiny#2") == {"short": "contains"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"short": "contain"}', "unknown judge 'contain'; did you mean"),
        ('{"brief": "contains"}', "judge of an unknown task 'brief'"),
        ('{"short": "choice"}', "judge 'choice' is not for questions of task 'short'"),
        ('["contains"]', "must hold a rule for each task"),
        ('{"short": 1}', "must hold a rule for each task"),
        ('{"short": "strict", "short": "contains"}', "is given twice"),
        ("{", "JSON"),
    ],
)
def test_bad_judges(root: Path, text: str, told: str) -> None:
    (root / "judges.json").write_text(text)
    with pytest.raises(DataError) as caught:
        benchmarks.load(f"own:{root}")
    assert caught.value.file == str(root / "judges.json")
    assert told in caught.value.problem


def test_a_folder_without_the_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no samples\.jsonl"):
        benchmarks.load(f"own:{tmp_path}")


def test_validate_checks_a_folder(root: Path) -> None:
    """By the command line, as docs/adding_a_benchmark.md says."""
    said = CliRunner().invoke(app, ["validate", f"own:{root}"])
    assert said.exit_code == 0
    assert f"own:{root}: the data are valid" in said.output
    assert "learnt      forget 2 (entities: 2); retain 2 (entities: 2)" in said.output
    write(root, rows()[:3])
    said = CliRunner().invoke(app, ["validate", f"own:{root}"])
    assert isinstance(said.exception, DataError)
    assert "holds no question for the split 'holdout'" in str(said.exception)
