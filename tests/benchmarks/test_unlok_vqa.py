import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from uqs import benchmarks
from uqs.errors import DataError, UserError
from uqs.records import Benchmark

Records = list[dict[str, Any]]


@pytest.fixture
def root(copy: Callable[[str], Path]) -> Path:
    return copy("unlok_vqa")


@pytest.fixture(scope="module")
def tiny() -> Benchmark:
    return benchmarks.load("unlok_vqa:tiny", {"retain_limit": None})


def records_of(root: Path) -> Records:
    found: Records = json.loads((root / "unlok_vqa.json").read_text())
    return found


def edit(root: Path, change: Callable[[Records], None]) -> None:
    records = records_of(root)
    change(records)
    (root / "unlok_vqa.json").write_text(json.dumps(records))


def put(field: str, value: object) -> Callable[[Records], None]:
    """A change of the seventh record."""
    return lambda records: records[6].__setitem__(field, value)


def fails(root: Path, **options: object) -> DataError:
    with pytest.raises(DataError) as caught:
        benchmarks.load(f"unlok_vqa:{root}", options)
    return caught.value


def test_samples_against_the_records(tiny: Benchmark) -> None:
    root = benchmarks.edition_path("unlok_vqa", "tiny")
    records = {str(record["id"]): record for record in records_of(root)}
    found = {
        sample.id: sample
        for split in ("forget", "retain", "holdout")
        for sample in tiny.evaluate[split].samples
    }
    assert set(found) == set(records)
    for id_, sample in found.items():
        record = records[id_]
        assert (sample.question, sample.answer) == (record["src"], record["pred"])
        assert sample.entity == str(record["image_id"])
        assert sample.picture is not None
        assert sample.picture.data == (root / "images" / f"{sample.entity}.png").read_bytes()
    assert all(sample.picture is None for sample in tiny.evaluate["neighbour"].samples)


def test_all_questions_about_a_picture_stay_together(tiny: Benchmark) -> None:
    parts = [tiny.evaluate[name].entities for name in ("forget", "holdout", "retain")]
    assert [len(part) for part in parts] == [20, 20, 30]
    assert len(frozenset.union(*parts)) == 70


def test_another_seed_draws_others(tiny: Benchmark) -> None:
    other = benchmarks.load("unlok_vqa:tiny", {"seed": 1})
    assert other.evaluate["forget"].entities != tiny.evaluate["forget"].entities


def test_neighbours_as_the_release_asks_them(root: Path) -> None:
    """With the record's picture, the mark of the release taken off, and per picture, not per question."""
    edit(
        root,
        lambda records: (
            [
                record.update(loc=["nq question: Is it windy?"], loc_ans=["Yes"])
                for record in records
            ]
            and None
        ),
    )
    shown = benchmarks.load(f"unlok_vqa:{root}", {"neighbour_picture": True}).evaluate["neighbour"]
    assert {sample.question for sample in shown.samples} == {"Is it windy?"}
    assert len(shown) == 20 == len({sample.picture for sample in shown.samples})
    assert len(benchmarks.load(f"unlok_vqa:{root}").evaluate["neighbour"]) == 1


def test_a_rewording_that_rewords_nothing_is_not_asked(root: Path) -> None:
    edit(
        root,
        lambda records: (
            [r.update(rephrase=[r["src"], r["src"] + " Say!"] * 2) for r in records] and None
        ),
    )
    found = benchmarks.load(f"unlok_vqa:{root}").evaluate["forget_reworded"]
    assert len(found) == 240
    assert all(sample.question.endswith("Say!") for sample in found.samples)


def test_pictures_named_as_in_coco(root: Path, tiny: Benchmark) -> None:
    for picture in (root / "images").iterdir():
        picture.rename(picture.with_name(picture.stem.zfill(12) + ".png"))
    found = benchmarks.load(f"unlok_vqa:{root}", {"retain_limit": None})
    assert {s.id: s.picture.data for s in found.learn["forget"].samples if s.picture} == {
        s.id: s.picture.data for s in tiny.learn["forget"].samples if s.picture
    }


@pytest.mark.parametrize(
    ("field", "value", "where", "problem"),
    [
        ("src", "", "src", "is empty"),
        ("pred", " ", "pred", "is empty"),
        ("pred", 3, "pred", "is int, not text"),
        ("id", None, "id", "is empty"),
        ("id", 1, "id", "'1' appears twice"),
        ("image_id", 2.5, "image_id", "is float, not text"),
        ("image_id", 777, "image_id", "missing picture: no 777.png"),
        ("rephrase", 3, "rephrase", "is int, not a list"),
        ("rephrase", ["What?", 3], "rephrase[1]", "is int, not text"),
        ("rephrase", "[What?", "rephrase", "is not valid JSON"),
        ("loc", ["Where?", "Who?"], "loc_ans", "has 1 answers to the 2 questions"),
        ("loc", [3], "loc[0]", "is int, not text"),
    ],
)
def test_bad_values(root: Path, field: str, value: object, where: str, problem: str) -> None:
    edit(root, put(field, value))
    error = fails(root)
    assert (error.file, error.row, error.field) == (str(root / "unlok_vqa.json"), 7, where)
    assert problem in error.problem
    assert "\n" not in str(error)


@pytest.mark.parametrize("field", ["id", "src", "pred", "rephrase", "loc", "loc_ans", "image_id"])
def test_a_missing_field(root: Path, field: str) -> None:
    edit(root, lambda records: records[6].pop(field) and None)
    error = fails(root)
    assert (error.row, error.field, error.problem) == (7, field, "missing field")


@pytest.mark.parametrize(
    ("text", "row", "problem"),
    [
        ('[\n{"id": 1},\n{"id": 2,}\n]', "3", "is not valid JSON"),
        ("{}", None, "is no list of records"),
        ("[]", None, "is no list of records"),
        ('["x"]', 1, "is no object"),
        ("", "1", "is not valid JSON"),
    ],
)
def test_files_that_are_no_list_of_records(
    root: Path, text: str, row: object, problem: str
) -> None:
    (root / "unlok_vqa.json").write_text(text)
    error = fails(root)
    assert (error.file, error.row) == (str(root / "unlok_vqa.json"), row)
    assert problem in error.problem


def test_text_in_another_encoding(root: Path) -> None:
    (root / "unlok_vqa.json").write_bytes('["Å"]'.encode("latin-1"))
    assert fails(root).problem == "is no UTF-8 text"


def test_no_file_or_several(root: Path) -> None:
    (root / "more.json").write_text((root / "unlok_vqa.json").read_text())
    assert (
        "has 2 files with records, one is needed: more.json, unlok_vqa.json" in fails(root).problem
    )
    for name in ("more", "unlok_vqa"):
        (root / f"{name}.json").unlink()
    assert "has no *.json file with records" in fails(root).problem


def test_a_missing_and_a_broken_picture(root: Path) -> None:
    picture = root / "images" / "5.png"
    picture.write_bytes(picture.read_bytes()[:200])
    error = fails(root)
    assert error.file == str(picture)
    assert "is not a readable picture" in error.problem
    picture.unlink()
    error = fails(root)
    assert (error.row, error.field) == (49, "image_id")
    assert "missing picture" in error.problem


def test_one_picture_under_two_ids(root: Path) -> None:
    (root / "images" / "9.png").write_bytes((root / "images" / "8.png").read_bytes())
    error = fails(root)
    assert (error.row, error.field) == (97, "image_id")
    assert "is the same picture as that of '8'" in error.problem


def test_too_few_pictures(root: Path) -> None:
    assert (
        "has 70 entities; 40 + 30 and at least one more"
        in fails(root, forget=40, holdout=30).problem
    )


@pytest.mark.parametrize(
    ("change", "split"),
    [({"rephrase": []}, "forget_reworded"), ({"loc": [], "loc_ans": []}, "neighbour")],
)
def test_no_question_for_a_split(root: Path, change: dict[str, object], split: str) -> None:
    edit(root, lambda records: [record.update(change) for record in records] and None)
    assert fails(root).problem == f"holds no question for the split {split!r}"


def text_of(root: Path) -> str:
    return (root / "unlok_vqa.json").read_text()


def noted(found: Benchmark) -> str:
    return "\n".join(found.notes)


def test_null_lists_and_blank_strings(root: Path) -> None:
    def change(records: Records) -> None:
        for record in records:
            record["loc"] = ["nq question: Where is it?", " ", "Who is it?"]
            record["loc_ans"] = ["There", "Nowhere", ""]
            record["rephrase"] = ["Reworded?", None, ""]
        records[6] |= {"rephrase": None, "loc": None, "loc_ans": None}

    edit(root, change)
    found = benchmarks.load(f"unlok_vqa:{root}", {"neighbour_picture": True})
    assert {(s.question, s.answer) for s in found.evaluate["neighbour"].samples} == {
        ("Where is it?", "There")
    }
    assert {s.question for s in found.evaluate["forget_reworded"].samples} == {"Reworded?"}
    count = len(records_of(root))
    assert f"{count - 1} blank rewordings left out" in noted(found)
    assert f"{2 * (count - 1)} neighbouring questions left out, blank or unanswered" in noted(found)
    assert "3 lists null, read as empty" in noted(found)


def test_lists_that_are_texts(root: Path) -> None:
    edit(
        root,
        lambda records: (
            [
                r.update(rephrase="What's it?", loc="['Where?', \"Who's?\"]", loc_ans='["x", "y"]')
                for r in records
            ]
            and None
        ),
    )
    found = benchmarks.load(f"unlok_vqa:{root}")
    assert {s.question for s in found.evaluate["forget_reworded"].samples} == {"What's it?"}
    assert {(s.question, s.answer) for s in found.evaluate["neighbour"].samples} == {
        ("Where?", "x"),
        ("Who's?", "y"),
    }
    assert "read as a Python literal" in noted(found)
    assert "read as a list of one" in noted(found)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("images", "COCO_train2014_{:012d}.png"),
        ("train2017", "{:012d}.png"),
        ("images/val2014", "COCO_val2014_{:012d}.png"),
        (".", "{}.png"),
    ],
)
def test_pictures_in_cocos_names_and_folders(
    root: Path, tiny: Benchmark, folder: str, name: str
) -> None:
    place = root / folder
    place.mkdir(exist_ok=True)
    for picture in sorted((root / "images").glob("*.png")):
        picture.rename(place / name.format(int(picture.stem)))
    found = benchmarks.load(f"unlok_vqa:{root}", {"retain_limit": None})
    assert {s.id: s.picture.data for s in found.learn["forget"].samples if s.picture} == {
        s.id: s.picture.data for s in tiny.learn["forget"].samples if s.picture
    }


def test_pictures_spread_over_folders_that_contradict(root: Path) -> None:
    (root / "val2017").mkdir()
    same = root / "val2017" / "000000000005.png"
    same.write_bytes((root / "images" / "5.png").read_bytes())
    benchmarks.load(f"unlok_vqa:{root}")
    same.write_bytes((root / "images" / "6.png").read_bytes())
    error = fails(root)
    assert (error.row, error.field) == (49, "image_id")
    assert "has two pictures, which differ" in error.problem


def test_a_picture_that_is_a_git_lfs_pointer(root: Path) -> None:
    (root / "images" / "5.png").write_text("version https://git-lfs.github.com/spec/v1\n")
    error = fails(root)
    assert error.file == str(root / "images" / "5.png")
    assert "Git LFS pointer" in error.problem


def test_jsonl_and_parquet_for_json(root: Path, tiny: Benchmark, write: Any) -> None:
    records = records_of(root)
    (root / "unlok_vqa.json").unlink()
    lines = root / "unlok_vqa.jsonl"
    lines.write_text("".join(json.dumps(record) + "\n" for record in records))
    options = {"retain_limit": None}
    assert benchmarks.load(f"unlok_vqa:{root}", options).evaluate == tiny.evaluate
    lines.unlink()
    schema = {
        "id": pa.int64(),
        **dict.fromkeys(("src", "pred"), pa.string()),
        **{name: pa.list_(pa.string()) for name in ("rephrase", "loc", "loc_ans")},
        "image_id": pa.int64(),
    }
    write(root / "train-00000-of-00001.parquet", records, schema)
    assert benchmarks.load(f"unlok_vqa:{root}", options).evaluate == tiny.evaluate


def test_other_json_files_are_not_read_and_noted(root: Path, tiny: Benchmark) -> None:
    (root / "dataset_infos.json").write_text('{"default": {}}')
    (root / "ids.json").write_text("[1, 2]")
    found = benchmarks.load(f"unlok_vqa:{root}", {"retain_limit": None})
    assert found.evaluate == tiny.evaluate
    line = "not read, for they hold no records of this benchmark: dataset_infos.json, ids.json"
    assert line in found.notes


def test_a_sisters_folder_is_recognised(root: Path) -> None:
    with pytest.raises(DataError, match="this folder looks like UnLOK-VQA: write 'unlok_vqa:"):
        benchmarks.load(f"mllmu_bench:{root}")


def test_pictures_of_a_coco_folder_elsewhere(root: Path, tiny: Benchmark, tmp_path: Path) -> None:
    coco = tmp_path / "coco" / "train2017"
    coco.parent.mkdir()
    (root / "images").rename(coco)
    found = benchmarks.load(f"unlok_vqa:{root}", {"retain_limit": None, "coco": str(coco.parent)})
    assert found.evaluate == tiny.evaluate
    (coco / "1.png").rename(coco / "2000.png")
    with pytest.raises(DataError, match=r"missing picture: no 1\.png .*coco"):
        benchmarks.load(f"unlok_vqa:{root}", {"coco": str(coco.parent)})
    with pytest.raises(UserError, match="coco: there is no folder 'nowhere'"):
        benchmarks.load(f"unlok_vqa:{root}", {"coco": "nowhere"})
