"""Plain fluent English that has nothing to do with any benchmark, to see whether a model still speaks.

The passages of `fluent.txt` were written for this project and are under its licence, Apache-2.0.
"""

from __future__ import annotations

from importlib.resources import files

from uqs.records import Sample, Split


def fluent_split() -> Split:
    """The split `fluent`: each passage is an entity with one sample, whose question is its beginning and
    whose answer is how it goes on. All ASCII, without pictures.
    """
    text = (files("uqs.benchmarks") / "fluent.txt").read_text(encoding="ascii")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    passages = zip(lines[::2], lines[1::2], strict=True)
    return Split(
        "fluent",
        tuple(
            Sample(f"fluent-{i}", f"passage-{i}", "generation", beginning, rest)
            for i, (beginning, rest) in enumerate(passages)
        ),
    )
