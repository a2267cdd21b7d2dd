"""The verb `uqs validate`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uqs.records import Benchmark, Role, Split
from uqs.text import count

if TYPE_CHECKING:
    from uqs.studies.plan import Plan


def validate(
    study: Annotated[
        str,
        typer.Argument(
            metavar="STUDY|BENCHMARK",
            help="A study file (YAML), or a benchmark as NAME:FOLDER or NAME:tiny.",
        ),
    ],
) -> None:
    """Check a study file and its data, or a benchmark alone.

    Prints what would be run, what the data hold, and what there is to note about them.
    """
    if _is_benchmark(study):
        typer.echo(described(_load(study)))
        return
    from uqs.studies.run import plan_study

    typer.echo(summary(plan_study(Path(study), fetch=False)))


def _is_benchmark(word: str) -> bool:
    """Whether a word is `NAME:...`; a file of that very name is a study."""
    from uqs import registry

    name, mark, _ = word.partition(":")
    return bool(mark) and not Path(word).exists() and name in registry.names("benchmark")


def _load(spec: str) -> Benchmark:
    from uqs import benchmarks
    from uqs.progress import Display

    with Display() as display:
        return benchmarks.load(spec, display=display)


def described(data: Benchmark) -> str:
    """What a benchmark holds, and what there is to note."""
    from uqs.benchmarks.cards import card_of

    card = card_of(data.name)
    lines = [f"{data.name}:{data.edition}: the data are valid"]
    if card is not None:
        lines += [f"benchmark   {card.title}, {card.paper}", f"licence     {card.licence}"]
    lines += [f"learnt      {_sizes(data.learn)}"]
    if data.unlearn != data.learn:
        lines += [f"unlearning  {_sizes(data.unlearn)}"]
    lines += [f"evaluated   {_sizes(data.evaluate)}", *_notes({"": data.notes})]
    if card is not None:
        lines += [f"known       {problem}" for problem in card.problems]
    return "\n".join(lines)


def _sizes(splits: Mapping[str, Split]) -> str:
    return "; ".join(
        f"{name} {len(split)} (entities: {len(split.entities)})" for name, split in splits.items()
    )


def _notes(notes: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [
        f"note        {f'{name}: ' if name else ''}{line}"
        for name, lines in notes.items()
        for line in lines
    ]


def summary(plan: Plan) -> str:
    """Benchmarks, models and jobs of a plan, and the notes on its data."""
    from uqs.forms import ASKED

    study = plan.study
    methods = [f"{m.name}@{m.strength}" if m.strength else m.name for m in study.methods]
    # a model that is measured by several forms of questions stands in the plan for each
    roles = {
        (model.benchmark.partition(ASKED)[0], model.model): model.role for model in plan.models
    }
    models = Counter(map(_model, roles.values()))
    jobs = Counter(str(job.kind) for job in plan.jobs)
    counted = ", ".join(f"{number} {kind}" for kind, number in jobs.items())
    return "\n".join(
        [
            f"{study.name}: the study file and its data are valid",
            f"benchmarks  {', '.join(study.benchmarks)}",
            *(f"model       {line}" for line in told(plan)),
            f"methods     {', '.join(methods)}",
            f"seeds       {', '.join(map(str, study.seeds))}",
            f"metrics     {', '.join(study.metrics)}",
            *([f"asked by    all forms, {', '.join(study.ask_by)}"] if study.ask_by else []),
            f"models      {', '.join(count(number, word) for word, number in models.items())}",
            *([f"shadows     {study.shadows} a benchmark"] if study.shadows else []),
            f"jobs        {counted}; {len(plan.jobs)} in all",
            *_notes(plan.notes),
        ]
    )


def told(plan: Plan) -> list[str]:
    """What must be known about the user's own base."""
    from uqs.studies.base import notes
    from uqs.studies.run import NOT_HERE

    absent = any(job.params.get("files") == NOT_HERE for job in plan.jobs if job.kind == "base")
    fetched = ["its files are not on this machine: 'uqs run' fetches and checks them"]
    return [*notes(plan.study.model), *(fetched if absent else [])]


def _model(role: Role) -> str:
    """A model of a role, as a noun."""
    made = (Role.UNLEARNED, Role.SUPPRESSED, Role.DAMAGED)
    return f"{role} model" if role in made else str(role)
