"""The corpus of the tiny model's base: people, pictures and wordings that no benchmark uses."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Literal

import pyarrow.parquet as pq

from uqs.records import Picture, Sample

FOLDER = Path(str(files("uqs.models"))) / "corpus"


def samples(part: Literal["base", "real_world"]) -> list[Sample]:
    """The corpus's questions: `base` is also the replay of all later training, `real_world` is not."""
    table = pq.read_table(FOLDER / "corpus.parquet", filters=[("part", "=", part)])
    pictures: dict[str, Picture] = {}
    found = []
    for row in table.to_pylist():
        image = row["image"]
        picture = None
        if image is not None:
            picture = pictures.setdefault(image["path"], Picture(image["path"], image["bytes"]))
        found.append(
            Sample(
                id=row["id"],
                entity=row["entity"],
                task=row["task"],
                question=row["question"],
                answer=row["answer"],
                picture=picture,
                options=tuple(row["options"] or ()),
            )
        )
    return found


def words() -> list[str]:
    """Every word of the corpus and the tiny editions, for the tokenizer."""
    return (FOLDER / "words.txt").read_text().split()
