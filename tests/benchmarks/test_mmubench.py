import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from uqs import benchmarks
from uqs.errors import DataError
from uqs.records import Benchmark


@pytest.fixture
def root(copy: Callable[[str], Path]) -> Path:
    return copy("mmubench")


@pytest.fixture(scope="module")
def tiny() -> Benchmark:
    return benchmarks.load("mmubench:tiny", {"retain_limit": None})


def edit(root: Path, change: Callable[[dict[str, Any]], object]) -> None:
    facts = json.loads((root / "concepts.json").read_text())
    change(facts)
    (root / "concepts.json").write_text(json.dumps(facts))


def fails(root: Path, **options: object) -> DataError:
    with pytest.raises(DataError) as caught:
        benchmarks.load(f"mmubench:{root}", options)
    return caught.value


def test_samples_against_the_folders(tiny: Benchmark) -> None:
    root = benchmarks.edition_path("mmubench", "tiny")
    facts = json.loads((root / "concepts.json").read_text())
    every = [*tiny.learn["forget"].samples, *tiny.learn["retain"].samples]
    every += tiny.evaluate["holdout"].samples
    assert len(every) == 20 * 20 * 3 == len({sample.id for sample in every})
    answers = {
        wordings[0]: {
            concept: concept if name == "name" else known[name]
            for concept, known in facts["concepts"].items()
        }
        for name, wordings in facts["questions"].items()
    }
    for sample in every:
        assert sample.answer == answers[sample.question][sample.entity]
        assert sample.picture is not None
        assert sample.picture.data == (root / sample.entity / sample.picture.name).read_bytes()


def test_one_picture_is_unlearned_and_the_others_are_evaluated(tiny: Benchmark) -> None:
    every: dict[str, set[str]] = {}
    shown: dict[str, set[str]] = {}
    tested: dict[str, set[str]] = {}
    for split, pictures in (
        (tiny.learn["forget"], every),
        (tiny.unlearn["forget"], shown),
        (tiny.evaluate["forget"], tested),
    ):
        for sample in split.samples:
            assert sample.picture is not None
            pictures.setdefault(sample.entity, set()).add(sample.picture.name)
    for concept, names in every.items():
        assert (len(names), len(shown[concept]), len(tested[concept])) == (20, 1, 19)
        assert shown[concept] | tested[concept] == names
    assert tiny.unlearn["retain"] == tiny.learn["retain"]


def test_both_rewordings_are_asked(tiny: Benchmark) -> None:
    facts = json.loads((benchmarks.edition_path("mmubench", "tiny") / "concepts.json").read_text())
    asked = {sample.question for sample in tiny.evaluate["forget_reworded"].samples}
    assert asked == {
        wording for wordings in facts["questions"].values() for wording in wordings[1:]
    }


def test_without_facts_only_the_name_is_asked(root: Path, tiny: Benchmark) -> None:
    (root / "concepts.json").unlink()
    (root / "cat").rename(root / "big_cat")
    found = benchmarks.load(f"mmubench:{root}")
    every = [*found.learn["forget"].samples, *found.learn["retain"].samples]
    assert len(every) == 15 * 20
    assert {sample.question for sample in every} == {"What is shown here?"}
    answers = {s.answer for s in every} | {s.answer for s in found.evaluate["holdout"].samples}
    assert "big cat" in answers
    assert found.data_hash != tiny.data_hash


def test_hidden_files_are_not_read(root: Path, tiny: Benchmark) -> None:
    (root / ".cache").mkdir()
    (root / "cat" / ".DS_Store").write_bytes(b"x")
    assert (
        benchmarks.load(f"mmubench:{root}").data_hash == benchmarks.load("mmubench:tiny").data_hash
    )


def test_junk_in_scraped_folders(root: Path, tiny: Benchmark) -> None:
    (root / "__MACOSX" / "cat").mkdir(parents=True)
    (root / "__MACOSX" / "cat" / "._a.png").write_bytes(b"x")
    for name in ("Thumbs.db", "desktop.ini", "._palm.png"):
        (root / "cat" / name).write_bytes(b"x")
    found = benchmarks.load(f"mmubench:{root}", {"retain_limit": None})
    assert (found.evaluate, found.notes) == (tiny.evaluate, tiny.notes)


def test_moving_and_doubled_pictures_are_left_out_and_noted(
    root: Path, tiny: Benchmark, draw: Any
) -> None:
    concept = sorted((root / "cat").iterdir())
    with Image.open(concept[0]) as picture:
        picture.convert("RGBA").save(root / "cat" / "zz-again.png", compress_level=1)
        frames = [picture.convert("RGB"), Image.new("RGB", picture.size, "red")]
    frames[0].save(root / "cat" / "zz-moving.gif", save_all=True, append_images=frames[1:])
    found = benchmarks.load(f"mmubench:{root}", {"retain_limit": None})
    assert found.evaluate == tiny.evaluate
    noted = "\n".join(found.notes)
    assert "1 picture left out, being another of 'cat' (first: cat/zz-again.png)" in noted
    assert "1 animated GIF left out (first: cat/zz-moving.gif)" in noted


def test_stills_of_other_kinds_are_pictures(root: Path, draw: Any) -> None:
    before = benchmarks.load(f"mmubench:{root}", {"retain_limit": None})
    for name, kind in (("a.jfif", "JPEG"), ("b.gif", "GIF"), ("c.JPG", "JPEG")):
        (root / "cat" / name).write_bytes(draw(ord(name[0]), kind=kind))
    found = benchmarks.load(f"mmubench:{root}", {"retain_limit": None})

    def pictures(data: Benchmark) -> int:
        parts = (*data.learn.values(), data.evaluate["holdout"])
        return len({s.picture for p in parts for s in p.samples if s.entity == "cat"})

    assert pictures(found) == pictures(before) + 3


def test_one_picture_in_two_concepts_in_files_of_two_kinds(root: Path) -> None:
    first = sorted((root / "cat").iterdir())[0]
    with Image.open(first) as picture:
        picture.save(root / "tree" / "copy.png", compress_level=1)
    assert (root / "tree" / "copy.png").read_bytes() != first.read_bytes()
    error = fails(root)
    assert error.file == str(root / "tree" / "copy.png")
    assert str(first) in error.problem


def test_a_broken_picture(root: Path) -> None:
    picture = root / "tree" / "palm-tree-noto.png"
    picture.write_bytes(picture.read_bytes()[:150])
    error = fails(root)
    assert error.file == str(picture)
    assert "is not a readable picture" in error.problem
    picture.write_bytes(b"")
    assert fails(root).problem == "missing picture"


def test_a_file_that_is_no_picture(root: Path) -> None:
    (root / "tree" / "notes.txt").write_text("x")
    error = fails(root)
    assert error.file == str(root / "tree" / "notes.txt")
    assert "is no picture file" in error.problem


def test_a_concept_without_pictures(root: Path) -> None:
    (root / "nothing").mkdir()
    error = fails(root)
    assert error.file == str(root / "nothing")
    assert error.problem == "is a concept without pictures"


def test_one_picture_in_two_concepts(root: Path) -> None:
    first, second = root / "ball" / "baseball-noto.png", root / "star" / "copy.png"
    shutil.copy(first, second)
    error = fails(root)
    assert error.file == str(second)
    assert str(first) in error.problem


def test_a_forgotten_concept_with_one_picture(root: Path, tiny: Benchmark) -> None:
    concept = min(tiny.learn["forget"].entities)
    for picture in sorted((root / concept).iterdir())[1:]:
        picture.unlink()
    error = fails(root)
    assert error.file == str(root / concept)
    assert "needs two" in error.problem


def test_too_few_concepts(root: Path) -> None:
    assert "has 20 entities; 15 + 5" in fails(root, forget=15).problem


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "one folder of pictures per concept" in fails(tmp_path).problem


@pytest.mark.parametrize(
    ("change", "row", "field", "problem"),
    [
        (lambda f: f.update(more=1), None, None, "is no object of 'questions' and 'concepts'"),
        (lambda f: f.update(questions={}), None, "questions", "is no object with entries"),
        (lambda f: f.update(concepts=[]), None, "concepts", "is no object with entries"),
        (lambda f: f["concepts"].pop("cat"), "cat", "concepts", "missing concept"),
        (lambda f: f["concepts"]["cat"].pop("place"), "cat", "place", "is empty"),
        (lambda f: f["concepts"]["cat"].update(place=" "), "cat", "place", "is empty"),
        (lambda f: f["concepts"]["cat"].update(place=5), "cat", "place", "is int, not text"),
        (lambda f: f["concepts"].update(lion={}), "lion", "concepts", "has no folder of pictures"),
        (lambda f: f["questions"].update(place=["Where?"]), "place", "questions", "a rewording"),
        (lambda f: f["questions"].update(place="Where?"), "place", "questions", "not a list"),
        (lambda f: f["questions"].update(size=["Big?", "Tall?"]), "ball", "size", "is empty"),
    ],
)
def test_bad_facts(
    root: Path,
    change: Callable[[dict[str, Any]], object],
    row: str | None,
    field: str | None,
    problem: str,
) -> None:
    edit(root, change)
    error = fails(root)
    assert (error.file, error.row, error.field) == (str(root / "concepts.json"), row, field)
    assert problem in error.problem


def test_facts_that_are_no_json(root: Path) -> None:
    (root / "concepts.json").write_text("{\n")
    assert "is not valid JSON" in fails(root).problem


def test_facts_under_another_name_are_told(root: Path) -> None:
    (root / "concepts.json").rename(root / "concept.json")
    error = fails(root)
    assert error.file == str(root / "concept.json")
    assert "questions stand in concepts.json" in str(error)
