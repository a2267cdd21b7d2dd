"""Pictures that were checked to decode and to show something, each of them once."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from uqs.benchmarks import _folders
from uqs.errors import DataError
from uqs.records import Picture

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".bmp")
_DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
_STILL = ("MPO",)  # a camera's JPEG with a second picture inside
ANIMATED = "is animated; save the frame that is meant"


class Pictures:
    """The pictures of a benchmark. Equal bytes are one `Picture`, decoded once.

    `root` is the benchmark's folder: pictures that are given by a file name are looked for in it, and
    beside the file that names them.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[bytes, Picture] = {}

    def get(
        self, data: bytes | None, name: str, file: Path, row: int | str | None, field: str | None
    ) -> Picture:
        """The picture of these bytes; DataError where a model would not see in it what a person sees."""
        if not data:
            raise DataError("missing picture", file=file, row=row, field=field)
        digest = hashlib.sha256(data).digest()
        if digest not in self._known:
            _folders.refuse_pointer(data[:100], file)
            try:
                with Image.open(io.BytesIO(data)) as picture:
                    picture.verify()
                with Image.open(io.BytesIO(data)) as picture:
                    problem = _unseeable(picture)
                    content = "" if problem else _content(picture)
            except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
                raise DataError(
                    f"is not a readable picture ({error})", file=file, row=row, field=field
                ) from None
            if problem is not None:
                raise DataError(problem, file=file, row=row, field=field)
            self._known[digest] = Picture(name, data, content)
        return self._known[digest]

    def read(self, path: Path) -> Picture:
        """The picture of a file."""
        return self.get(_folders.read_bytes(path), path.name, path, None, None)

    def given(
        self, value: object, name: str, file: Path, row: int | str | None, field: str
    ) -> Picture:
        """A picture as Hugging Face's tables hold it: its bytes or, without them, the file of its path."""
        found = value if isinstance(value, Mapping) else {"path": value}
        data, path = found.get("bytes"), found.get("path")
        if not data and isinstance(path, str) and path.strip():
            for folder in (file.parent, self._root, self._root / "images"):
                if place := _folders.within(folder, path):
                    return self.get(_folders.read_bytes(place), name, place, None, None)
            raise DataError(
                f"missing picture: no {path!r} beside the file or in {self._root}",
                file=file,
                row=row,
                field=field,
            )
        return self.get(data if isinstance(data, bytes) else None, name, file, row, field)


def _unseeable(picture: Image.Image) -> str | None:
    """Why a model would not see what a person sees, or None: models get the first frame in 8-bit RGB."""
    if picture.mode in _DEEP:
        return f"has more than 8 bits a channel (mode {picture.mode}); save it with 8"
    if getattr(picture, "is_animated", False) and picture.format not in _STILL:
        return ANIMATED
    if picture.has_transparency_data:
        seen = picture.convert("RGBA").getchannel("A").getextrema()[1]
        if not seen:
            return "is transparent everywhere"
    return None


def _content(picture: Image.Image) -> str:
    """A digest of what is seen, however the file was packed: of size and pixels, transparency included."""
    seen = picture.convert("RGBA") if picture.has_transparency_data else picture
    if seen.mode != "RGBA" or seen.getchannel("A").getextrema()[0] == 255:
        seen = seen.convert("RGB")
    digest = hashlib.sha256(f"{seen.mode} {seen.size}".encode())
    digest.update(seen.tobytes())
    return digest.hexdigest()
