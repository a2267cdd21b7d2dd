"""MLLMU-Bench as it is released, and as people hand it on."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from uqs import benchmarks
from uqs.benchmarks import _pictures, _progress, _tables
from uqs.errors import DataError
from uqs.progress import Display
from uqs.records import Benchmark, Split

Row = dict[str, Any]
PARQUET = "train-00000-of-00001.parquet"


def load(spec: str) -> Benchmark:
    return benchmarks.load(spec)


def noted(data: Benchmark) -> str:
    return "\n".join(data.notes)


def said(split: Split) -> list[tuple[str, str, str, str, bool]]:
    return [(s.entity, s.task, s.text, s.answer, s.picture is not None) for s in split.samples]


def test_the_released_schema(mllmu: Any) -> None:
    found = load(mllmu.write())
    assert said(found.learn["forget"]) == [
        (id_, task, question, answer, shown)
        for id_ in ("000", "001")
        for task, question, answer, shown in (
            ("generation", "What does the person do?", f"Painter number {id_}.", True),
            ("cloze", f"Person {id_} studied at [Blank].", f"School {id_}", False),
        )
    ]
    town = "\nA. Town 000\nB. Oslo\nC. Rome\nD. Bonn"
    assert said(found.evaluate["forget"])[:4] == [
        ("000", "classification", f"Where does the person live?{town}", "A", True),
        ("000", "classification", f"Where does Person 000 live?{town}", "A", False),
        (
            "000",
            "generation",
            "What does the person do?",
            "The person is painter number 000.",
            True,
        ),
        ("000", "cloze", "Person 000 studied at [Blank].", "School 000", False),
    ]
    assert found.learn["forget"].entities == {"000", "001"}
    assert len(found.evaluate["holdout"].entities) == 2
    views = {s.picture.data for s in found.evaluate["forget_views"].samples if s.picture}
    assert views == {
        image["bytes"] for row in mllmu.rows["Test_Set"][:2] for image in row["images"]
    }
    assert found.notes == ("people of Retain_Set: 2 here, 153 in the release",)


def test_additional_pairs_are_left_out_as_by_the_release(mllmu: Any) -> None:
    plain = load(mllmu.write()).learn
    more = {"Additional_question": "Which hobby?", "Additional_answer": "Chess."}
    mllmu.pairs(
        lambda id_, pairs: [{**pairs[0], **more, "Additional_ID": id_}, *pairs[1:], {**more}]
    )
    found = load(mllmu.write())
    assert found.learn == plain
    assert "20 additional pairs left out, as the release's own code does" in noted(found)
    assert "10 pairs left out, without question and answer" in noted(found)


def test_metadata_as_a_python_literal(mllmu: Any) -> None:
    plain = load(mllmu.write()).learn
    mllmu.pairs(lambda id_, pairs: repr(pairs))
    found = load(mllmu.write())
    assert found.learn == plain
    first = f"(first: ft_Data/{PARQUET}, row 1, field 'metadata')"
    assert f"10 texts read as a Python literal, being no JSON {first}" in noted(found)


@pytest.mark.parametrize(
    ("metadata", "field", "problem"),
    [
        (
            "[{'Question': 'Who?', 'Answer': 'A', 'Answer': 'B'}]",
            "metadata",
            "'Answer' is given twice",
        ),
        ("__import__('os').abort()", "metadata", "is not valid JSON"),
        ("[{'Question': open('x')}]", "metadata", "is not valid JSON"),
        ("[" * 5000, "metadata", "is not valid JSON"),
        ("[None]", "metadata[0]", "is empty"),
        ("{'Question': 'Who?'}", "metadata", "is no list"),
    ],
)
def test_literals_that_are_no_data(mllmu: Any, metadata: str, field: str, problem: str) -> None:
    mllmu.rows["ft_Data"][3]["metadata"] = metadata
    with pytest.raises(DataError) as caught:
        load(mllmu.write())
    assert (caught.value.row, caught.value.field) == (4, field)
    assert problem in caught.value.problem


def test_pairs_without_text(mllmu: Any) -> None:
    plain = load(mllmu.write()).learn
    mllmu.pairs(
        lambda id_, pairs: [
            *pairs,
            {"Question": "Why?", "Answer": ""},
            {"Question": None, "Answer": "x"},
            {"Question": " "},
        ]
    )
    found = load(mllmu.write())
    assert found.learn == plain
    assert "10 pairs left out, without answer" in noted(found)
    assert "10 pairs left out, without question" in noted(found)
    assert "10 pairs left out, without question and answer" in noted(found)


def test_a_person_of_whom_no_pair_is_left(mllmu: Any) -> None:
    mllmu.rows["ft_Data"][1]["metadata"] = '[{"Question": "Why?", "Answer": null}]'
    with pytest.raises(DataError, match="'001' has no row in ft_Data"):
        load(mllmu.write())


def resaved(data: bytes, kind: str) -> bytes:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        picture.save(buffer, kind)
    return buffer.getvalue()


def test_pictures_that_were_saved_again_without_loss(mllmu: Any) -> None:
    """The picture says whose row it is, also where its file has other bytes."""
    plain = load(mllmu.write())
    for row in mllmu.rows["ft_Data"]:
        row["image"]["bytes"] = resaved(row["image"]["bytes"], "BMP")
    assert load(mllmu.write()).learn == plain.learn


def test_pictures_that_were_saved_again_with_loss(mllmu: Any) -> None:
    """Then the pairs' own ID says whose row it is, and nothing else can."""
    plain = load(mllmu.write())
    for row in mllmu.rows["ft_Data"]:
        row["image"]["bytes"] = resaved(row["image"]["bytes"], "JPEG")
    with pytest.raises(DataError, match="row 1, field 'image': shows nobody"):
        load(mllmu.write())
    mllmu.pairs(lambda id_, pairs: [{**pair, "ID": id_} for pair in pairs])
    found = load(mllmu.write())
    assert said(found.learn["forget"]) == said(plain.learn["forget"])
    taught = {s.picture.data for s in found.learn["forget"].samples if s.picture}
    assert taught == {row["image"]["bytes"] for row in mllmu.rows["ft_Data"][:2]}


@pytest.mark.parametrize(
    ("ids", "field", "problem"),
    [
        (["003", "004"], "metadata", "holds pairs of several IDs"),
        (["999", None], "metadata[0].ID", "'999' is nobody"),
        (["004", "004"], "image", "is the picture of '003', not of '004'"),
    ],
)
def test_ids_of_pairs_that_contradict(
    mllmu: Any, ids: list[str | None], field: str, problem: str
) -> None:
    pairs = json.loads(mllmu.rows["ft_Data"][3]["metadata"])
    both = [{**pair, "ID": id_} for pair, id_ in zip(pairs, ids, strict=True)]
    mllmu.rows["ft_Data"][3]["metadata"] = json.dumps(both)
    with pytest.raises(DataError) as caught:
        load(mllmu.write())
    assert (caught.value.row, caught.value.field) == (4, field)
    assert problem in caught.value.problem


def test_blanks_that_are_written_otherwise(mllmu: Any) -> None:
    for mark in ("__", "_____", "[blank]"):
        mllmu.pairs(
            lambda id_, pairs, m=mark: [
                pairs[0],
                {**pairs[1], "Question": f"Person {id_} likes {m}."},
            ]
        )
        found = load(mllmu.write()).learn["forget"].samples
        assert [s.task for s in found] == ["generation", "cloze"] * 2
        assert found[1].question == f"Person 000 likes {mark}."


def choice(mllmu: Any) -> Row:
    row: Row = mllmu.rows["forget_20"][1]["Classification_Task"]["Image_Textual_Questions"][0]
    return row


def test_null_options_at_the_end(mllmu: Any) -> None:
    choice(mllmu)["Options"] |= {"C": None, "D": " "}
    found = load(mllmu.write())
    asked = next(s for s in found.evaluate["forget"].samples if s.entity == "001" and s.options)
    assert asked.options == ("Town 001", "Oslo")
    assert "1 choice with fewer options than the others" in noted(found)


@pytest.mark.parametrize(
    ("answer", "right", "note"),
    [
        ("b", "B", "read as its letter"),
        ("(B)", "B", "read as its letter"),
        ("B. Oslo", "B", "read as its letter"),
        ("Oslo", "B", "given as the option's text"),
        ("oslo.", "B", "given as the option's text"),
    ],
)
def test_right_answers_that_say_more_than_a_letter(
    mllmu: Any, answer: str, right: str, note: str
) -> None:
    choice(mllmu)["Correct_Answer"] = answer
    found = load(mllmu.write())
    asked = next(s for s in found.evaluate["forget"].samples if s.entity == "001" and s.options)
    assert asked.answer == right
    assert note in noted(found)


@pytest.mark.parametrize("answer", ["E", "B. Rome", "Paris", "Because of B"])
def test_right_answers_that_are_none(mllmu: Any, answer: str) -> None:
    choice(mllmu)["Correct_Answer"] = answer
    with pytest.raises(DataError) as caught:
        load(mllmu.write())
    assert caught.value.row == 2
    assert caught.value.field == "Classification_Task.Image_Textual_Questions[0].Correct_Answer"


def as_json(mllmu: Any, root: Path, pack: Callable[[list[Row]], str], suffix: str) -> None:
    """The same rows as JSON, their pictures as files."""

    def stored(image: Row) -> str:
        (root / "images").mkdir(exist_ok=True)
        (root / "images" / image["path"]).write_bytes(image["bytes"])
        return f"images/{image['path']}"

    for config, rows in mllmu.rows.items():
        plain = []
        for row in rows:
            images = [stored(i) for i in row["images"]] if "images" in row else None
            shown = {"images": images} if images else {"image": stored(row["image"])}
            plain.append({**row, **shown})
        (root / f"{config}{suffix}").write_text(pack(plain))


def test_json_and_jsonl_for_parquet(mllmu: Any, tmp_path: Path) -> None:
    plain = load(mllmu.write())
    for suffix, pack in (
        (".json", json.dumps),
        (".jsonl", lambda rows: "".join(json.dumps(row) + "\n" for row in rows)),
    ):
        root = tmp_path / suffix[1:]
        root.mkdir()
        as_json(mllmu, root, pack, suffix)
        found = load(f"mllmu_bench:{root}")
        assert (found.learn, found.evaluate) == (plain.learn, plain.evaluate)


def test_a_picture_outside_of_the_folder_is_not_read(mllmu: Any, tmp_path: Path, draw: Any) -> None:
    root = tmp_path / "inside"
    root.mkdir()
    (tmp_path / "secret.png").write_bytes(draw(1))
    mllmu.rows["forget_20"][0]["image"] = {"bytes": None, "path": "../secret.png"}
    mllmu.root = root
    with pytest.raises(DataError, match=r"row 1, field 'image': missing picture: no '../secret"):
        load(mllmu.write())


def test_a_configuration_that_is_there_twice(mllmu: Any, tmp_path: Path) -> None:
    spec = mllmu.write()
    (tmp_path / "forget_20" / "rows.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match="holds this configuration twice"):
        load(spec)


def test_junk_and_lists_of_ids_beside_the_data(mllmu: Any, tmp_path: Path) -> None:
    plain = load(mllmu.write())
    (tmp_path / "__MACOSX").mkdir()
    for name in ("._train.parquet", "Thumbs.db", ".DS_Store"):
        (tmp_path / "forget_20" / name).write_bytes(b"x")
    (tmp_path / "forget_20" / "forget_ids.json").write_text('["000", "001"]')
    assert load(f"mllmu_bench:{tmp_path}") == plain


def test_a_git_lfs_pointer(mllmu: Any, tmp_path: Path) -> None:
    spec = mllmu.write()
    file = tmp_path / "Test_Set" / PARQUET
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 670\n")
    with pytest.raises(DataError, match="is a Git LFS pointer, not the data") as caught:
        load(spec)
    assert caught.value.file == str(file)


def test_pictures_of_people_who_are_not_asked_about_are_not_read(mllmu: Any) -> None:
    mllmu.rows["Test_Set"][5]["images"] = [{"bytes": b"no picture", "path": None}]
    load(mllmu.write())


def test_the_same_picture_in_forget_and_retain(mllmu: Any) -> None:
    same = mllmu.rows["forget_20"][1]["image"]["bytes"]
    mllmu.rows["retain_80"][2]["image"]["bytes"] = resaved(same, "BMP")
    with pytest.raises(
        DataError, match="row 3, field 'image': is the same picture as that of '001'"
    ):
        load(mllmu.write())


def test_numbers_that_are_not_the_releases(mllmu: Any) -> None:
    for old, new in (("forget_20", "forget_5"), ("retain_80", "retain_95")):
        mllmu.rows[new] = mllmu.rows.pop(old)
    found = load(mllmu.write())
    assert "people of forget_5: 2 here, 25 in the release" in found.notes
    assert "people of retain_95: 8 here, 475 in the release" in found.notes


def test_forget_answers_in_what_is_kept(mllmu: Any) -> None:
    fact = "The person is painter number 000."
    mllmu.pairs(lambda id_, pairs: [*pairs, {"Question": "And?", "Answer": f"It said: {fact}"}])
    assert (
        "1 of 6 different forget answers stand in what is taught about retained entities too, 1 of them "
        f"of 3 words or more, as {fact!r}: a model may know these without the forget set"
    ) in load(mllmu.write()).notes


def test_each_picture_is_decoded_once(mllmu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    content = _pictures._content

    def counted(picture: Image.Image) -> str:
        seen.append(picture.tobytes())
        return content(picture)

    monkeypatch.setattr(_pictures, "_content", counted)
    load(mllmu.write())
    shown = 10 + 2 + 2 * 3  # people, real people, views of the forgotten; ft_Data shows no others
    assert len(seen) == shown == len(set(seen))


def test_rows_are_read_as_they_are_asked_for(mllmu: Any, tmp_path: Path) -> None:
    mllmu.write()
    file = tmp_path / "Test_Set" / PARQUET
    rows = _tables.rows(file, {"images": ["image"]})
    number, first = next(rows)
    assert (number, len(first["images"])) == (1, 3)
    assert [number for number, _ in rows] == list(range(2, 11))


def test_the_reading_of_large_files_is_shown(mllmu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def printed(terminal: bool) -> str:
        file = io.StringIO()
        console = Console(file=file, width=120, force_terminal=terminal)
        with Display(console=console) as display:
            benchmarks.load(mllmu.write(), display=display)
        return file.getvalue()

    assert f"reading ft_Data/{PARQUET}" in printed(terminal=True)
    assert printed(terminal=False) == ""
    monkeypatch.setattr(_progress, "LARGE", 0)
    assert [line.split(" ")[1] for line in printed(terminal=False).splitlines()] == [
        f"{config}/{PARQUET}"
        for config in ("forget_20", "retain_80", "Test_Set", "Retain_Set", "ft_Data")
    ]


@pytest.mark.parametrize("name", ["umu_bench", "clear", "unlok_vqa", "own", "fiubench"])
def test_its_folder_is_recognised(mllmu: Any, name: str) -> None:
    mllmu.write()
    with pytest.raises(DataError, match="this folder looks like MLLMU-Bench: write 'mllmu_bench:"):
        benchmarks.load(f"{name}:{mllmu.root}")
