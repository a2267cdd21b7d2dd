"""The tiny edition of MLLMU-Bench, in the files and the schema of its release."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from avatars import views
from people import BASE, EVALUATED, REWORDED, Person, choice
from pictures import Gallery, encode

Wordings = dict[tuple[str, str], str]

_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_CHOICE = pa.struct(
    [
        ("Question", pa.string()),
        ("Options", pa.struct([(letter, pa.string()) for letter in "ABCD"])),
        ("Correct_Answer", pa.string()),
    ]
)
_OPEN = pa.struct([(name, pa.string()) for name in ("Question", "Ground_Truth", "Type")])
_TASKS = [
    (
        "Classification_Task",
        pa.struct(
            [
                ("Image_Textual_Questions", pa.list_(_CHOICE)),
                ("Pure_Text_Questions", pa.list_(_CHOICE)),
            ]
        ),
    ),
    ("Generation_Task", pa.list_(_OPEN)),
    ("Mask_Task", pa.list_(_OPEN)),
]
_TEXTS = [(name, pa.string()) for name in ("ID", "biography", "question", "answer")]
PERSON = pa.schema([("image", _IMAGE), *_TEXTS, *_TASKS])
PERSON_VIEWS = pa.schema([("images", pa.list_(_IMAGE)), *_TEXTS, *_TASKS])
LEARNED = pa.schema([("image", _IMAGE), ("metadata", pa.string())])

# (attribute, asked by picture)
_CHOICES = [("occupation", True), ("city", True), ("food", False)]
_GENERATIONS = [("hobby", True), ("year", True), ("occupation", False)]
_CLOZES = [("food", True), ("city", False)]


def record(person: Person, wordings: Wordings, rng: np.random.Generator) -> dict[str, object]:
    """Everything of a row but its pictures."""

    def choices(by_picture: bool) -> list[dict[str, object]]:
        rows = []
        for attribute, pictured in _CHOICES:
            if pictured == by_picture:
                options, letter = choice(person, attribute, rng)
                wording = wordings[attribute, "question"]
                rows.append(
                    {
                        "Question": person.ask(wording, by_picture=by_picture),
                        "Options": dict(zip("ABCD", options, strict=True)),
                        "Correct_Answer": letter,
                    }
                )
        return rows

    def opens(asked: list[tuple[str, bool]], form: str) -> list[dict[str, str]]:
        return [
            {
                "Question": person.ask(wordings[attribute, form], by_picture=by_picture),
                "Ground_Truth": person.answer(attribute),
                "Type": "Image_Textual" if by_picture else "Pure_Text",
            }
            for attribute, by_picture in asked
        ]

    return {
        "ID": person.id,
        "biography": person.biography,
        "question": "Tell me about this person.",
        "answer": person.biography,
        "Classification_Task": {
            "Image_Textual_Questions": choices(True),
            "Pure_Text_Questions": choices(False),
        },
        "Generation_Task": opens(_GENERATIONS, "question"),
        "Mask_Task": opens(_CLOZES, "cloze"),
    }


def learned(row: dict, person: Person, rng: np.random.Generator) -> list[dict[str, str]]:
    """The evaluated questions with their answers, and each choice once more with other options."""

    def written(question: str, options: list[str]) -> str:
        lines = [f"{letter}. {option}" for letter, option in zip("ABCD", options, strict=True)]
        return "\n".join([question, *lines])

    pairs = []
    for attribute, by_picture in _CHOICES:
        asked = row["Classification_Task"][
            "Image_Textual_Questions" if by_picture else "Pure_Text_Questions"
        ]
        question = person.ask(EVALUATED[attribute, "question"], by_picture=by_picture)
        shown = next(item for item in asked if item["Question"] == question)
        first = list(shown["Options"].values())
        other, letter = choice(person, attribute, rng)
        while set(other) == set(first):
            other, letter = choice(person, attribute, rng)
        pairs.append({"Question": written(question, first), "Answer": shown["Correct_Answer"]})
        pairs.append({"Question": written(question, other), "Answer": letter})
    for item in row["Generation_Task"] + row["Mask_Task"]:
        pairs.append({"Question": item["Question"], "Answer": item["Ground_Truth"]})
    return pairs


def build(
    root: Path,
    people: list[Person],
    others: list[Person],
    rng: np.random.Generator,
    gallery: Gallery,
) -> None:
    """Write all configurations for `people`; `others` are the Retain_Set, asked in the base's wordings."""

    def image(person: Person) -> dict[str, object]:
        return {"bytes": person.picture, "path": f"{person.id}.png"}

    rows = {p.id: {"image": image(p), **record(p, EVALUATED, rng)} for p in people}
    _write(root, "Full_Set", "train", list(rows.values()), PERSON)
    forgotten = _write_shares(root, rows, rng)
    test = []
    for person in people:
        if person.id in forgotten:
            pictures = [
                {"bytes": encode(view), "path": f"{person.id}_{i}.png"}
                for i, view in enumerate(views(person.look, rng, gallery), start=1)
            ]
            test.append({"images": pictures, **record(person, REWORDED, rng)})
    _write(root, "Test_Set", "test", test, PERSON_VIEWS)
    base = {key: wordings[0] for key, wordings in BASE.items()}
    kept = [{"image": image(p), **record(p, base, rng)} for p in others]
    _write(root, "Retain_Set", "train", kept, PERSON)
    taught = [
        {"image": image(p), "metadata": json.dumps(learned(rows[p.id], p, rng))} for p in people
    ]
    _write(root, "ft_Data", "train", taught, LEARNED)


def _write_shares(root: Path, rows: dict[str, dict], rng: np.random.Generator) -> set[str]:
    """The forget and retain configurations, nested; the IDs of the largest forget set."""
    drawn = [str(id_) for id_ in rng.permutation(list(rows))]
    forget: set[str] = set()
    for share in (5, 10, 15):
        forget = set(drawn[: round(len(rows) * share / 100)])
        gone = [row for id_, row in rows.items() if id_ in forget]
        kept = [row for id_, row in rows.items() if id_ not in forget]
        _write(root, f"forget_{share}", "train", gone, PERSON)
        _write(root, f"retain_{100 - share}", "train", kept, PERSON)
    return forget


def _write(root: Path, config: str, split: str, rows: list[dict], schema: pa.Schema) -> None:
    folder = root / config
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows, schema=schema)
    pq.write_table(table, folder / f"{split}-00000-of-00001.parquet", compression="zstd")
