"""The words and pictures of questions, of the editions that come with UQS."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Mapping

from PIL import Image

from uqs import benchmarks
from uqs.errors import UserError
from uqs.records import Picture, Sample

SHIPPED = "tiny"
LARGEST = 160
"""Pixels of the longer side."""
QUALITY = 80


class Pictures:
    """Encoded pictures, each once however often it is asked about."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self._places: dict[bytes, int] = {}

    def place(self, picture: Picture | None) -> int:
        """Where the picture stands in `files`, small and as WebP; -1 for none."""
        if picture is None:
            return -1
        if picture.data not in self._places:
            self._places[picture.data] = len(self.files)
            self.files.append(b64encode(_small(picture.data)).decode())
        return self._places[picture.data]


def _small(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as opened:
        image = opened.convert("RGB")
    image.thumbnail((LARGEST, LARGEST))
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=QUALITY)
    return buffer.getvalue()


def questions(benchmark: str, edition: str, data_hash: str) -> Mapping[str, Sample] | str:
    """The samples of forget and holdout by id, or in words why they are not shown.

    Data of the user's own stay where they are: their licence may not allow a page that is published.
    """
    if edition.partition("#")[0] != SHIPPED:
        return (
            "Words and pictures of questions are shown for the editions that come with UQS alone."
        )
    try:
        found = benchmarks.load(f"{benchmark}:{edition}")
    except UserError as error:
        return f"The questions cannot be shown: {error}."
    if found.data_hash != data_hash:
        return "The questions are not shown: this version of UQS has others than the run was made with."
    return {
        sample.id: sample
        for split in ("forget", "holdout")
        for sample in found.evaluate[split].samples
    }
