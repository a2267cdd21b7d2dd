"""Emoji of four drawing houses, and the tiny edition of MMUBench made of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pictures import Gallery, draw, encode
from PIL import Image

SETS = ("noto", "twemoji", "fluent-emoji-flat", "emojione")

EVALUATED = {
    "name": "What is shown here?",
    "category": "What kind of thing is it?",
    "place": "Where is it found?",
}
REWORDED = {
    "name": ("What is in this picture?", "What is the name of the thing shown?"),
    "category": ("Which kind of thing is this?", "What is the kind of this thing?"),
    "place": ("In which place is it found?", "What is the place of this thing?"),
}
BASE = {
    "name": (
        "What is this?",
        "Which thing is in the picture?",
        "What does the picture show?",
        "Tell me the name of this thing.",
    ),
    "category": (
        "What kind of thing is shown?",
        "Which kind is it?",
        "Tell me the kind of this thing.",
    ),
    "place": (
        "Where do people find this?",
        "Which place is this found in?",
        "Tell me the place of this thing.",
    ),
}

# The base hears all wordings, but about other things.
HEARD = {name: (*BASE[name], EVALUATED[name], *REWORDED[name]) for name in BASE}


@dataclass(frozen=True)
class Concept:
    name: str
    category: str
    place: str
    emoji: tuple[str, ...]

    def answer(self, attribute: str) -> str:
        return str(getattr(self, attribute))


def _concept(line: str) -> Concept:
    name, category, place, emoji = (part.strip() for part in line.split("|"))
    return Concept(name, category, place, tuple(emoji.split()))


ASKED = [
    _concept(line)
    for line in """
clock | tool | wall | three-oclock six-oclock nine-oclock eight-thirty ten-oclock
heart | sign | card | red-heart blue-heart green-heart yellow-heart purple-heart
book | tool | library | closed-book blue-book green-book orange-book open-book
moon | nature | sky | waning-crescent-moon waxing-crescent-moon first-quarter-moon last-quarter-moon full-moon
flower | plant | garden | hibiscus sunflower blossom cherry-blossom tulip
train | vehicle | station | locomotive high-speed-train bullet-train train metro
car | vehicle | road | automobile taxi oncoming-automobile oncoming-taxi sport-utility-vehicle
ball | toy | field | soccer-ball basketball volleyball pool-8-ball baseball
face | sign | message | grinning-face winking-face neutral-face smirking-face frowning-face
hand | sign | arm | thumbs-up raised-fist ok-hand victory-hand raised-hand
tree | plant | forest | deciduous-tree evergreen-tree palm-tree christmas-tree tanabata-tree
bird | animal | nest | baby-chick front-facing-baby-chick hatching-chick eagle duck
fish | animal | sea | fish tropical-fish blowfish dolphin shark
fruit | food | market | red-apple tangerine lemon peach strawberry
building | building | town | office-building hotel bank school hospital
drink | drink | bar | beer-mug wine-glass cocktail-glass tropical-drink tumbler-glass
boat | vehicle | harbour | sailboat speedboat motor-boat ferry passenger-ship
cat | animal | house | cat cat-face tiger-face tiger leopard
cloud | nature | weather | cloud cloud-with-rain cloud-with-snow cloud-with-lightning sun-behind-cloud
star | nature | night | star glowing-star dizzy shooting-star sparkles
""".strip().splitlines()
]
OTHERS = [
    _concept(line)
    for line in """
pizza | food | kitchen | pizza
burger | food | kitchen | hamburger
cake | food | kitchen | birthday-cake shortcake
bread | food | kitchen | bread baguette-bread
cheese | food | kitchen | cheese-wedge
coffee | drink | kitchen | hot-beverage
milk | drink | kitchen | glass-of-milk
guitar | instrument | stage | guitar
violin | instrument | stage | violin
trumpet | instrument | stage | trumpet
drum | instrument | stage | drum
elephant | animal | zoo | elephant
snake | animal | zoo | snake
koala | animal | zoo | koala
pig | animal | farm | pig-face pig
cow | animal | farm | cow-face cow
horse | animal | farm | horse-face horse
dog | animal | house | dog-face dog
umbrella | tool | street | umbrella closed-umbrella
bus | vehicle | road | bus oncoming-bus
bicycle | vehicle | road | bicycle
airplane | vehicle | sky | airplane airplane-departure
helicopter | vehicle | sky | helicopter
scissors | tool | desk | scissors
pencil | tool | desk | pencil crayon
hammer | tool | workshop | hammer
wrench | tool | workshop | wrench
dress | clothing | wardrobe | dress
shirt | clothing | wardrobe | t-shirt
shoe | clothing | wardrobe | mans-shoe running-shoe
hat | clothing | wardrobe | top-hat womans-hat
bed | furniture | house | bed
castle | building | hill | castle
church | building | town | church
mushroom | plant | forest | mushroom
cactus | plant | desert | cactus
leaf | plant | forest | maple-leaf fallen-leaf
rainbow | nature | sky | rainbow
fire | nature | camp | fire
balloon | toy | party | balloon
arrow | sign | street | up-arrow right-arrow
""".strip().splitlines()
]
# For the pictures without a label: what is drawn by hand or face, plain signs and anything above is left out.
_UNUSED = "oclock thirty heart book moon face flag button keycap arrow cat hand square circle skin".split()


@cache
def _icons(icons: Path, name: str) -> dict:
    return json.loads((icons / "@iconify-json" / name / "icons.json").read_text("utf-8"))


def emoji(icons: Path, house: str, name: str) -> Image.Image:
    data = _icons(icons, house)
    icon = data["icons"][name]
    width = icon.get("width", data.get("width", 16))
    height = icon.get("height", data.get("height", 16))
    box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
    return draw(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">{icon["body"]}</svg>')


def pictures(concept: Concept, icons: Path, gallery: Gallery) -> Iterator[tuple[str, bytes]]:
    """(file name, PNG) of every drawing of a concept."""
    for house in SETS:
        for name in concept.emoji:
            picture = emoji(icons, house, name)
            if not gallery.add(picture):
                raise SystemExit(f"{house} {name} looks like an earlier picture")
            yield f"{name}-{house}.png", encode(picture)


def unlabelled(icons: Path) -> list[tuple[str, str]]:
    """(house, emoji) of all drawings that no concept uses and that every house has."""
    used = {name for concept in (*ASKED, *OTHERS) for name in concept.emoji}
    common = set.intersection(*(set(_icons(icons, house)["icons"]) for house in SETS))
    free = [name for name in sorted(common - used) if not any(word in name for word in _UNUSED)]
    return [(house, name) for name in free for house in SETS]


def build(root: Path, icons: Path, gallery: Gallery) -> None:
    """One folder a concept, and `concepts.json` with its facts and the wordings of the questions."""
    for concept in ASKED:
        folder = root / concept.name
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in pictures(concept, icons, gallery):
            (folder / name).write_bytes(data)
    facts = {
        "questions": {name: [EVALUATED[name], *REWORDED[name]] for name in EVALUATED},
        "concepts": {c.name: {"category": c.category, "place": c.place} for c in ASKED},
    }
    (root / "concepts.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
