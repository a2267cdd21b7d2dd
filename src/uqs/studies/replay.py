"""General questions that are mixed into training, so that a model keeps what its base knew."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

from uqs.errors import DataError
from uqs.models import corpus
from uqs.records import Picture, Sample

QUESTIONS = "questions.jsonl"
KEYS = ("question", "answer", "image")


def read_replay(folder: Path) -> tuple[Sample, ...]:
    """The questions of a folder: `questions.jsonl`, a line `{"question", "answer"}` each, with `image`, a
    picture's path in the folder, where it is about one.

    Raises DataError, with file, line and key, for what is missing, unreadable or outside the folder.
    """
    file = folder / QUESTIONS
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read ({error})", file=file, field="model.replay") from None
    found = [
        _sample(folder, file, number, line) for number, line in enumerate(lines, 1) if line.strip()
    ]
    if not found:
        raise DataError("has no question", file=file)
    return tuple(found)


def replay_hash(folder: Path) -> str:
    """Hash of the questions and pictures of a folder."""
    digest = hashlib.sha256()
    for one in read_replay(folder):
        picture = b"" if one.picture is None else hashlib.sha256(one.picture.data).digest()
        digest.update(json.dumps([one.question, one.answer]).encode() + b"\0" + picture)
    return digest.hexdigest()


def replayed(folder: str | None, user_base: bool) -> tuple[Sample, ...]:
    """What is replayed: the folder's questions, or what the shipped base was trained on, or nothing."""
    if folder is not None:
        return read_replay(Path(folder))
    return () if user_base else tuple(corpus.samples("base"))


def _sample(folder: Path, file: Path, number: int, line: str) -> Sample:
    def fault(problem: str, key: str | None = None) -> DataError:
        return DataError(problem, file=file, row=number, field=key)

    try:
        row: Any = json.loads(line)
    except ValueError as error:
        raise fault(f"is not JSON ({error})") from None
    if not isinstance(row, dict):
        raise fault("is no JSON object")
    for key in row:
        if key not in KEYS:
            raise fault(f"unknown key; known: {', '.join(KEYS)}", key)
    for key in ("question", "answer"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise fault("must be a text", key)
    name = row.get("image")
    picture = None
    if name is not None:
        if not isinstance(name, str):
            raise fault("must be the path of a picture in the folder", "image")
        at = (folder / name).resolve()
        if not at.is_relative_to(folder.resolve()):
            raise fault(f"{name!r} is outside the folder", "image")
        picture = _picture(at, name, fault)
    entity = f"replay-{number}"
    return Sample(entity, entity, "short", row["question"], row["answer"], picture)


def _picture(at: Path, name: str, fault: Any) -> Picture:
    from PIL import Image

    try:
        data = at.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            image.verify()
    except Exception as error:  # Pillow raises errors of many kinds
        raise fault(f"{name!r} is no readable picture ({error})", "image") from None
    return Picture(name, data)
