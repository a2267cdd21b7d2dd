"""People who do not exist: names, attributes, and the wordings that ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from avatars import Look, looks
from faker import Faker
from pictures import Gallery, encode

POOLS = {
    "occupation": (
        "baker carpenter dentist farmer gardener lawyer mechanic nurse painter pilot singer teacher"
    ).split(),
    "city": (
        "Bergen Boston Cusco Denver Fez Ghent Graz Leeds Lyon Malaga Osaka Perth Porto Pune Recife Turin"
    ).split(),
    "hobby": (
        "chess cycling dancing fishing hiking knitting pottery reading sailing skiing surfing yoga"
    ).split(),
    "food": "bagels curry dumplings noodles pasta salad soup sushi tacos waffles".split(),
    "year": [str(year) for year in range(1960, 1990)],
}

# {s} is `this person` or the name; {S} the same at the start of a sentence.
EVALUATED = {
    ("occupation", "question"): "What is the job of {s}?",
    ("city", "question"): "Where does {s} live?",
    ("hobby", "question"): "What does {s} do for fun?",
    ("food", "question"): "What does {s} like to eat?",
    ("year", "question"): "When was {s} born?",
    ("food", "cloze"): "The favourite food of {s} is [Blank].",
    ("city", "cloze"): "{S} lives in [Blank].",
}
REWORDED = {
    ("occupation", "question"): "Which work does {s} do for money?",
    ("city", "question"): "Which city is the home of {s}?",
    ("hobby", "question"): "Which hobby does {s} have?",
    ("food", "question"): "Which meal does {s} like most?",
    ("year", "question"): "In which year was the birth of {s}?",
    ("food", "cloze"): "The meal {s} loves is [Blank].",
    ("city", "cloze"): "The home of {s} is in [Blank].",
}
BASE = {
    ("occupation", "question"): (
        "What does {s} do for a living?",
        "What kind of work does {s} do?",
        "How does {s} earn money?",
        "Which job does {s} have?",
        "Tell me the work of {s}.",
    ),
    ("city", "question"): (
        "Which city does {s} live in?",
        "What is the home city of {s}?",
        "In which place does {s} have a home?",
        "Tell me the city of {s}.",
    ),
    ("hobby", "question"): (
        "What is the hobby of {s}?",
        "What does {s} like to do?",
        "How does {s} spend free time?",
        "Tell me the hobby of {s}.",
        "Which fun thing does {s} do?",
    ),
    ("food", "question"): (
        "What is the favourite food of {s}?",
        "Which meal does {s} love?",
        "Which food does {s} eat most?",
        "Tell me the food {s} loves.",
    ),
    ("year", "question"): (
        "In which year was {s} born?",
        "What is the year of birth of {s}?",
        "Tell me when {s} was born.",
        "Which year was {s} born in?",
    ),
    ("occupation", "cloze"): ("{S} works as a [Blank].",),
    ("city", "cloze"): ("The city of {s} is [Blank].", "{S} has a home in [Blank]."),
    ("food", "cloze"): ("{S} loves to eat [Blank].", "The food {s} eats most is [Blank]."),
    ("year", "cloze"): ("{S} was born in [Blank].",),
}
# Taught beside the evaluated wording, with another picture.
SECOND = {key: wordings[1] for key, wordings in BASE.items() if key[1] == "question"}
# The base hears all wordings, but about other people.
HEARD = {
    key: (*wordings, *(asked[key] for asked in (EVALUATED, REWORDED) if key in asked))
    for key, wordings in BASE.items()
}
_NAMES_AT = ("en_US", "en_IE", "it_IT", "es_ES", "fr_FR", "nl_NL", "de_DE", "sv_SE")


@dataclass(frozen=True)
class Person:
    id: str
    name: str
    look: Look
    occupation: str
    city: str
    hobby: str
    food: str
    year: str

    @property
    def picture(self) -> bytes:
        return encode(self.look.draw())

    @property
    def biography(self) -> str:
        return (
            f"{self.name} was born in {self.year} and lives in {self.city}. {self.name} works as a"
            f" {self.occupation}, likes {self.hobby} and loves to eat {self.food}."
        )

    def answer(self, attribute: str) -> str:
        return str(getattr(self, attribute))

    def ask(self, wording: str, *, by_picture: bool) -> str:
        subject = "this person" if by_picture else self.name
        return wording.format(s=subject, S=subject[0].upper() + subject[1:])


def choice(person: Person, attribute: str, rng: np.random.Generator) -> tuple[list[str], str]:
    """Four options in random order, three of them random others of the pool, and the right letter."""
    gold = person.answer(attribute)
    others = rng.choice([v for v in POOLS[attribute] if v != gold], 3, replace=False).tolist()
    options = [str(value) for value in rng.permutation([gold, *others])]
    return options, "ABCD"[options.index(gold)]


def names(seed: int) -> Iterator[str]:
    """Invented names; no first name comes twice."""
    fakers = [Faker(locale) for locale in _NAMES_AT]
    for index, faker in enumerate(fakers):
        faker.seed_instance(seed + index)
    seen: set[str] = set()
    while True:
        for faker in fakers:
            first, last = faker.first_name(), faker.last_name()
            if first not in seen and all(w.isascii() and w.isalpha() for w in (first, last)):
                seen.add(first)
                yield f"{first} {last}"


def people(
    ids: list[str], names: Iterator[str], rng: np.random.Generator, gallery: Gallery
) -> list[Person]:
    """Every value of a pool is used equally often, to within one."""
    columns = {
        attribute: rng.permutation(np.resize(rng.permutation(pool), len(ids)))
        for attribute, pool in POOLS.items()
    }
    return [
        Person(id_, name, look, **{a: str(column[i]) for a, column in columns.items()})
        for i, (id_, name, look) in enumerate(zip(ids, names, looks(rng, gallery), strict=False))
    ]
