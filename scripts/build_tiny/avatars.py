"""Pictures of people who do not exist: drawn avatars (style `personas`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files

import numpy as np
from dicebear import Avatar, Style
from pictures import SIZE, Gallery, draw
from PIL import Image, ImageOps

_STYLE = Style(json.loads(files("dicebear_styles").joinpath("personas.json").read_text("utf-8")))
_PARTS = {
    "hair": (
        "bald balding beanie bobBangs bobCut bunUndercut buzzcut cap curly curlyBun curlyHighTop extraLong"
        " fade long mohawk pigtails shortCombover shortComboverChops sideShave straightBun"
    ).split(),
    "clothes": "checkered rounded small squared".split(),
    "eyes": "glasses happy open sleep sunglasses wink".split(),
    "mouth": "bigSmile frown lips smile smirk surprise".split(),
    "facialHair": "none none none beardMustache goatee pyramid shadow walrus".split(),
    "skinColor": "#eeb4a4 #e5a07e #d78774 #b16a5b #92594b #623d36".split(),
    "hairColor": "#16120f #5a3620 #c98b2e #e8d9a0 #b5302a #8f8f98 #2d4fa8 #3f8f4a #d65fa8".split(),
    "clothingColor": "#456dff #6dbb58 #f55d81 #7555ca #e24553 #54d7c7 #f3b63a #2b2b35 #e9e9ef".split(),
    "background": (
        "#ffffff #f9d9d9 #f4b6a0 #ffe08a #d9f0a3 #8fd694 #a6e3e9 #7fb7ff #b9a7f5 #f2a6de #c9c9c9 #6b7280"
    ).split(),
}
_FAR = 16.0


@dataclass(frozen=True)
class Look:
    """What an avatar is drawn from."""

    hair: str
    clothes: str
    eyes: str
    mouth: str
    facialHair: str  # noqa: N815 (the style's own name)
    skinColor: str  # noqa: N815
    hairColor: str  # noqa: N815
    clothingColor: str  # noqa: N815
    background: str

    def draw(self) -> Image.Image:
        beard = self.facialHair != "none"
        options = {
            "seed": "person",
            "hairVariant": [self.hair],
            "clothesVariant": [self.clothes],
            "eyesVariant": [self.eyes],
            "mouthVariant": [self.mouth],
            "facialHairVariant": [self.facialHair] if beard else [],
            "facialHairProbability": 100 if beard else 0,
            "skinColor": [self.skinColor],
            "hairColor": [self.hairColor],
            "facialHairColor": [self.hairColor],
            "clothingColor": [self.clothingColor],
            "backgroundColor": [self.background],
        }
        return draw(Avatar(_STYLE, options).to_string())


def looks(rng: np.random.Generator, gallery: Gallery) -> Iterator[Look]:
    """Endless random looks, each far from everything in the gallery, which grows with them."""
    while True:
        look = any_look(rng)
        if gallery.add(look.draw(), _FAR):
            yield look


def any_look(rng: np.random.Generator) -> Look:
    return Look(**{part: str(rng.choice(values)) for part, values in _PARTS.items()})


def elsewhere(look: Look, rng: np.random.Generator) -> Image.Image:
    """The same person in clothes of another colour before another background."""
    others = {
        part: str(rng.choice([value for value in _PARTS[part] if value != getattr(look, part)]))
        for part in ("background", "clothingColor")
    }
    return replace(look, **others).draw()


def another(look: Look, rng: np.random.Generator, gallery: Gallery) -> Image.Image:
    """`elsewhere`, drawn again until the gallery takes it for a new picture."""
    while True:
        if gallery.add(picture := elsewhere(look, rng)):
            return picture


def views(look: Look, rng: np.random.Generator, gallery: Gallery) -> list[Image.Image]:
    """Three other pictures of the same person: mirrored, nearer, and elsewhere in other clothes."""
    picture = look.draw()
    edge = int(rng.integers(1, 3))
    nearer = picture.crop((edge, edge, SIZE - edge, SIZE - edge)).resize(
        (SIZE, SIZE), Image.Resampling.LANCZOS
    )
    for view in (ImageOps.mirror(picture), nearer):
        if not gallery.add(view):
            raise SystemExit(f"a view of {look} is no new picture")
    return [ImageOps.mirror(picture), nearer, another(look, rng, gallery)]
