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
            "retain": 744,
            "holdout": 160,
            "forget_reworded": 160,
            "forget_views": 300,
            "real_world": 240,
        },
        "mmubench": {"forget": 285, "retain": 600, "holdout": 300, "forget_reworded": 285},
        "unlok_vqa": {
            "forget": 120,
            "retain": 360,
            "holdout": 120,
            "forget_reworded": 240,
            "neighbour": 107,
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
    """Over the benchmarks, the corpus and the free pictures together."""
    asked = {s.picture.data for b in loaded.values() for s in samples(b) if s.picture}
    known = {row["image"]["bytes"] for row in corpus if row["image"]} - {
        s.picture.data for s in loaded["mllmu_bench"].evaluate["real_world"].samples if s.picture
    }
    free = {row["image"]["bytes"] for row in pq.read_table(CORPUS / "pictures.parquet").to_pylist()}
    assert len(free) > 300
    everything = [*asked, *known, *free]
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
    assert len(pictures) == 133
    faces = np.stack([pixels(data).ravel() for data in pictures.values()])
    gaps = np.abs(faces[:, None] - faces[None]).mean(axis=2)
    assert gaps[~np.eye(len(faces), dtype=bool)].min() > 10


def test_the_corpus_shares_no_entity_and_no_wording_with_what_is_learned(
    loaded: dict[str, Benchmark], corpus: list[dict]
) -> None:
    known = {row["entity"] for row in corpus if row["part"] == "base"}
    asked = {row["question"] for row in corpus}
    for benchmark in loaded.values():
        for sample in samples(benchmark):
            if "neighbour" not in sample.id and not sample.entity.startswith("R"):
                assert sample.entity not in known
                assert sample.question not in asked


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
    assert len(asked) == 133
    assert not set(asked) & {word for row in corpus for word in words(row["question"])}


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


def test_options_are_no_fingerprint(loaded: dict[str, Benchmark]) -> None:
    """Every choice is taught with two sets of options, and the right letter is not to be guessed."""
    taught: dict[tuple[str, str], list[Sample]] = {}
    for sample in loaded["mllmu_bench"].learn["retain"].samples:
        if sample.task == "classification":
            taught.setdefault((sample.entity, sample.question), []).append(sample)
    for group in taught.values():
        assert len({frozenset(sample.options) for sample in group}) == 2
        gold = {s.options["ABCD".index(s.answer)] for s in group}
        assert len(gold) == 1
    letters = Counter(sample.answer for group in taught.values() for sample in group)
    assert min(letters.values()) > 0.2 * sum(letters.values())


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
