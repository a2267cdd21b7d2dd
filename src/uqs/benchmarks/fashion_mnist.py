"""Fashion-MNIST: grey pictures of clothes in ten classes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from uqs.benchmarks import _idx, _read
from uqs.benchmarks._image_classes import Labelled, assemble, check_options, png
from uqs.benchmarks._notes import Notes
from uqs.benchmarks._pictures import Pictures
from uqs.benchmarks.cards import BenchmarkCard
from uqs.errors import DataError
from uqs.records import Benchmark, Task

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_SIDE = 28
_PARTS = {"train": "train", "test": "t10k"}
_MOST = 64_000_000
"""More bytes than the release's largest file unpacks to, which are 47 million."""


@dataclass(frozen=True)
class FashionMNIST:
    """Loader of the release's four IDX files; `forget` is `class:NAME`, `class:NUMBER` or `random:SHARE`.

    `seed` draws what is forgotten and held out. `train_limit` pictures are used for training, and at most
    `asked_limit` asked of each split. Split beside the three: `neighbour`, other test pictures.
    """

    name: ClassVar[str] = "fashion_mnist"
    source: ClassVar[str] = "Xiao, Rasul, Vollgraf 2017 (arXiv 1708.07747)"
    tasks: ClassVar[tuple[Task, ...]] = ("short",)
    generalises: ClassVar[bool] = True
    card: ClassVar[BenchmarkCard] = BenchmarkCard(
        title="Fashion-MNIST",
        paper="arXiv 1708.07747",
        release="github.com/zalandoresearch/fashion-mnist; Debian's dataset-fashion-mnist",
        revision="",
        licence="MIT",
        measures="whether a class of pictures, or single pictures, are forgotten by a classifier",
        splits="forget, retain, holdout (test pictures), neighbour (other test pictures)",
        sizes={"training pictures": 60_000, "test pictures": 10_000},
        problems=(
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
        files: list[Path] = []
        pictures = Pictures(path)
        parts = {part: _part(path, part, pictures, files) for part in _PARTS}
        notes = Notes()
        if edition != _read.EMBEDDED:
            sizes = {
                "training pictures": len(parts["train"]),
                "test pictures": len(parts["test"]),
            }
            for line in self.card.unlike(sizes):
                notes.say(line)
        return assemble(
            self.name,
            path,
            edition,
            options=asdict(self),
            files=files,
            notes=notes,
            classes=CLASSES,
            train=parts["train"],
            test=parts["test"],
        )


def _part(path: Path, part: str, pictures: Pictures, files: list[Path]) -> list[Labelled]:
    shown, named = (
        path / f"{_PARTS[part]}-{what}-ubyte.gz" for what in ("images-idx3", "labels-idx1")
    )
    files += [shown, named]
    images, labels = _idx.read_idx(shown, 3, _MOST), _idx.read_idx(named, 1, _MOST)
    if images.shape[1:] != (_SIDE, _SIDE):
        height, width = images.shape[1:]
        raise DataError(f"holds pictures of {height} x {width}, not 28 x 28", file=shown)
    if len(images) != len(labels):
        raise DataError(f"holds {len(labels)} labels for {len(images)} pictures", file=named)
    found = []
    for number, (pixels, label) in enumerate(zip(images, labels.tolist(), strict=True), start=1):
        if label >= len(CLASSES):
            raise DataError(f"label {label} is none of 0 to 9", file=named, row=number)
        name = f"{part}-{number}.png"
        picture = pictures.get(png(pixels), name, shown, number, None)
        found.append(Labelled(part, number, picture, label))
    return found
