"""CIFAR-10: colour photographs in ten classes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from uqs.benchmarks import _folders, _pickled_batch, _progress, _tables
from uqs.benchmarks._image_classes import Labelled, assemble, check_options, png
from uqs.benchmarks._notes import Notes
from uqs.benchmarks._pictures import Pictures
from uqs.benchmarks._place import Place
from uqs.benchmarks.cards import NONE_STATED, BenchmarkCard
from uqs.errors import DataError
from uqs.records import Benchmark, Picture, Task

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_SIDE = 32
_ARCHIVE = "cifar-10-batches-py"
_BATCHES = {"train": tuple(f"data_batch_{i}" for i in range(1, 6)), "test": ("test_batch",)}
_CONFIG = "plain_text"


@dataclass(frozen=True)
class CIFAR10:
    """Loader of the Parquet files of the hub or of the Python archive; the archive is never unpickled.

    `forget` is `class:NAME`, `class:NUMBER` or `random:SHARE`. `seed` draws what is forgotten and held out.
    `train_limit` pictures are used for training, and at most `asked_limit` asked of each split. Split beside
    the three: `neighbour`, other test pictures.
    """

    name: ClassVar[str] = "cifar10"
    source: ClassVar[str] = (
        "Krizhevsky 2009 (Learning Multiple Layers of Features from Tiny Images)"
    )
    tasks: ClassVar[tuple[Task, ...]] = ("short",)
    generalises: ClassVar[bool] = True
    card: ClassVar[BenchmarkCard] = BenchmarkCard(
        title="CIFAR-10",
        paper="Krizhevsky 2009",
        release="uoft-cs/cifar10 on the Hugging Face hub; cifar-10-python.tar.gz at cs.toronto.edu/~kriz",
        revision="0b27149",
        licence=NONE_STATED,
        measures="whether a class of pictures, or single pictures, are forgotten by a classifier",
        splits="forget, retain, holdout (test pictures), neighbour (other test pictures)",
        sizes={"training pictures": 50_000, "test pictures": 10_000},
        problems=(
            "some test pictures are nearly those of the training part (arXiv 1902.00423); only equal ones "
            "are left out here",
            "what is learnt of a class holds for pictures of it that were never seen, so accuracy on single "
            "forgotten pictures falls to that on unseen ones, not to guessing",
        ),
    )

    forget: str = "class:0"
    seed: int = 0
    train_limit: int | None = None
    asked_limit: int | None = 2_000

    def __post_init__(self) -> None:
        check_options(self.name, asdict(self), CLASSES)

    def load(self, path: Path, edition: str) -> Benchmark:
        files, notes = _files(path), Notes()
        pictures = Pictures(path)
        parts = {
            part: [
                Labelled(part, number, picture, label)
                for number, (picture, label) in enumerate(_of_part(some, pictures), start=1)
            ]
            for part, some in files.items()
        }
        sizes = {"training pictures": len(parts["train"]), "test pictures": len(parts["test"])}
        for line in self.card.unlike(sizes):
            notes.say(line)
        return assemble(
            self.name,
            path,
            edition,
            options=asdict(self),
            files=[file for some in files.values() for file in some],
            notes=notes,
            classes=CLASSES,
            train=parts["train"],
            test=parts["test"],
        )


def _files(path: Path) -> dict[str, list[Path]]:
    """The files of each part: the archive's if there are any, else the Parquet files."""
    for root in (path / _ARCHIVE, path):
        there = [name for names in _BATCHES.values() for name in names if (root / name).is_file()]
        if there:
            for names in _BATCHES.values():
                for name in names:
                    if name not in there:
                        raise DataError(f"the archive lacks {name}", file=root)
            return {part: [root / name for name in names] for part, names in _BATCHES.items()}
    for root in (path / _CONFIG, path / "data", path):
        found = {part: _parquet(root, part) for part in _BATCHES}
        if any(found.values()):
            for part, files in found.items():
                if not files:
                    raise DataError(f"holds no {part}-*.parquet", file=root)
            return found
    raise DataError(
        f"holds neither train-*.parquet and test-*.parquet nor {_ARCHIVE}/data_batch_1, ...",
        file=path,
    )


def _parquet(root: Path, part: str) -> list[Path]:
    """`train-00000-of-00001.parquet`, ... or `train/0000.parquet`, ..."""
    if not root.is_dir():
        return []
    inside = _folders.entries(root / part) if (root / part).is_dir() else []
    beside = [file for file in _folders.entries(root) if file.name.startswith(f"{part}-")]
    return [file for file in (*beside, *inside) if file.suffix == ".parquet"]


def _of_part(files: list[Path], pictures: Pictures) -> Iterator[tuple[Picture, int]]:
    for file in files:
        yield from (_rows if file.suffix == ".parquet" else _batch)(file, pictures)


def _rows(file: Path, pictures: Pictures) -> Iterator[tuple[Picture, int]]:
    for number, row in _tables.rows(file, {"img": "image", "label": "id"}):
        place = Place(file, Notes(), number)
        picture = pictures.given(row["img"], f"{file.stem}-{number}.png", file, number, "img")
        with Image.open(io.BytesIO(picture.data)) as image:
            if image.size != (_SIDE, _SIDE):
                raise place.at("img").error(
                    f"is a picture of {image.size[0]} x {image.size[1]}, not 32 x 32"
                )
        yield picture, _label(row["label"], place.at("label"))


def _batch(file: Path, pictures: Pictures) -> Iterator[tuple[Picture, int]]:
    found = _pickled_batch.read_batch(file)
    data, labels = found.get("data"), found.get("labels")
    if not isinstance(data, np.ndarray) or data.ndim != 2 or data.shape[1] != 3 * _SIDE**2:
        raise DataError("has no pictures of 3 x 32 x 32 bytes", file=file, field="data")
    if not isinstance(labels, list) or len(labels) != len(data):
        raise DataError(
            f"has not one label for each of {len(data)} pictures", file=file, field="labels"
        )
    planes = data.reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1)
    for number, (pixels, label) in enumerate(zip(planes, labels, strict=True), start=1):
        place = Place(file, Notes(), number)
        name = f"{file.name}-{number}.png"
        picture = pictures.get(png(np.ascontiguousarray(pixels)), name, file, number, "data")
        _progress.step(file, number, len(data))
        yield picture, _label(label, place.at("labels"))


def _label(value: Any, place: Place) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < len(CLASSES):
        raise place.error(f"{value!r} is none of 0 to {len(CLASSES) - 1}")
    return value
