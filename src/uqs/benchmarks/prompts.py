"""The prompts of a benchmark's own release, asked for in the edition's name: `FOLDER&prompts=release`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from uqs import registry
from uqs.errors import UserError
from uqs.records import Benchmark, Layout, Split, Task

OPTION = "prompts"
RELEASE = "release"


def layouts_of(name: str, asked: str | None) -> Mapping[Task, Layout]:
    """How a benchmark's questions are laid out, by task; as they stand where nothing is asked for.

    Raises UserError for another word than `release`, and for a benchmark whose loader does not know the
    prompts of its release (`prompts` of the loader).
    """
    if asked is None:
        return {}
    if asked != RELEASE:
        raise UserError(f"{name}: option {OPTION}={asked}: there is only {OPTION}={RELEASE}")
    found: Mapping[Task, Layout] = getattr(registry.get("benchmark", name), "prompts", {})
    if not found:
        raise UserError(
            f"{name}: the prompts of its release are not known here; leave {OPTION} out"
        )
    return found


def laid_out(data: Benchmark, layouts: Mapping[Task, Layout]) -> Benchmark:
    """The benchmark with these layouts of what is asked; what models are taught stays as it is."""
    if not layouts:
        return data

    def part(split: Split) -> Split:
        return Split(
            split.name,
            tuple(replace(s, layout=layouts.get(s.task, s.layout)) for s in split.samples),
        )

    return replace(
        data,
        data_hash=f"{data.data_hash}&{OPTION}={RELEASE}",
        evaluate={name: part(split) for name, split in data.evaluate.items()},
    )
