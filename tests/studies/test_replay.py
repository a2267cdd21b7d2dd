from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from uqs.errors import DataError
from uqs.models import corpus
from uqs.studies.replay import read_replay, replay_hash, replayed


def write(folder: Path, *rows: Any) -> Path:
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return folder


def picture(at: Path, colour: str = "red") -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(buffer, "PNG")
    at.write_bytes(buffer.getvalue())


def test_questions_with_and_without_a_picture(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    asked = {"question": "What is it?", "answer": "red", "image": "a.png"}
    write(tmp_path, asked, {"question": "Who?", "answer": "She."})
    one, two = read_replay(tmp_path)
    assert (one.question, one.answer) == ("What is it?", "red")
    assert one.picture is not None
    assert one.picture.data == (tmp_path / "a.png").read_bytes()
    assert two.picture is None
    before = replay_hash(tmp_path)
    picture(tmp_path / "a.png", "blue")
    assert replay_hash(tmp_path) != before


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ([1], "row 1: is no JSON object"),
        ({"question": "Q"}, "row 1, field 'answer': must be a text"),
        ({"question": " ", "answer": "A"}, "row 1, field 'question': must be a text"),
        ({"question": "Q", "answer": "A", "picture": "a"}, "field 'picture': unknown key; known"),
        ({"question": "Q", "answer": "A", "image": "../a"}, "field 'image': '../a' is outside"),
        ({"question": "Q", "answer": "A", "image": "no.png"}, "'no.png' is no readable picture"),
        ({"question": "Q", "answer": "A", "image": "questions.jsonl"}, "is no readable picture"),
    ],
)
def test_bad_lines_name_file_row_and_field(tmp_path: Path, row: Any, told: str) -> None:
    with pytest.raises(DataError, match=rf"questions\.jsonl, .*{told}"):
        read_replay(write(tmp_path, row))


def test_an_empty_or_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_replay(tmp_path)
    with pytest.raises(DataError, match="has no question"):
        read_replay(write(tmp_path))


def test_only_the_shipped_base_replays_its_own_corpus() -> None:
    assert replayed(None, user_base=True) == ()
    assert replayed(None, user_base=False) == tuple(corpus.samples("base"))
