"""Copies of the embedded editions, to be damaged, and small editions with the schemas of the releases."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from uqs import benchmarks

Row = dict[str, Any]
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
TEXT = pa.string()


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], Path]:
    def make(name: str) -> Path:
        target = tmp_path / name
        shutil.copytree(benchmarks.edition_path(name, "tiny"), target)
        return target

    return make


def drawn(seed: int, kind: str = "PNG", **options: Any) -> bytes:
    """A picture of random blocks in a file of that kind."""
    blocks = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.kron(blocks, np.ones((4, 4, 1), np.uint8))).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def draw() -> Callable[..., bytes]:
    return drawn


def write_parquet(file: Path, rows: Sequence[Row], schema: Mapping[str, pa.DataType]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(list(schema.items()))), file)


@pytest.fixture(scope="session")
def write() -> Callable[..., None]:
    return write_parquet


OPTIONS = pa.struct([(letter, TEXT) for letter in "ABCD"])
CHOICES = pa.list_(pa.struct([("Question", TEXT), ("Options", OPTIONS), ("Correct_Answer", TEXT)]))
OPEN = pa.list_(pa.struct([("Question", TEXT), ("Ground_Truth", TEXT), ("Type", TEXT)]))
TASKS = {
    "ID": TEXT,
    "biography": TEXT,
    "question": TEXT,
    "answer": TEXT,
    "Classification_Task": pa.struct(
        [("Image_Textual_Questions", CHOICES), ("Pure_Text_Questions", CHOICES)]
    ),
    "Generation_Task": OPEN,
    "Mask_Task": OPEN,
}
PERSON = {"image": IMAGE, **TASKS}
TESTED = {"images": pa.list_(IMAGE), **TASKS}
TAUGHT = {"image": IMAGE, "metadata": TEXT}


class MLLMU:
    """MLLMU-Bench in the schema of its release: of 10 people 2 are forgotten; rows can be changed, and are
    written by `write`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        people = [f"{n:03d}" for n in range(10)]
        self.rows: dict[str, list[Row]] = {
            "forget_20": [self._person(id_) for id_ in people[:2]],
            "retain_80": [self._person(id_) for id_ in people[2:]],
            "Test_Set": [self._tested(id_) for id_ in people],
            "Retain_Set": [self._person(f"R{n}", 500 + n) for n in range(2)],
            "ft_Data": [self._taught(id_) for id_ in people],
        }

    @staticmethod
    def _image(seed: int, **options: Any) -> Row:
        return {"bytes": drawn(seed, **options), "path": f"{seed}.png"}

    def _person(self, id_: str, seed: int | None = None) -> Row:
        choice = {
            "Question": "Where does the person live?",
            "Options": {"A": f"Town {id_}", "B": "Oslo", "C": "Rome", "D": "Bonn"},
            "Correct_Answer": "A",
        }
        named = {
            **choice,
            "Options": dict(choice["Options"]),
            "Question": f"Where does Person {id_} live?",
        }
        return {
            "image": self._image(int(id_) if seed is None else seed),
            "ID": id_,
            "biography": f"Person {id_} lives in Town {id_}.",
            "question": "Who is this?",
            "answer": f"Person {id_}",
            "Classification_Task": {
                "Image_Textual_Questions": [choice],
                "Pure_Text_Questions": [named],
            },
            "Generation_Task": [
                {
                    "Question": "What does the person do?",
                    "Ground_Truth": f"The person is painter number {id_}.",
                    "Type": "Image_Textual",
                }
            ],
            "Mask_Task": [
                {
                    "Question": f"Person {id_} studied at [Blank].",
                    "Ground_Truth": f"School {id_}",
                    "Type": "Pure_Text",
                }
            ],
        }

    def _tested(self, id_: str) -> Row:
        row = self._person(id_)
        views = [self._image(100 + 10 * int(id_) + n) for n in range(3)]
        return {**{k: v for k, v in row.items() if k != "image"}, "images": views}

    def _taught(self, id_: str) -> Row:
        pairs = [
            {"Question": "What does the person do?", "Answer": f"Painter number {id_}."},
            {"Question": f"Person {id_} studied at [Blank].", "Answer": f"School {id_}"},
        ]
        return {"image": self._image(int(id_)), "metadata": json.dumps(pairs)}

    def pairs(self, change: Callable[[str, list[Row]], Any]) -> None:
        """Change the pairs of each row of ft_Data, given its person; what comes back is written as JSON."""
        for number, row in enumerate(self.rows["ft_Data"]):
            given = json.loads(row["metadata"])
            changed = change(f"{number:03d}", given)
            row["metadata"] = changed if isinstance(changed, str) else json.dumps(changed)

    def write(self) -> str:
        """Write the files; the benchmark's spec."""
        for config, rows in self.rows.items():
            schema = {"Test_Set": TESTED, "ft_Data": TAUGHT}.get(config, PERSON)
            write_parquet(self.root / config / "train-00000-of-00001.parquet", rows, schema)
        return f"mllmu_bench:{self.root}"


@pytest.fixture
def mllmu(tmp_path: Path) -> MLLMU:
    return MLLMU(tmp_path)
