import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from uqs import benchmarks
from uqs.errors import DataError

Row = dict[str, Any]


def lines(file: Path, rows: Sequence[Row]) -> None:
    """JSON lines, which the release calls *.json."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def pairs(first: int, count: int) -> list[Row]:
    return [
        {"question": f"What did author {n // 20} do in {n}?", "answer": f"She wrote {n} poems."}
        for n in range(first, first + count)
    ]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    forget = pairs(1000, 40)
    lines(tmp_path / "forget10.json", forget)
    lines(tmp_path / "forget05.json", forget[:20])
    lines(tmp_path / "retain90.json", pairs(0, 120))
    lines(
        tmp_path / "forget10_perturbed.json",
        [
            {
                **row,
                "paraphrased_answer": f"Poems: {row['answer']}",
                "perturbed_answer": ["She wrote none.", "She sang.", "She wrote none."],
                "paraphrased_question": f"Say: {row['question']}",
            }
            for row in forget
        ],
    )
    lines(
        tmp_path / "real_authors.json",
        [
            {"question": "Who wrote Emma?", "answer": "Jane Austen", "option1": "Jane Austen"},
            {"question": "Who wrote Ulysses?", "answer": "James Joyce", "option1": "Homer"},
        ],
    )
    return tmp_path


def test_the_released_schema(root: Path) -> None:
    found = benchmarks.load(f"tofu:{root}", {"retain_limit": None})
    assert [(s.question, s.answer) for s in found.learn["forget"].samples] == [
        (row["question"], row["answer"]) for row in pairs(1000, 40)
    ]
    first = found.evaluate["forget"].samples[0]
    assert first.wrong == ("She wrote none.", "She sang.")
    assert [len(found.evaluate[n].entities) for n in ("forget", "holdout", "retain")] == [2, 2, 4]
    reworded = found.evaluate["forget_reworded"].samples
    assert [s.question for s in reworded] == [f"Say: {r['question']}" for r in pairs(1000, 40)]
    assert [s.entity for s in reworded] == [s.entity for s in found.learn["forget"].samples]
    assert {s.picture for s in found.evaluate["forget"].samples} == {None}
    assert [s.answer for s in found.evaluate["real_world"].samples] == [
        "Jane Austen",
        "James Joyce",
    ]
    assert "pairs of forget10: 40 here, 400 in the release" in found.notes


def test_without_perturbed_files_a_split_is_left_out_and_noted(root: Path) -> None:
    (root / "forget10_perturbed.json").unlink()
    (root / "real_authors.json").unlink()
    found = benchmarks.load(f"tofu:{root}")
    assert set(found.evaluate) == {"forget", "retain", "holdout"}
    for split in ("forget_reworded", "real_world"):
        assert f"no files or no question for the split {split}, which is left out" in found.notes


def test_rows_that_are_no_whole_authors(root: Path) -> None:
    lines(root / "retain90.json", pairs(0, 119))
    with pytest.raises(DataError, match="has 119 pairs, which are no whole authors of 20"):
        benchmarks.load(f"tofu:{root}")
    assert benchmarks.load(f"tofu:{root}", {"per_author": 1}).learn["forget"].entities


def test_a_blank_answer_would_shift_the_authors(root: Path) -> None:
    lines(root / "retain90.json", [*pairs(0, 2), {"question": "Who?", "answer": " "}])
    with pytest.raises(DataError) as caught:
        benchmarks.load(f"tofu:{root}")
    assert (caught.value.row, caught.value.field) == (3, "answer")


def test_its_folder_is_recognised(root: Path) -> None:
    with pytest.raises(DataError, match="this folder looks like TOFU: write 'tofu:"):
        benchmarks.load(f"unlok_vqa:{root}")
