"""SVG to small PNG files, and the check that no two pictures are the same."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
import resvg_py
from PIL import Image

SIZE = 32
_RENDERED = 128


def draw(svg: str) -> Image.Image:
    """An RGB picture of 32 x 32 on white, squeezed to a square where the drawing is not one."""
    png = resvg_py.svg_to_bytes(
        svg_string=svg, width=_RENDERED, height=_RENDERED, skip_system_fonts=True
    )
    drawing = Image.open(io.BytesIO(bytes(png))).convert("RGBA")
    page = Image.new("RGBA", drawing.size, "white")
    page.alpha_composite(drawing)
    return shrink(page.convert("RGB"))


def shrink(picture: Image.Image) -> Image.Image:
    return picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def encode(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


@dataclass
class Gallery:
    """All pictures drawn so far; `add` says whether a picture was new, and keeps it then."""

    pixels: np.ndarray = field(
        default_factory=lambda: np.empty((10_000, SIZE * SIZE * 3), dtype=np.float32)
    )
    count: int = 0

    def add(self, picture: Image.Image, nearest: float = 0.0) -> bool:
        """Keep a picture whose mean absolute difference (0-255) to all others is above `nearest`."""
        flat = np.asarray(picture, dtype=np.float32).ravel()
        known = self.pixels[: self.count]
        # in parts, for most pictures are near to none, and one that is near settles it
        for part in np.array_split(known, max(1, self.count // 512)):
            if len(part) and np.abs(part - flat).mean(axis=1).min() <= nearest:
                return False
        self.pixels[self.count] = flat
        self.count += 1
        return True
