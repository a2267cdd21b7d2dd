"""What several rooms test with: a tiny LLaVA with random weights and a few questions on drawn pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from uqs.records import Picture, Sample

if TYPE_CHECKING:
    from uqs.models.tiny_llava import TinyLlava

COLOURS = ("red", "green", "blue", "pink", "grey", "black")


def draw(seed: int) -> Picture:
    """A picture of random blocks."""
    blocks = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.kron(blocks, np.ones((8, 8, 1), dtype=np.uint8))).save(buffer, "PNG")
    return Picture(f"block-{seed}.png", buffer.getvalue())


@pytest.fixture
def samples() -> list[Sample]:
    """Six entities, three questions each: on a picture, a choice, and in text alone."""
    found = []
    for i, colour in enumerate(COLOURS):
        picture, entity = draw(i), f"thing{i}"
        others = tuple(COLOURS[(i + k) % 6] for k in range(4))
        found += [
            Sample(f"{i}-a", entity, "short", "What colour is it?", colour, picture),
            Sample(f"{i}-b", entity, "classification", "Which colour?", "A", picture, others),
            Sample(
                f"{i}-c",
                entity,
                "cloze",
                f"The colour of thing {i} is [Blank]",
                f"{colour} {colour}",
            ),
        ]
    return found


@pytest.fixture
def make_vlm() -> Callable[[], TinyLlava]:
    from uqs.models.tiny_llava import build

    words = [
        "USER",
        "ASSISTANT",
        "What",
        "Which",
        "colour",
        "is",
        "it",
        "the",
        "of",
        "The",
        "thing",
        "Blank",
    ]

    def make(seed: int = 0) -> TinyLlava:
        return build([*words, *COLOURS], seed)

    return make
