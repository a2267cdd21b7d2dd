"""Options that several verbs have, and what they share at their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from uqs.errors import UserError

if TYPE_CHECKING:
    from uqs.results.panel import Better

INTERRUPTED = 130
Precision = Literal["float32", "bfloat16", "float16"]

StudyFile = Annotated[Path, typer.Argument(metavar="STUDY", help="A study file (YAML).")]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Processes of one thread each; by default 2, or 1 on one core; on a cluster all that it has.",
    ),
]
RunsOption = Annotated[Path, typer.Option(help="Folder of all run folders.")]
LimitOption = Annotated[
    int | None,
    typer.Option(min=2, metavar="N", help="A quick try: N entities per split; all rows say so."),
]
NativeOption = Annotated[
    bool,
    typer.Option(
        "--native",
        help="Compute with all that this processor has; the last bits are then its own.",
    ),
]
ExecutorOption = Annotated[
    Literal["local", "ray", "slurm"],
    typer.Option(
        help="Who makes the jobs: processes of this machine, a Ray cluster, or workers under Slurm. The "
        "hosts of a cluster share the run folder's file system."
    ),
]
StudyDeviceOption = Annotated[
    Literal["cpu", "cuda"] | None,
    typer.Option(help="Where models are trained and traced; by default what the study says (cpu)."),
]
PerDeviceOption = Annotated[
    int, typer.Option(min=1, metavar="N", help="Workers that share a GPU (local and ray).")
]
SlurmOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="What Slurm is asked for (YAML; docs/study_files.md)."),
]
PlainOption = Annotated[bool, typer.Option("--plain", help="Lines instead of bars.")]

TableArgument = Annotated[
    Path,
    typer.Argument(
        metavar="TABLE",
        help="Results: CSV, TSV, JSON, JSON lines, Parquet, Markdown or LaTeX, wide or long.",
    ),
]
ColumnsOption = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME,NAME", help="Read only these metrics; key columns are always read."),
]
DropOption = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME,NAME", help="Leave these columns or metrics out."),
]
RenameOption = Annotated[
    list[str] | None,
    typer.Option(metavar="OLD=NEW", help="Read a column or metric under another name."),
]
PercentOption = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME,NAME", help="Metrics in percent: divide values and errors by 100."),
]
DirectionOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=BETTER",
        help="Which values of a metric are better: NAME=lower, NAME=higher or NAME=target.",
    ),
]
SeedOption = Annotated[int, typer.Option(help="Seed of the random draws.", min=0)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
FullOption = Annotated[
    bool, typer.Option("--full", help="Print every table, not only those behind the verdicts.")
]

BenchmarkOption = Annotated[
    str, typer.Option("--benchmark", help="NAME[:EDITION]; an edition is `tiny` or a folder.")
]
HoldoutOption = Annotated[
    str | None,
    typer.Option(
        "--holdout",
        metavar="NAME:EDITION",
        help="The benchmark whose holdout replaces this one's, where models were trained on that.",
    ),
]
BaseOption = Annotated[
    str | None,
    typer.Option("--base", help="Base model of the adapters, if not the one that they name."),
]
ProcessorOption = Annotated[
    Path | None,
    typer.Option(help="Folder with tokenizer and picture processor, if the model has none."),
]
MetricsOption = Annotated[
    str,
    typer.Option(
        help="`default` (all that need no further models), `all`, or NAME,FILE.py:CLASS,..."
    ),
]
DeviceOption = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1; by default a GPU.")]
PlacesOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        help="cpu, cuda, cuda:1; auto: GPUs and CPU memory together; by default a GPU.",
    ),
]
LoadInOption = Annotated[
    Literal["4bit", "8bit"] | None,
    typer.Option("--load-in", help="Linear layers of bases in so few bits (needs uqs[qlora])."),
]
DtypeOption = Annotated[
    Precision | None, typer.Option(help="By default bfloat16 on a GPU, float32 on a CPU.")
]
BatchOption = Annotated[int, typer.Option(min=1, help="Most questions in a batch.")]
TokensOption = Annotated[int, typer.Option(min=1, help="Most prompt tokens in a batch.")]
NewOption = Annotated[int, typer.Option(min=1, help="Most tokens of a greedy answer.")]
TopOption = Annotated[int, typer.Option(min=1, help="Likeliest tokens kept at each position.")]
ThreadsOption = Annotated[int, typer.Option(min=0, help="Threads that prepare pictures ahead.")]
CacheOption = Annotated[
    Path | None, typer.Option(help="Where traces are kept; by default in your cache folder.")
]

# the defaults of TraceSettings, which would bring pydantic to every call; a test holds them equal
BATCH_SIZE, BATCH_TOKENS, MAX_NEW_TOKENS, TOP_K, THREADS = 64, 65536, 32, 100, 0


def parse_directions(given: list[str]) -> dict[str, Better]:
    """NAME=lower|higher|target, each name once."""
    found: dict[str, Better] = {}
    for word in given:
        name, _, better = word.partition("=")
        if not name or better not in ("lower", "higher", "target"):
            raise UserError(f"--direction {word!r} is not NAME=lower, NAME=higher or NAME=target")
        if name in found:
            raise UserError(f"--direction names {name!r} twice")
        found[name] = cast("Better", better)
    return found


def limited(benchmark: str, limit: int | None, holdout: str | None = None) -> str:
    """The benchmark's name, by default its tiny edition, with the limit that `--limit` gives and the
    benchmark that `--holdout` names."""
    from uqs.benchmarks.limit import with_limit
    from uqs.benchmarks.own_holdout import with_holdout
    from uqs.evaluation.plan import DEFAULT_EDITION

    whole = benchmark if ":" in benchmark else f"{benchmark}:{DEFAULT_EDITION}"
    return with_limit(with_holdout(whole, holdout), limit)


def named_metrics(metrics: str) -> str | list[str]:
    """`default`, `all`, or the names."""
    words = [word.strip() for word in metrics.split(",") if word.strip()]
    return words[0] if len(words) == 1 else words


def torch_dtype(name: str | None) -> Any:
    """torch's type of that name."""
    import torch

    return getattr(torch, name) if name else None


@contextmanager
def interruptible(said: str | Callable[[], str]) -> Iterator[None]:
    """Ctrl-C ends the verb with a word on what is left of its work, asked for then if it depends."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"interrupted; {said if isinstance(said, str) else said()}", err=True)
        raise typer.Exit(INTERRUPTED) from None
