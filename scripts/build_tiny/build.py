"""Build the embedded editions and the base corpus, the same files every time.

python -m venv build && build/bin/pip install -r scripts/build_tiny/requirements.txt
npm install --prefix FOLDER    (with package.json of this folder)
build/bin/python scripts/build_tiny/build.py FOLDER/node_modules
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import concepts
import corpus
import flags
import mllmu
import numpy as np
import people
import pyarrow.parquet as pq
from avatars import any_look, elsewhere
from pictures import Gallery, encode

SEED = 20260502
PEOPLE, BASE_PEOPLE, REAL_WORLD = 66, 50, 30
FLAGS, BASE_FLAGS = 70, 60
FREE_AVATARS, FREE_VIEWS, FREE_EMOJI = 1000, 3, 600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("icons", type=Path, help="the node_modules folder")
    parser.add_argument("--package", type=Path, default=Path("src/uqs"))
    parser.add_argument(
        "--free",
        type=Path,
        default=Path("build/base"),
        help="where pictures for the vision tower go",
    )
    arguments = parser.parse_args()
    tiny = arguments.package / "benchmarks" / "tiny"
    base = arguments.package / "models" / "corpus"
    for old in tiny.glob("*/*"):
        if old.name != "ATTRIBUTION.md":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    rng = np.random.default_rng(SEED)
    gallery = Gallery()

    name = people.names(SEED)

    def group(prefix: str, count: int) -> list[people.Person]:
        return people.people([f"{prefix}{i:03d}" for i in range(1, count + 1)], name, rng, gallery)

    asked, taught, known = group("", PEOPLE), group("B", BASE_PEOPLE), group("R", REAL_WORLD)
    mllmu.build(tiny / "mllmu_bench", asked, known, rng, gallery)

    countries = flags.countries(arguments.icons, rng, gallery)
    far, near = countries[:FLAGS], countries[FLAGS : FLAGS + BASE_FLAGS]
    if len(near) < BASE_FLAGS:
        raise SystemExit(f"only {len(countries)} countries")
    flags.build(tiny / "unlok_vqa", far, near, rng)

    concepts.build(tiny / "mmubench", arguments.icons, gallery)
    rows = corpus.build(base, taught, known, near, arguments.icons, rng, gallery)

    free = free_pictures(countries[FLAGS + BASE_FLAGS :], arguments.icons, rng, gallery)
    corpus.build_pictures(arguments.free, free)
    words = corpus.words(tiny_texts(tiny) + corpus.texts(rows))
    (base / "words.txt").write_text("\n".join(words) + "\n", "utf-8")
    print(len(countries), "countries,", len(rows), "corpus rows,", len(free), "free pictures")


def free_pictures(
    countries: list[flags.Country], icons: Path, rng: np.random.Generator, gallery: Gallery
) -> list[tuple[str, str, bytes]]:
    """(what it shows, kind, PNG) of pictures that nothing asks about."""
    drawn = []
    for number in range(FREE_AVATARS):
        look = any_look(rng)
        views = [look.draw(), *(elsewhere(look, rng) for _ in range(FREE_VIEWS - 1))]
        drawn += [(f"avatar{number}", "person", encode(view)) for view in views]
    drawn += [(f"flag-{c.code.lower()}", "flag", encode(c.picture)) for c in countries]
    names = concepts.unlabelled(icons)
    for place in sorted(rng.permutation(len(names))[:FREE_EMOJI].tolist()):
        house, emoji = names[place]
        picture = concepts.emoji(icons, house, emoji)
        if gallery.add(picture):
            drawn.append((emoji, "concept", encode(picture)))
    return drawn


def tiny_texts(tiny: Path) -> list[str]:
    """Every text in the three editions."""
    texts = [concept.name for concept in concepts.ASKED]
    for file in sorted(tiny.rglob("*.parquet")):
        table = pq.read_table(file)
        pictures = [name for name in table.column_names if "image" in name]
        texts += _strings(table.drop_columns(pictures).to_pylist())
    for file in sorted(tiny.rglob("*.json")):
        texts += _strings(json.loads(file.read_text("utf-8")))
    return texts


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    if isinstance(value, str):
        return _strings(json.loads(value)) if value.startswith("[{") else [value]
    return []


if __name__ == "__main__":
    main()
