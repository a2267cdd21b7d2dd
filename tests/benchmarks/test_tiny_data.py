"""What the embedded files promise: counts, disjointness, size, no fingerprints."""

import io
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import uqs
from uqs import benchmarks
from uqs.records import Benchmark, Sample

PACKAGE = Path(uqs.__file__).parent
TINY = PACKAGE / "benchmarks" / "tiny"
CORPUS = PACKAGE / "models" / "corpus"
NAMES = ["mllmu_bench", "mmubench", "unlok_vqa"]


@pytest.fixture(scope="module")
def loaded() -> dict[str, Benchmark]:
    return {name: benchmarks.load(f"{name}:tiny", {"retain_limit": None}) for name in NAMES}


@pytest.fixture(scope="module")
def corpus() -> list[dict]:
    return pq.read_table(CORPUS / "corpus.parquet").to_pylist()


def samples(benchmark: Benchmark) -> list[Sample]:
    return [
        sample
        for part in (benchmark.learn, benchmark.unlearn, benchmark.evaluate)
        for split in part.values()
        for sample in split.samples
    ]


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (32, 32))
        return np.asarray(picture, dtype=np.int16)


def words(text: str) -> set[str]:
    return set(re.findall(r"\[Blank\]|\w+|[^\w\s]", text))


def test_counts(loaded: dict[str, Benchmark]) -> None:
    sizes = {
        name: {split: len(found) for split, found in benchmark.evaluate.items()}
        for name, benchmark in loaded.items()
    }
    assert sizes == {
        "mllmu_bench": {
            "forget": 160,
            "retain": 208,
            "holdout": 160,
            "forget_reworded": 160,
            "forget_views": 300,
            "real_world": 240,
        },
        "mmubench": {"forget": 285, "retain": 600, "holdout": 300, "forget_reworded": 285},
        "unlok_vqa": {
            "forget": 240,
            "retain": 360,
            "holdout": 240,
            "forget_reworded": 240,
            "neighbour": 117,
        },
    }


def test_size_on_disk() -> None:
    files = [file for root in (TINY, CORPUS) for file in root.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 4_000_000


@pytest.mark.parametrize("folder", [*(TINY / name for name in NAMES), CORPUS], ids=lambda f: f.name)
def test_attributions(folder: Path) -> None:
    assert "CC BY 4.0" in (folder / "ATTRIBUTION.md").read_text()


def test_pictures_are_distinct_and_none_is_blank(
    loaded: dict[str, Benchmark], corpus: list[dict]
) -> None:
    """Over the benchmarks and the corpus together."""
    asked = {s.picture.data for b in loaded.values() for s in samples(b) if s.picture}
    known = {row["image"]["bytes"] for row in corpus if row["image"]} - {
        s.picture.data for s in loaded["mllmu_bench"].evaluate["real_world"].samples if s.picture
    }
    everything = [*asked, *known]
    drawn = [pixels(data) for data in everything]
    assert len({found.tobytes() for found in drawn}) == len(everything)
    assert min(found.std() for found in drawn) > 5


def test_people_differ_visibly(loaded: dict[str, Benchmark]) -> None:
    pictures = {
        s.entity: s.picture.data
        for name in ("forget", "retain", "holdout")
        for s in loaded["mllmu_bench"].evaluate[name].samples
        if s.picture
    }
    assert len(pictures) == 66
    faces = np.stack([pixels(data).ravel() for data in pictures.values()])
    gaps = np.abs(faces[:, None] - faces[None]).mean(axis=2)
    assert gaps[~np.eye(len(faces), dtype=bool)].min() > 10


def test_the_corpus_shares_no_entity_with_what_is_learned(
    loaded: dict[str, Benchmark], corpus: list[dict]
) -> None:
    known = {row["entity"] for row in corpus if row["part"] == "base"}
    shown = {row["image"]["bytes"] for row in corpus if row["image"]}
    for benchmark in loaded.values():
        for sample in samples(benchmark):
            if "neighbour" not in sample.id and not sample.entity.startswith("R"):
                assert sample.entity not in known
                assert sample.picture is None or sample.picture.data not in shown


def test_what_only_the_base_knows_is_in_the_corpus(
    loaded: dict[str, Benchmark], corpus: list[dict]
) -> None:
    answers = {(row["question"], row["answer"]) for row in corpus if not row["image"]}
    for sample in loaded["unlok_vqa"].evaluate["neighbour"].samples:
        assert sample.picture is None
        assert (sample.question, sample.answer) in answers
    people = {row["entity"] for row in corpus if row["part"] == "real_world"}
    assert loaded["mllmu_bench"].evaluate["real_world"].entities == people


def test_first_names_are_used_once(loaded: dict[str, Benchmark], corpus: list[dict]) -> None:
    """A name in a question of the benchmark is no name that the base met."""
    named = re.compile(r"What is the job of (?!this)(\w+) \w+\?")
    asked = {
        match[1]: sample.entity
        for name in ("forget", "retain", "holdout")
        for sample in loaded["mllmu_bench"].evaluate[name].samples
        if (match := named.fullmatch(sample.question))
    }
    assert len(asked) == 66
    met = {w for row in corpus if row["kind"] == "person" for w in words(row["question"])}
    assert not set(asked) & met


def test_words_holds_every_word_and_rewordings_need_no_new_one(
    loaded: dict[str, Benchmark], corpus: list[dict]
) -> None:
    known = set((CORPUS / "words.txt").read_text("utf-8").split())
    heard = {word for row in corpus for word in words(row["question"])}
    for name, benchmark in loaded.items():
        learned = {
            w
            for split in benchmark.learn.values()
            for s in split.samples
            for w in words(s.question)
        }
        for sample in samples(benchmark):
            assert words(sample.text) | words(sample.answer) <= known
            if sample.wording == "reworded":
                assert words(sample.question) <= heard | learned, name


def test_facts_are_taught_in_two_wordings_and_held_out_in_others(
    loaded: dict[str, Benchmark],
) -> None:
    """Each wording that is held out is known about others, and nobody is taught in it."""
    for name in ("mllmu_bench", "unlok_vqa"):
        benchmark = loaded[name]
        taught = {s.question for part in benchmark.learn.values() for s in part.samples}
        held = {s.question for s in benchmark.evaluate["forget_reworded"].samples}
        assert not taught & held
    facts: dict[tuple[str, str, bool], set[str]] = {}
    for s in loaded["mllmu_bench"].learn["retain"].samples:
        answer = s.options["ABCD".index(s.answer)] if s.options else s.answer
        facts.setdefault((s.entity, answer, s.picture is None), set()).add(s.question)
    assert {len(wordings) for wordings in facts.values()} == {2}


def test_the_right_letter_is_not_to_be_guessed(loaded: dict[str, Benchmark]) -> None:
    letters = Counter(
        s.answer
        for s in loaded["mllmu_bench"].learn["retain"].samples
        if s.task == "classification"
    )
    assert min(letters.values()) > 0.15 * sum(letters.values())


def test_a_picture_question_never_names_the_person(loaded: dict[str, Benchmark]) -> None:
    benchmark = loaded["mllmu_bench"]
    for sample in samples(benchmark):
        assert ("this person" in sample.question.lower()) == (sample.picture is not None)


def test_the_corpus_columns(corpus: list[dict]) -> None:
    assert {row["kind"] for row in corpus} == {"person", "flag", "concept"}
    assert {row["part"] for row in corpus} == {"base", "real_world"}
    assert len({row["id"] for row in corpus}) == len(corpus)
    for row in corpus:
        assert row["question"] and row["answer"] and row["wording"]
        assert (row["task"] == "classification") == bool(row["options"])
        if row["options"]:
            assert row["answer"] in "ABCD"
