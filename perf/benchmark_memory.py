"""How much memory does a full-size MLLMU-Bench need? Prints Markdown: `python perf/benchmark_memory.py`.

Makes an edition of 500 people with the release's schema and about its size in a temporary folder, runs
`uqs validate` on it, and traces its forget split with the shipped base, each in a process of its own; then
the folder is removed. Needs 1.6 GB of disk.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import io
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

PEOPLE, KNOWN, SHARES, LIMIT = 500, 153, (5, 10, 15), 2048
SIDE, QUALITY, ROW_GROUP = 640, 90, 100
TEXT = pa.string()
IMAGE = pa.struct([("bytes", pa.binary()), ("path", TEXT)])
OPTIONS = pa.struct([(letter, TEXT) for letter in "ABCD"])
CHOICES = pa.list_(pa.struct([("Question", TEXT), ("Options", OPTIONS), ("Correct_Answer", TEXT)]))
OPEN = pa.list_(pa.struct([("Question", TEXT), ("Ground_Truth", TEXT), ("Type", TEXT)]))
QUESTIONS = [
    ("ID", TEXT),
    (
        "Classification_Task",
        pa.struct([("Image_Textual_Questions", CHOICES), ("Pure_Text_Questions", CHOICES)]),
    ),
    ("Generation_Task", OPEN),
    ("Mask_Task", OPEN),
]


def picture(seed: int) -> dict[str, Any]:
    noise = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG", quality=QUALITY)
    return {"bytes": buffer.getvalue(), "path": f"{seed}.jpg"}


def questions(id_: str) -> dict[str, Any]:
    options = {"A": f"Town {id_}", "B": "Oslo", "C": "Rome", "D": "Bonn"}
    choice = {"Question": "Where do they live?", "Options": options, "Correct_Answer": "A"}
    asked = {"Question": "What do they do?", "Ground_Truth": f"Job {id_}", "Type": "Image_Textual"}
    cloze = {"Question": f"{id_} went to [Blank].", "Ground_Truth": id_, "Type": "Pure_Text"}
    return {
        "ID": id_,
        "Classification_Task": {
            "Image_Textual_Questions": [choice] * 3,
            "Pure_Text_Questions": [choice] * 3,
        },
        "Generation_Task": [asked] * 4,
        "Mask_Task": [cloze] * 4,
    }


def rows(ids: range, seed: int, views: int = 0) -> Iterator[dict[str, Any]]:
    for n in ids:
        images = [picture(seed + max(views, 1) * n + view) for view in range(max(views, 1))]
        shown = {"images": images} if views else {"image": images[0]}
        yield {**shown, **questions(f"{seed}-{n}" if seed >= 9000 else f"{n}")}


def taught() -> Iterator[dict[str, Any]]:
    for n in range(PEOPLE):
        pairs = [{"Question": f"Question {i}?", "Answer": f"Answer {i} of {n}."} for i in range(14)]
        yield {"image": picture(n), "metadata": json.dumps(pairs)}


def write(root: Path, config: str, found: Iterator[dict[str, Any]], schema: pa.Schema) -> None:
    """A row group at a time, so that making the files needs little memory too."""
    (root / config).mkdir()
    with pq.ParquetWriter(root / config / "train-00000-of-00001.parquet", schema) as writer:
        group: list[dict[str, Any]] = []
        for row in found:
            group.append(row)
            if len(group) == ROW_GROUP:
                writer.write_table(pa.Table.from_pylist(group, schema=schema))
                group = []
        if group:
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


def make(root: Path) -> None:
    person = pa.schema([("image", IMAGE), *QUESTIONS])
    write(root, "Full_Set", rows(range(PEOPLE), 0), person)
    for share in SHARES:
        cut = PEOPLE * share // 100
        write(root, f"forget_{share}", rows(range(cut), 0), person)
        write(root, f"retain_{100 - share}", rows(range(cut, PEOPLE), 0), person)
    tested = pa.schema([("images", pa.list_(IMAGE)), *QUESTIONS])
    write(
        root,
        "Test_Set",
        ({**row, "ID": row["ID"].split("-")[-1]} for row in rows(range(PEOPLE), 20000, 3)),
        tested,
    )
    write(root, "Retain_Set", rows(range(KNOWN), 9000), person)
    write(root, "ft_Data", taught(), pa.schema([("image", IMAGE), ("metadata", TEXT)]))


def trace(spec: str) -> None:
    from uqs import benchmarks
    from uqs.models.llava import Llava
    from uqs.models.settings import BASES
    from uqs.traces.file import write_traces
    from uqs.traces.one_pass import trace_parts
    from uqs.traces.settings import TraceSettings

    data = benchmarks.load(spec)
    vlm = Llava.load(BASES["tiny_llava"])
    settings = TraceSettings(max_new_tokens=8)
    with tempfile.TemporaryDirectory() as folder:
        write_traces(trace_parts(vlm, data.evaluate["forget"], settings), Path(folder), {})


def measured(*words: str) -> tuple[float, float]:
    """Peak memory in MiB and seconds of a command; an error of its is told."""
    begin = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(words)} failed")
    return usage.ru_maxrss / 1024, time.perf_counter() - begin


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root)
        size = sum(file.stat().st_size for file in root.rglob("*.parquet"))
        test = (root / "Test_Set" / "train-00000-of-00001.parquet").stat().st_size
        spec = f"mllmu_bench:{root}"
        uqs = [sys.executable, "-c", "from uqs.cli import main; main()"]
        found = {
            "`uqs validate`": measured(*uqs, "validate", spec),
            "one trace of forget": measured(sys.executable, __file__, spec),
        }
    print("# Memory of a full-size MLLMU-Bench\n")
    print(
        f"Python {platform.python_version()}, one thread; {PEOPLE} people in {size / 1e9:.2f} GB, of "
        f"which Test_Set {test / 1e6:.0f} MB, in row groups of {ROW_GROUP} rows. The limit is {LIMIT} MiB.\n"
    )
    print("| | peak memory, MiB | seconds |\n|---|---|---|")
    for name, (memory, seconds) in found.items():
        print(f"| {name} | {memory:.0f} | {seconds:.0f} |")
    assert all(memory <= LIMIT for memory, _ in found.values())


if __name__ == "__main__":
    trace(sys.argv[1]) if len(sys.argv) > 1 else main()
