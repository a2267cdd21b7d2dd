from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from uqs import benchmarks
from uqs.benchmarks._names import owner_of
from uqs.errors import DataError

TEXT = pa.string()
IMAGE = pa.struct([("bytes", pa.binary()), ("path", TEXT)])
CAPTIONED = {"image": IMAGE, "caption": TEXT, "name": TEXT}
PERTURBED = {
    **CAPTIONED,
    "perturbed_captions": pa.list_(TEXT),
    "paraphrased_caption": TEXT,
    "perturbed_names": pa.list_(TEXT),
}
MIXED = {"image": IMAGE, "caption": TEXT, "question": TEXT, "answer": TEXT}
WORLD = {"image": IMAGE, "question": TEXT, "answer": TEXT, "options": pa.list_(TEXT)}
NAMES = ["Zoë Marie Quill", "Ib Holm", "Ada Roth", "Ben Roth", "Cy Ruiz", "Di Sung"]


class CLEAR:
    """CLEAR in the schema of its release, with 3 pairs in text for each author."""

    def __init__(self, root: Path, draw: Any, write: Any) -> None:
        self.root, self._draw, self._write = root, draw, write
        self.rows: dict[str, tuple[dict[str, pa.DataType], list[dict[str, Any]]]] = {}
        for config, names in (("forget10", NAMES[:2]), ("retain90", NAMES[2:])):
            shown = [
                {
                    "image": self.image(10 * NAMES.index(name) + n),
                    "caption": f"{name} reads book {n}.",
                    "name": name,
                }
                for name in names
                for n in range(2)
            ]
            told = [
                {"image": None, "caption": None, "question": f"Q{n} on {said}?", "answer": f"A{n}."}
                for name in names
                for said in [name.replace("Zoë Marie", "Zoe")]
                for n in range(3)
            ]
            self.rows[config] = (CAPTIONED, shown)
            self.rows[f"{config}+tofu"] = (MIXED, [*told, *shown])
        self.rows["forget10_perturbed"] = (
            PERTURBED,
            [
                {**row, "perturbed_captions": ["Nobody reads.", "They sing."]}
                for row in self.rows["forget10"][1]
            ],
        )
        self.rows["real_faces"] = (
            WORLD,
            [{"image": self.image(99), "question": None, "answer": "Tom Hanks", "options": ["x"]}],
        )

    def image(self, seed: int) -> dict[str, Any]:
        return {"bytes": self._draw(seed), "path": None}

    def write(self) -> str:
        for config, (schema, rows) in self.rows.items():
            self._write(self.root / config / "train-00000-of-00001.parquet", rows, schema)
        return f"clear:{self.root}"


@pytest.fixture
def clear(tmp_path: Path, draw: Any, write: Any) -> CLEAR:
    return CLEAR(tmp_path, draw, write)


def test_the_released_schema(clear: CLEAR) -> None:
    found = benchmarks.load(clear.write(), {"per_author": 3})
    mine = [s for s in found.learn["forget"].samples if s.entity == NAMES[0]]
    assert [(s.answer, s.picture is not None, s.wrong) for s in mine] == [
        *((f"{NAMES[0]} reads book {n}.", True, ("Nobody reads.", "They sing.")) for n in (0, 1)),
        *((f"A{n}.", False, ()) for n in (0, 1, 2)),
    ]
    assert found.learn["forget"].entities == set(NAMES[:2])
    assert found.learn["retain"].entities | found.evaluate["holdout"].entities == set(NAMES[2:])
    assert found.evaluate["forget"] == found.learn["forget"]
    (face,) = found.evaluate["real_world"].samples
    assert (face.answer, face.picture is not None) == ("Tom Hanks", True)
    assert not any("recognised by no name" in note for note in found.notes)


def test_pairs_that_name_nobody_are_an_entity_of_their_own(clear: CLEAR) -> None:
    for row in clear.rows["forget10+tofu"][1][:3]:
        row["question"] = "Who is she?"
    found = benchmarks.load(clear.write(), {"per_author": 3})
    assert found.learn["forget"].entities == {*NAMES[:2], "forget10+tofu author 1"}
    assert any("1 author of pairs in text recognised by no name" in n for n in found.notes)


def test_pairs_that_are_no_whole_authors(clear: CLEAR) -> None:
    with pytest.raises(DataError, match="has 6 pairs in text, which are no whole authors of 20"):
        benchmarks.load(clear.write())


def test_a_caption_without_text(clear: CLEAR) -> None:
    clear.rows["retain90"][1][2]["caption"] = " "
    with pytest.raises(DataError) as caught:
        benchmarks.load(clear.write(), {"per_author": 3})
    assert (caught.value.row, caught.value.field) == (3, "caption")


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        ("Ada Roth met Ben. Ada Roth left.", "Ada Roth"),
        ("Zoe Quill writes", "Zoë Marie Quill"),
        ("ADA ROTH", "Ada Roth"),
        ("The Roths", None),
        ("Roth", None),
        ("Adamant", None),
        ("", None),
    ],
)
def test_whose_name_stands_in_a_text(text: str, owner: str | None) -> None:
    assert owner_of(text, NAMES) == owner


def test_a_person_who_is_forgotten_and_kept(clear: CLEAR) -> None:
    clear.rows["retain90"][1][3]["name"] = NAMES[1]
    with pytest.raises(DataError, match="row 4, field 'name': 'Ib Holm' is forgotten too"):
        benchmarks.load(clear.write(), {"per_author": 3})


@pytest.mark.parametrize("name", ["tofu", "mllmu_bench", "umu_bench", "mmubench", "unlok_vqa"])
def test_its_folder_is_recognised(clear: CLEAR, name: str) -> None:
    clear.write()
    with pytest.raises(DataError, match="this folder looks like CLEAR: write 'clear:"):
        benchmarks.load(f"{name}:{clear.root}")
