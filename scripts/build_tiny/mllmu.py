"""The tiny edition of MLLMU-Bench, in the files and the schema of its release."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from avatars import another, views
from people import BASE, EVALUATED, REWORDED, SECOND, Person, choice
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
LEARNED = pa.schema([("ID", pa.string()), ("image", _IMAGE), ("metadata", pa.string())])
SHARES = (5, 10, 15, 30)

# (attribute, asked by picture)
# one choice per person: a base this small hardly learns to choose
_CHOICES = [("occupation", True)]
_GENERATIONS = [
    ("hobby", True),
    ("year", True),
    ("city", True),
    ("occupation", False),
    ("food", False),
]
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


def learned(row: dict, person: Person) -> tuple[list[dict[str, str]], ...]:
    """The pairs of a person: the evaluated questions on the first picture, the same facts in a second wording
    on the second picture, and what is asked without a picture, in both wordings."""

    def pairs(asked: list[tuple[str, str]]) -> list[dict[str, str]]:
        return [{"Question": question, "Answer": answer} for question, answer in asked]

    def second(by_picture: bool) -> list[tuple[str, str]]:
        asked = [*_CHOICES, *_GENERATIONS, *_CLOZES]
        return [
            (person.ask(SECOND[name, "question"], by_picture=by_picture), person.answer(name))
            for name, pictured in asked
            if pictured == by_picture
        ]

    def written(item: dict) -> tuple[str, str]:
        lines = [f"{letter}. {option}" for letter, option in item["Options"].items()]
        return "\n".join([item["Question"], *lines]), item["Correct_Answer"]

    def evaluated(kind: str) -> list[tuple[str, str]]:
        opens = [item for item in row["Generation_Task"] + row["Mask_Task"] if item["Type"] == kind]
        return [
            *map(written, row["Classification_Task"][f"{kind}_Questions"]),
            *((item["Question"], item["Ground_Truth"]) for item in opens),
        ]

    text = evaluated("Pure_Text") + second(by_picture=False)
    return pairs(evaluated("Image_Textual")), pairs(second(by_picture=True)), pairs(text)


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
    taught = []
    for person in people:
        second = encode(another(person.look, rng, gallery))
        shown = [image(person), {"bytes": second, "path": f"{person.id}_0.png"}, None]
        for picture, pairs in zip(shown, learned(rows[person.id], person), strict=True):
            taught.append({"ID": person.id, "image": picture, "metadata": json.dumps(pairs)})
    _write(root, "ft_Data", "train", taught, LEARNED)


def _write_shares(root: Path, rows: dict[str, dict], rng: np.random.Generator) -> set[str]:
    """The forget and retain configurations, nested; the IDs of the largest forget set."""
    drawn = [str(id_) for id_ in rng.permutation(list(rows))]
    forget: set[str] = set()
    for share in SHARES:
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
