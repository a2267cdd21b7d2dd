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
from avatars import looks
from pictures import Gallery, encode

SEED = 20260502
PEOPLE, BASE_PEOPLE, REAL_WORLD = 133, 50, 30
FLAGS, BASE_FLAGS = 100, 45
FREE_AVATARS, FREE_EMOJI = 150, 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("icons", type=Path, help="the node_modules folder")
    parser.add_argument("--package", type=Path, default=Path("src/uqs"))
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

    drawn = [
        (f"avatar{i:03d}", "person", encode(look.draw()))
        for i, look in zip(range(1, FREE_AVATARS + 1), looks(rng, gallery), strict=False)
    ]
    drawn += [
        (f"flag-{c.code.lower()}", "flag", encode(c.picture))
        for c in countries[FLAGS + BASE_FLAGS :]
    ]
    free = concepts.unlabelled(arguments.icons)
    taken = sorted(rng.permutation(len(free))[:FREE_EMOJI].tolist())
    for house, emoji in (free[i] for i in taken):
        picture = concepts.emoji(arguments.icons, house, emoji)
        if gallery.add(picture):
            drawn.append((f"{emoji}-{house}", "concept", encode(picture)))
    corpus.build_pictures(base, drawn)

    texts = [text for row in rows for text in (row.question, row.answer, *row.options)]
    for file in sorted(tiny.rglob("*.parquet")):
        table = pq.read_table(file)
        texts += _strings(
            table.drop_columns([n for n in table.column_names if "image" in n]).to_pylist()
        )
    texts += _strings(json.loads((tiny / "unlok_vqa" / "unlok_vqa.json").read_text("utf-8")))
    texts += _strings(json.loads((tiny / "mmubench" / "concepts.json").read_text("utf-8")))
    texts += [concept.name for concept in concepts.ASKED]
    (base / "words.txt").write_text("\n".join(corpus.words(texts)) + "\n", "utf-8")
    print(len(countries), "countries,", len(rows), "corpus rows,", len(drawn), "free pictures")


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
