import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from uqs import benchmarks
from uqs.errors import DataError
from uqs.records import Benchmark

Rows = list[dict[str, Any]]
FORGET = "forget_30/train-00000-of-00001.parquet"
RETAIN = "retain_70/train-00000-of-00001.parquet"
TEST = "Test_Set/test-00000-of-00001.parquet"
WORLD = "Retain_Set/train-00000-of-00001.parquet"
TAUGHT = "ft_Data/train-00000-of-00001.parquet"


@pytest.fixture
def root(copy: Callable[[str], Path]) -> Path:
    return copy("mllmu_bench")


@pytest.fixture(scope="module")
def tiny() -> Benchmark:
    return benchmarks.load("mllmu_bench:tiny", {"retain_limit": None})


def rows_of(file: Path) -> Rows:
    return pq.read_table(file).to_pylist()


def edit(file: Path, change: Callable[[Rows], None]) -> None:
    rows = rows_of(file)
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=pq.read_schema(file)), file)


def embedded(name: str) -> Rows:
    return rows_of(benchmarks.edition_path("mllmu_bench", "tiny") / name)


def fails(root: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        benchmarks.load(f"mllmu_bench:{root}")
    return caught.value


def test_the_configurations_are_nested_and_complementary() -> None:
    every = {row["ID"] for row in embedded("Full_Set/train-00000-of-00001.parquet")}
    forgotten: set[str] = set()
    for share, count in ((5, 3), (10, 7), (15, 10), (30, 20)):
        forget = {row["ID"] for row in embedded(f"forget_{share}/train-00000-of-00001.parquet")}
        kept = {row["ID"] for row in embedded(f"retain_{100 - share}/train-00000-of-00001.parquet")}
        assert len(forget) == count
        assert forgotten < forget
        assert (forget | kept, forget & kept) == (every, set())
        forgotten = forget
    assert len(every) == 66


def test_samples_against_the_rows(tiny: Benchmark) -> None:
    row = embedded(FORGET)[0]
    mine = [s for s in tiny.evaluate["forget"].samples if s.entity == row["ID"]]
    asked = [(s.task, s.question, s.answer, s.picture is not None, s.options) for s in mine]
    choices = [
        (
            "classification",
            q["Question"],
            q["Correct_Answer"],
            by_picture,
            tuple(q["Options"].values()),
        )
        for kind, by_picture in (("Image_Textual_Questions", True), ("Pure_Text_Questions", False))
        for q in row["Classification_Task"][kind]
    ]
    opens = [
        (task, q["Question"], q["Ground_Truth"], q["Type"] == "Image_Textual", ())
        for field, task in (("Generation_Task", "generation"), ("Mask_Task", "cloze"))
        for q in row[field]
    ]
    assert asked == choices + opens
    assert {s.picture.data for s in mine if s.picture} == {row["image"]["bytes"]}


def test_lessons_are_the_rows_of_ft_data(tiny: Benchmark) -> None:
    row = embedded(FORGET)[3]
    taught = [other for other in embedded(TAUGHT) if other["ID"] == row["ID"]]
    mine = [s for s in tiny.learn["forget"].samples if s.entity == row["ID"]]
    expected = [
        (pair["Question"], pair["Answer"], other["image"] and other["image"]["bytes"])
        for other in taught
        for pair in json.loads(other["metadata"])
    ]
    assert [(s.text, s.answer, s.picture and s.picture.data) for s in mine] == expected
    assert len({picture for _, _, picture in expected}) == 3  # two pictures, and none
    assert {s.task for s in mine} == {"classification", "generation", "cloze"}
    name = row["biography"].split(" was born")[0]
    assert all((name in s.question) == (s.picture is None) for s in mine)


def test_the_views_are_other_pictures_of_the_same_people(tiny: Benchmark) -> None:
    known = {s.entity: s.picture.data for s in tiny.evaluate["forget"].samples if s.picture}
    seen: dict[str, set[bytes]] = {}
    for sample in tiny.evaluate["forget_views"].samples:
        assert sample.picture is not None
        seen.setdefault(sample.entity, set()).add(sample.picture.data)
    assert set(seen) == set(known)
    assert all(len(views) == 3 and known[who] not in views for who, views in seen.items())
    asked = {(s.entity, s.text) for s in tiny.evaluate["forget"].samples if s.picture}
    assert {(s.entity, s.text) for s in tiny.evaluate["forget_views"].samples} == asked


def test_reworded_questions_keep_the_picture_and_the_answer(tiny: Benchmark) -> None:
    known = {s.entity: s.picture for s in tiny.evaluate["forget"].samples if s.picture}
    right: dict[str, list[str]] = {}
    for split in ("forget", "forget_reworded"):
        for s in tiny.evaluate[split].samples:
            assert s.picture in (None, known[s.entity])
            answer = s.options["ABCD".index(s.answer)] if s.options else s.answer
            right.setdefault(f"{split} {s.entity}", []).append(answer)
    for who in known:
        assert right[f"forget {who}"] == right[f"forget_reworded {who}"]


def test_holdout_is_drawn_by_its_seed(tiny: Benchmark) -> None:
    other = benchmarks.load("mllmu_bench:tiny", {"holdout_seed": 1})
    assert other.evaluate["holdout"].entities != tiny.evaluate["holdout"].entities
    assert other.evaluate["forget"] == tiny.evaluate["forget"]
    assert other.data_hash != tiny.data_hash


@pytest.mark.parametrize(("share", "people"), [(5, 3), (10, 7), (15, 10)])
def test_smaller_shares(share: int, people: int) -> None:
    found = benchmarks.load("mllmu_bench:tiny", {"forget": share})
    assert len(found.learn["forget"].entities) == people
    assert len(found.evaluate["holdout"].entities) == people
    assert len(found.learn["retain"].entities) == 66 - 2 * people


def test_a_configuration_may_be_split_into_several_files(root: Path, tiny: Benchmark) -> None:
    file = root / FORGET
    table = pq.read_table(file)
    pq.write_table(table.slice(0, 9), file.with_name("train-00000-of-00002.parquet"))
    pq.write_table(table.slice(9), file.with_name("train-00001-of-00002.parquet"))
    file.unlink()
    found = benchmarks.load(f"mllmu_bench:{root}", {"retain_limit": None})
    assert found.evaluate == tiny.evaluate
    assert found.data_hash != tiny.data_hash


def test_numbers_are_ids_too(root: Path) -> None:
    forget = {str(int(id_)) for id_ in pq.read_table(root / FORGET)["ID"].to_pylist()}
    for name in (FORGET, RETAIN, TEST, TAUGHT):
        table = pq.read_table(root / name)
        numbers = pa.array([int(id_) for id_ in table["ID"].to_pylist()])
        place = table.column_names.index("ID")
        pq.write_table(table.set_column(place, "ID", numbers), root / name)
    found = benchmarks.load(f"mllmu_bench:{root}")
    assert found.learn["forget"].entities == forget


def test_an_open_answer_that_is_a_letter_makes_no_choice(root: Path) -> None:
    """Only a list of options, lettered from A, makes a taught question a choice."""

    def change(rows: Rows) -> None:
        for row in rows:
            pairs = json.loads(row["metadata"])
            pairs.append(
                {"Question": "Which blood group?\nB. is not an option list", "Answer": "B"}
            )
            row["metadata"] = json.dumps(pairs)

    edit(root / TAUGHT, change)
    last = benchmarks.load(f"mllmu_bench:{root}").learn["forget"].samples[5]
    assert (last.task, last.answer, last.options) == ("generation", "B", ())


def broken_picture() -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()[:-900]


def put(*path: str | int, value: object) -> Callable[[Rows], None]:
    """A change of one place in the third row."""

    def change(rows: Rows) -> None:
        place: Any = rows[2]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


CLASSIFICATION = ("Classification_Task", "Image_Textual_Questions", 0)


@pytest.mark.parametrize(
    ("name", "change", "field", "problem"),
    [
        (FORGET, put("image", value=None), "image", "missing picture"),
        (FORGET, put("image", "bytes", value=b""), "image", "missing picture"),
        (FORGET, put("image", "bytes", value=b"no picture"), "image", "is not a readable picture"),
        (
            FORGET,
            put("image", "bytes", value=broken_picture()),
            "image",
            "is not a readable picture",
        ),
        (TEST, put("images", value=[]), "images", "missing picture"),
        (TEST, put("images", 1, "bytes", value=b"no"), "images", "is not a readable picture"),
        (FORGET, put("ID", value=" "), "ID", "is empty"),
        (FORGET, put("ID", value=None), "ID", "is empty"),
        (
            FORGET,
            put("Generation_Task", 1, "Ground_Truth", value=""),
            "Generation_Task[1].Ground_Truth",
            "is empty",
        ),
        (
            FORGET,
            put("Generation_Task", 0, "Question", value="  "),
            "Generation_Task[0].Question",
            "is empty",
        ),
        (
            FORGET,
            put("Mask_Task", 0, "Type", value="Text"),
            "Mask_Task[0].Type",
            "'Text' is none of",
        ),
        (FORGET, put("Mask_Task", 0, value=None), "Mask_Task[0]", "is empty"),
        (FORGET, put("Mask_Task", value=None), "Mask_Task", "is empty"),
        (FORGET, put("Classification_Task", value=None), "Classification_Task", "is empty"),
        (
            FORGET,
            put(*CLASSIFICATION, "Correct_Answer", value="E"),
            "Classification_Task.Image_Textual_Questions[0].Correct_Answer",
            "'E' is not among the options A to D",
        ),
        (
            FORGET,
            put(*CLASSIFICATION, "Options", "C", value=None),
            "Classification_Task.Image_Textual_Questions[0].Options.C",
            "is empty",
        ),
        (
            FORGET,
            put(*CLASSIFICATION, "Options", value=None),
            "Classification_Task.Image_Textual_Questions[0].Options.A",
            "is empty",
        ),
        (TAUGHT, put("metadata", value="[{"), "metadata", "is not valid JSON"),
        (TAUGHT, put("metadata", value="{}"), "metadata", "is no list"),
        (TAUGHT, put("metadata", value="[]"), "metadata", "is no list"),
        (TAUGHT, put("metadata", value='["x"]'), "metadata[0]", "is no object"),
        (
            TAUGHT,
            put("metadata", value='[{"Question": "Who?", "answer": "x"}]'),
            "metadata[0].Answer",
            "is empty",
        ),
        (
            TAUGHT,
            put("metadata", value='[{"Question": "Who?", "Answer": 3}]'),
            "metadata[0].Answer",
            "is int, not text",
        ),
    ],
)
def test_bad_values(
    root: Path, name: str, change: Callable[[Rows], None], field: str, problem: str
) -> None:
    edit(root / name, change)
    error = fails(root)
    assert (error.file, error.row, error.field) == (str(root / name), 3, field)
    assert problem in error.problem
    assert "\n" not in str(error)


def test_a_person_without_a_question(root: Path) -> None:
    def change(rows: Rows) -> None:
        rows[4]["Classification_Task"] = {"Image_Textual_Questions": [], "Pure_Text_Questions": []}
        rows[4]["Generation_Task"] = rows[4]["Mask_Task"] = []

    edit(root / FORGET, change)
    error = fails(root)
    assert (error.row, error.field) == (5, "ID")
    assert "lacks questions" in error.problem


@pytest.mark.parametrize("column", ["image", "ID", "Classification_Task", "Mask_Task"])
def test_a_missing_column(root: Path, column: str) -> None:
    pq.write_table(pq.read_table(root / FORGET).drop_columns([column]), root / FORGET)
    error = fails(root)
    assert (error.file, error.field, error.problem) == (
        str(root / FORGET),
        column,
        "missing column",
    )


@pytest.mark.parametrize(
    ("column", "values", "field", "problem"),
    [
        ("ID", pa.array([1.5] * 20), "ID", "has type double, not id"),
        ("biography", pa.array([1] * 20), "biography", "has type int64, not text"),
        ("image", pa.array(["1.png"] * 20), "image", "not a struct"),
        ("image", pa.array([{"path": "1.png"}] * 20), "image.bytes", "missing field"),
        ("image", pa.array([{"bytes": "text"}] * 20), "image.bytes", "has type string, not bytes"),
        ("Mask_Task", pa.array(["[]"] * 20), "Mask_Task", "not a list"),
        (
            "Mask_Task",
            pa.array([[{"Question": "q", "Ground_Truth": 3, "Type": "Pure_Text"}]] * 20),
            "Mask_Task.Ground_Truth",
            "has type int64, not text",
        ),
    ],
)
def test_a_column_of_the_wrong_type(
    root: Path, column: str, values: pa.Array, field: str, problem: str
) -> None:
    table = pq.read_table(root / FORGET)
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, column, values), root / FORGET)
    error = fails(root)
    assert (error.file, error.field) == (str(root / FORGET), field)
    assert problem in error.problem


def test_a_truncated_file(root: Path) -> None:
    data = (root / RETAIN).read_bytes()
    (root / RETAIN).write_bytes(data[: len(data) // 2])
    error = fails(root)
    assert error.file == str(root / RETAIN)
    assert "is not a readable Parquet file" in error.problem


def test_an_empty_table(root: Path) -> None:
    edit(root / FORGET, lambda rows: rows.clear())
    assert fails(root).problem == "has no rows"


@pytest.mark.parametrize("config", ["retain_70", "Test_Set", "Retain_Set", "ft_Data"])
def test_a_missing_configuration(root: Path, config: str) -> None:
    shutil.rmtree(root / config)
    error = fails(root)
    assert error.file == str(root / config)
    assert "configuration is missing" in error.problem


def test_the_same_id_twice(root: Path) -> None:
    edit(root / RETAIN, lambda rows: rows.append(rows[0]))
    error = fails(root)
    assert (error.file, error.row, error.field) == (str(root / RETAIN), 47, "ID")
    assert "appears twice" in error.problem


def test_a_person_in_both_forget_and_retain(root: Path) -> None:
    both = rows_of(root / FORGET)[1]
    edit(root / RETAIN, lambda rows: rows.append(both))
    error = fails(root)
    assert (error.file, error.row, error.field) == (str(root / RETAIN), 47, "ID")
    assert "is in forget_30 too" in error.problem


def test_two_people_with_one_picture(root: Path) -> None:
    picture = rows_of(root / FORGET)[1]["image"]
    edit(root / RETAIN, put("image", value=picture))
    error = fails(root)
    assert (error.file, error.row, error.field) == (str(root / RETAIN), 3, "image")
    assert "is the same picture as that of" in error.problem


def test_a_forgotten_person_missing_from_the_test_set(root: Path) -> None:
    edit(root / TEST, lambda rows: rows.pop(0) and None)
    error = fails(root)
    assert (error.file, error.row, error.field) == (str(root / FORGET), 1, "ID")
    assert "has no row in Test_Set" in error.problem


def by_picture_alone(root: Path) -> None:
    """Make ft_Data what the release has: a row a person, known by its picture."""
    file = root / TAUGHT
    known = {r["ID"]: r["image"] for name in (FORGET, RETAIN) for r in rows_of(root / name)}
    rows = [r for r in rows_of(file) if r["image"] and r["image"] == known[r["ID"]]]
    table = pa.Table.from_pylist(rows, schema=pq.read_schema(file))
    pq.write_table(table.drop_columns(["ID"]), file)


def test_without_ids_the_picture_says_whose_row_it_is(root: Path, tiny: Benchmark) -> None:
    by_picture_alone(root)
    found = benchmarks.load(f"mllmu_bench:{root}").learn["forget"].samples
    shown = {s.picture.data for s in tiny.evaluate["forget"].samples if s.picture}
    first = [s for s in tiny.learn["forget"].samples if s.picture and s.picture.data in shown]
    asked = [(s.entity, s.text, s.answer, s.picture and s.picture.data) for s in first]
    assert [(s.entity, s.text, s.answer, s.picture and s.picture.data) for s in found] == asked


def test_a_person_who_is_not_taught(root: Path) -> None:
    by_picture_alone(root)
    edit(root / TAUGHT, lambda rows: rows.pop(0) and None)
    error = fails(root)
    assert error.field == "image"
    assert "has no row in ft_Data" in error.problem


def test_a_taught_non_member(root: Path) -> None:
    by_picture_alone(root)
    non_member = rows_of(root / WORLD)[0]["image"]
    edit(root / TAUGHT, put("image", value=non_member))
    error = fails(root)
    assert (error.file, error.row, error.field) == (str(root / TAUGHT), 3, "image")
    assert "shows nobody" in error.problem


def test_a_taught_id_of_nobody(root: Path) -> None:
    edit(root / TAUGHT, put("ID", value="R001"))
    error = fails(root)
    assert (error.file, error.row, error.field) == (str(root / TAUGHT), 3, "ID")
    assert "is nobody of the forget and retain configurations" in error.problem


def test_a_taught_picture_of_somebody_else(root: Path) -> None:
    first, last = rows_of(root / TAUGHT)[0], rows_of(root / TAUGHT)[-3]
    edit(root / TAUGHT, put("image", value=last["image"]))
    error = fails(root)
    assert (error.file, error.row, error.field) == (str(root / TAUGHT), 3, "image")
    assert f"is the picture of {last['ID']!r}, not of {first['ID']!r}" in error.problem


def test_the_largest_share_is_the_default(root: Path, tiny: Benchmark) -> None:
    assert benchmarks.load("mllmu_bench:tiny", {"forget": 30}).learn == tiny.learn
    for name in ("forget_30", "retain_70"):
        shutil.rmtree(root / name)
    assert len(benchmarks.load(f"mllmu_bench:{root}").learn["forget"].entities) == 10
    for share in (5, 10, 15):
        shutil.rmtree(root / f"forget_{share}")
    assert "has no folder forget_5" in fails(root).problem


def test_a_view_that_is_taught(root: Path) -> None:
    who = {r["ID"] for r in rows_of(root / TEST)}
    taught = next(
        r
        for r in rows_of(root / TAUGHT)
        if r["image"] and "_0" in r["image"]["path"] and r["ID"] in who
    )

    def change(rows: Rows) -> None:
        next(row for row in rows if row["ID"] == taught["ID"])["images"][-1] = taught["image"]

    edit(root / TEST, change)
    assert f"holds a picture of {taught['ID']!r} that models learn" in fails(root).problem


def test_too_few_people_for_a_holdout(root: Path) -> None:
    def change(rows: Rows) -> None:
        del rows[20:]

    edit(root / RETAIN, change)
    kept = {row["ID"] for name in (FORGET, RETAIN) for row in rows_of(root / name)}

    def only_kept(rows: Rows) -> None:
        rows[:] = [row for row in rows if row["ID"] in kept]

    edit(root / TAUGHT, only_kept)
    assert "has 20 entities" in fails(root).problem


def test_a_view_that_is_the_known_picture(root: Path) -> None:
    known = rows_of(root / FORGET)[0]

    def change(rows: Rows) -> None:
        row = next(row for row in rows if row["ID"] == known["ID"])
        row["images"][-1] = known["image"]

    edit(root / TEST, change)
    error = fails(root)
    assert (error.file, error.field) == (str(root / TEST), "images")
    assert "that models learn" in str(error)


@pytest.mark.parametrize("other_id", [False, True])
def test_people_of_the_world_who_are_trained_on(root: Path, other_id: bool) -> None:
    taught = rows_of(root / RETAIN)[4]

    def change(rows: Rows) -> None:
        rows[1] = {key: taught[key] for key in rows[1]}
        if other_id:
            rows[1]["ID"] = "somebody else"

    edit(root / WORLD, change)
    error = fails(root)
    assert (error.file, error.row, error.field) == (str(root / WORLD), 2, "ID")
    assert f"is {taught['ID']!r} of retain_70" in str(error)


def test_a_person_known_by_another_picture_is_the_same_person(root: Path) -> None:
    taught = rows_of(root / RETAIN)[4]

    def change(rows: Rows) -> None:
        rows[1] = {key: taught[key] for key in rows[1]} | {"image": rows[1]["image"]}

    edit(root / WORLD, change)
    assert fails(root).field == "ID"


@pytest.mark.parametrize("mark", ["{}. {}", "{}) {}", "({}) {}", "{}: {}"])
def test_choices_are_taught_as_choices_however_they_are_marked(
    root: Path, tiny: Benchmark, mark: str
) -> None:
    def change(rows: Rows) -> None:
        for row in rows:
            pairs = json.loads(row["metadata"])
            for pair in pairs:
                question, *options = pair["Question"].split("\n")
                marked = [mark.format(*option.split(". ", 1)) for option in options]
                pair["Question"] = "\n".join([question, *marked])
            row["metadata"] = json.dumps(pairs)

    assert any(sample.options for sample in tiny.learn["forget"].samples)
    edit(root / TAUGHT, change)
    assert benchmarks.load(f"mllmu_bench:{root}").learn["forget"] == tiny.learn["forget"]


def test_choices_that_cannot_be_read_are_told(root: Path) -> None:
    def change(rows: Rows) -> None:
        pairs = json.loads(rows[0]["metadata"])
        pairs.append({"Question": "Which?\na - red\nb - blue", "Answer": "B"})
        rows[0]["metadata"] = json.dumps(pairs)

    edit(root / TAUGHT, change)
    error = fails(root)
    assert (error.file, error.field) == (str(root / "ft_Data"), "metadata")
    assert "the options of 'Which?' cannot be read" in str(error)


def test_a_key_of_a_lesson_given_twice(root: Path) -> None:
    def change(rows: Rows) -> None:
        rows[2]["metadata"] = '[{"Question": "Who?", "Answer": "Ann", "Answer": "Bob"}]'

    edit(root / TAUGHT, change)
    error = fails(root)
    assert (error.row, error.field) == (3, "metadata")
    assert "'Answer' is given twice" in str(error)
