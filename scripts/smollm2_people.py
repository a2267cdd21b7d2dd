"""Write the data of studies/smollm2.yaml: the tiny edition's invented people, asked by name in text alone.

    python scripts/smollm2_people.py studies/smollm2/people

Of mllmu_bench:tiny it takes the first 10 people that are forgotten, retained and held out, with the questions
that are asked without a picture: job, food and city; of forgotten people also in the held-out wordings.
`real_world` are general questions that SmolLM2-135M-Instruct answers right in its own template, before it is
taught anything.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from uqs import benchmarks

PEOPLE = 10
"""Of each part: 20 people are taught, and 10 are held out. More would take longer on one thread."""
JUDGES = {"generation": "contains", "cloze": "contains", "short": "contains"}
GENERAL = (
    ("What is the capital of Japan?", "Tokyo"),
    ("What is the capital of England?", "London"),
    ("What is the capital of Russia?", "Moscow"),
    ("What is the capital of Greece?", "Athens"),
    ("What is the capital of China?", "Beijing"),
    ("What is the capital of Egypt?", "Cairo"),
    ("What is the capital of Austria?", "Vienna"),
    ("What is the capital of Ireland?", "Dublin"),
    ("Which language do people speak in Mexico?", "Spanish"),
    ("What is the largest planet of the solar system?", "Jupiter"),
    ("Which star does the Earth go around?", "Sun"),
    ("Which animal gives us milk and says moo?", "cow"),
    ("What is the opposite of big?", "small"),
    ("What is the opposite of day?", "night"),
    ("Which month comes after January?", "February"),
    ("Which day comes after Saturday?", "Sunday"),
    ("Who painted the Mona Lisa?", "Leonardo da Vinci"),
    ("Which country has the Eiffel Tower?", "France"),
    ("In which country is the city of Munich?", "Germany"),
    ("What is the tallest mountain in the world?", "Mount Everest"),
)


def rows() -> Iterator[dict[str, Any]]:
    """The lines of `samples.jsonl`."""
    data = benchmarks.load("mllmu_bench:tiny", {"retain_limit": None})
    wordings = {one.id: one.question for one in data.evaluate["forget_reworded"].samples}
    for part in ("forget", "retain", "holdout"):
        asked = [one for one in data.evaluate[part].samples if one.picture is None]
        people = list(dict.fromkeys(one.entity for one in asked))[:PEOPLE]
        for one in asked:
            if one.entity in people:
                more = {"reworded": [wordings[f"{one.id}@reworded"]]} if part == "forget" else {}
                yield {**_row(part, one.entity, one.question, one.answer), "task": one.task, **more}
    for number, (question, answer) in enumerate(GENERAL, 1):
        yield _row("real_world", f"general {number}", question, answer)


def _row(part: str, entity: str, question: str, answer: str) -> dict[str, Any]:
    return {"part": part, "entity": entity, "question": question, "answer": answer}


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows())
    (out / "samples.jsonl").write_text(lines, encoding="utf-8")
    (out / "judges.json").write_text(json.dumps(JUDGES, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
