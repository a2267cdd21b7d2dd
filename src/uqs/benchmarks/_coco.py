"""Pictures by their COCO id, in a folder of one's own or in COCO's folders as they are unpacked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from uqs.benchmarks import _folders
from uqs.benchmarks._pictures import PICTURE_SUFFIXES
from uqs.benchmarks._place import Place

_SPLIT = re.compile(r"(train|val|test)(2014|2015|2017)")
_NAMED = re.compile(r"(?:COCO_(?:train|val|test)\d{4}_)?0*(\d+)")
"""`12345`, `000000012345` (COCO 2017) or `COCO_train2014_000000012345` (COCO 2014)."""


class CocoPictures:
    """The picture files under a benchmark's folder: in `images/`, in COCO's `train2017/`, `val2017/`, ...
    beside or inside it, or in the folder itself.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for folder in self._folders():
            for file in _folders.entries(folder):
                if file.suffix.lower() in PICTURE_SUFFIXES and file.is_file():
                    name = _NAMED.fullmatch(file.stem)
                    found.setdefault(name[1] if name else file.stem, []).append(file)
        return found

    def _folders(self) -> Iterable[Path]:
        images = self._root / "images"
        for place in (images, self._root):
            if place.is_dir():
                yield place
                yield from (
                    f for f in _folders.entries(place) if _SPLIT.fullmatch(f.name) and f.is_dir()
                )

    def file(self, image_id: str, place: Place) -> Path:
        """The file of a picture; DataError where there is none, or files of that id differ."""
        name = _NAMED.fullmatch(image_id)
        files = self._files.get(name[1] if name else image_id, [])
        if not files:
            raise place.error(
                f"missing picture: no {image_id}.png (or .jpg, ..., also named as in COCO) in "
                f"{self._root / 'images'}, nor in train2017, val2017, ... of {self._root}"
            )
        first, *others = files
        for other in others:
            if other.read_bytes() != first.read_bytes():
                raise place.error(f"has two pictures, which differ: {first} and {other}")
        return first
