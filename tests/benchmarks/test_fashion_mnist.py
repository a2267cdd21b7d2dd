import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from uqs import benchmarks
from uqs.benchmarks.fashion_mnist import CLASSES
from uqs.errors import DataError, UserError

Bytes = NDArray[np.uint8]


def idx(values: Bytes) -> bytes:
    """Written from the description of the format: 0, 0, the type, the axes, and big-endian sizes."""
    head = bytes((0, 0, 8, values.ndim)) + b"".join(n.to_bytes(4, "big") for n in values.shape)
    return head + values.tobytes()


def put(root: Path, part: str, images: Bytes, labels: Bytes) -> None:
    for what, values in (("images-idx3", images), ("labels-idx1", labels)):
        (root / f"{part}-{what}-ubyte.gz").write_bytes(gzip.compress(idx(values), mtime=0))


def pictures(count: int, seed: int) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28), dtype=np.uint8)


TRAIN, TEST = pictures(40, 1), pictures(20, 2)
OF_TRAIN, OF_TEST = (np.arange(n, dtype=np.uint8) % 10 for n in (40, 20))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "train", TRAIN, OF_TRAIN)
    put(tmp_path, "t10k", TEST, OF_TEST)
    return tmp_path


def numbers(split: Any) -> list[int]:
    """The numbers of a split's pictures, from 0."""
    return [int(sample.id.partition("-")[2]) - 1 for sample in split.samples]


def pixels(sample: Any) -> Bytes:
    import io

    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(sample.picture.data)))


def test_a_class_is_forgotten(root: Path) -> None:
    found = benchmarks.load(f"fashion_mnist:{root}&forget=class:Shirt")
    assert found.edition == f"{root}&forget=class:Shirt"
    assert numbers(found.learn["forget"]) == [i for i in range(40) if i % 10 == 6]
    assert numbers(found.learn["retain"]) == [i for i in range(40) if i % 10 != 6]
    assert numbers(found.evaluate["holdout"]) == [6, 16]
    assert numbers(found.evaluate["neighbour"]) == [i for i in range(20) if i % 10 != 6]
    assert found.unlearn == found.learn
    for split, images, labels in (
        ("forget", TRAIN, OF_TRAIN),
        ("retain", TRAIN, OF_TRAIN),
        ("holdout", TEST, OF_TEST),
        ("neighbour", TEST, OF_TEST),
    ):
        for sample, i in zip(
            found.evaluate[split].samples, numbers(found.evaluate[split]), strict=True
        ):
            assert sample.answer == CLASSES[labels[i]]
            assert sample.entity == sample.id
            np.testing.assert_array_equal(pixels(sample), images[i])
    assert "2 pictures in holdout, fewer than the 4 asked of forget" in found.notes
    assert benchmarks.load(f"fashion_mnist:{root}&forget=class:6").learn == found.learn


def test_pictures_drawn_at_random_are_forgotten(root: Path) -> None:
    found = [
        benchmarks.load(f"fashion_mnist:{root}&forget=random:0.25&seed={s}") for s in (0, 0, 1)
    ]
    first = found[0]
    assert first.learn == found[1].learn != found[2].learn
    assert first.data_hash == found[1].data_hash != found[2].data_hash
    forget, retain = numbers(first.learn["forget"]), numbers(first.learn["retain"])
    assert len(forget) == 10
    assert sorted(forget + retain) == list(range(40))
    holdout, neighbour = (numbers(first.evaluate[name]) for name in ("holdout", "neighbour"))
    assert len(holdout) == 10
    assert sorted(holdout + neighbour) == list(range(20))


def test_limits(root: Path) -> None:
    found = benchmarks.load(f"fashion_mnist:{root}&forget=random:0.5&train_limit=20&asked_limit=4")
    assert {name: len(split) for name, split in found.learn.items()} == {"forget": 10, "retain": 10}
    assert {len(split) for split in found.evaluate.values()} == {4}
    found = benchmarks.load(f"fashion_mnist:{root}&forget=random:0.5")
    assert set(found.evaluate) == {"forget", "retain", "holdout"}
    assert "no test picture is left for the split neighbour, which is left out" in found.notes


def test_the_same_picture_twice(root: Path) -> None:
    images, labels = TRAIN.copy(), OF_TRAIN.copy()
    images[11] = images[1]  # of the same class
    images[12] = images[3]  # of another one
    unseen = TEST.copy()
    unseen[0] = images[5]
    put(root, "train", images, labels)
    put(root, "t10k", unseen, OF_TEST)
    found = benchmarks.load(f"fashion_mnist:{root}&forget=class:0")
    kept = {i for split in found.learn.values() for i in numbers(split)}
    assert kept == set(range(40)) - {3, 11, 12}
    assert numbers(found.evaluate["holdout"]) == [10]
    assert {
        "1 training picture left out, the same as another",
        "2 training pictures left out, in two classes",
        "1 test picture left out, the same as another or as a trained one",
    } <= set(found.notes)


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ("class:shirt", "'shirt' is no class, and no number from 0 to 9; did you mean 'Shirt'?"),
        ("class:10", "'10' is no class, and no number from 0 to 9"),
        ("random:0", "a share between 0 and 1"),
        ("random:1", "a share between 0 and 1"),
        ("random:nan", "a share between 0 and 1"),
        ("half", "write class:NAME, class:NUMBER, or random:SHARE"),
    ],
)
def test_what_cannot_be_forgotten(root: Path, asked: str, problem: str) -> None:
    with pytest.raises(UserError) as error:
        benchmarks.load(f"fashion_mnist:{root}&forget={asked}")
    assert str(error.value).startswith(f"fashion_mnist: forget={asked}")
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def damaged(root: Path, file: str, data: bytes) -> str:
    (root / file).write_bytes(data)
    with pytest.raises(DataError) as error:
        benchmarks.load(f"fashion_mnist:{root}")
    said = str(error.value)
    assert "\n" not in said
    assert file in said
    return said


IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


@pytest.mark.parametrize(
    ("file", "data", "problem"),
    [
        (IMAGES, b"no gzip", "is not a readable gzip file"),
        (IMAGES, gzip.compress(idx(TRAIN), mtime=0)[:-900], "is not a readable gzip file"),
        (
            IMAGES,
            gzip.compress(idx(OF_TRAIN), mtime=0),
            "is no IDX file of unsigned bytes with 3 axes",
        ),
        (
            IMAGES,
            gzip.compress(idx(TRAIN)[:-1], mtime=0),
            "says 40 x 28 x 28 and holds 31359 bytes",
        ),
        (
            IMAGES,
            gzip.compress(idx(TRAIN[:, :27]), mtime=0),
            "holds pictures of 27 x 28, not 28 x 28",
        ),
        (LABELS, gzip.compress(idx(OF_TRAIN[:39]), mtime=0), "holds 39 labels for 40 pictures"),
        (LABELS, gzip.compress(idx(OF_TRAIN + 1), mtime=0), "row 10: label 10 is none of 0 to 9"),
        (LABELS, gzip.compress(bytes(70_000_000), mtime=0), "unpacks to more than 64000000 bytes"),
    ],
)
def test_damaged_files(root: Path, file: str, data: bytes, problem: str) -> None:
    assert problem in damaged(root, file, data)


def test_a_missing_file(root: Path) -> None:
    (root / LABELS).unlink()
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte\.gz: no such file"):
        benchmarks.load(f"fashion_mnist:{root}")


def test_the_shipped_edition_is_even() -> None:
    found = benchmarks.load("fashion_mnist:tiny&forget=random:0.2")
    of = Counter(s.answer for split in found.learn.values() for s in split.samples)
    assert of == dict.fromkeys(CLASSES, 150)
    assert found.generalises
    assert not found.notes
