"""`uqs measure` and `uqs trace`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import typer

from uqs import results
from uqs.checkpoints.identity import cache_folder
from uqs.cli.watcher import Watcher
from uqs.errors import UserError
from uqs.report.measured import show
from uqs.traces.settings import TraceSettings

Precision = Literal["float32", "bfloat16", "float16"]
BenchmarkOption = Annotated[
    str, typer.Option("--benchmark", help="NAME[:EDITION]; an edition is `tiny` or a folder.")
]
BaseOption = Annotated[
    str | None, typer.Option("--base", help="What adapters stand on, if not what they name.")
]
ProcessorOption = Annotated[
    Path | None, typer.Option(help="Folder of tokenizer and picture processor, if not the model's.")
]
MetricsOption = Annotated[
    str,
    typer.Option(
        help="`default` (all that need no further training), `all`, or NAME,FILE.py:CLASS,..."
    ),
]
DeviceOption = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1; by default a GPU.")]
DtypeOption = Annotated[
    Precision | None, typer.Option(help="By default bfloat16 on a GPU, float32 on a CPU.")
]
BatchOption = Annotated[int, typer.Option(min=1, help="Questions in a batch, at most.")]
TokensOption = Annotated[int, typer.Option(min=1, help="Prompt tokens in a batch, at most.")]
NewOption = Annotated[int, typer.Option(min=1, help="Tokens of a greedy answer, at most.")]
TopOption = Annotated[int, typer.Option(min=1, help="Likeliest tokens kept at each position.")]
WorkersOption = Annotated[int, typer.Option(min=0, help="Threads that prepare pictures ahead.")]
CacheOption = Annotated[
    Path | None, typer.Option(help="Where traces are kept; by default in your cache folder.")
]
PlainOption = Annotated[bool, typer.Option("--plain", help="Lines instead of bars.")]

_DEFAULTS = TraceSettings()
SEVERAL = ("--unlearned", "--oracle")


def one_by_one(arguments: Sequence[str]) -> list[str]:
    """`--oracle A B` as `--oracle A --oracle B`, for the options that take several models."""
    found: list[str] = []
    option = ""
    for word in arguments:
        if word.startswith("-"):
            option = word if word in SEVERAL else ""
            found.append(word)
        elif option and found[-1] != option:
            found += [option, word]
        else:
            found.append(word)
    return found


def measure(
    original: Annotated[
        str, typer.Option(help="The model before unlearning: folder, adapter, hub id, or traces.")
    ],
    benchmark: BenchmarkOption,
    out: Annotated[Path, typer.Option(help="The results table to write (.parquet).")],
    unlearned: Annotated[
        list[str] | None,
        typer.Option(
            help="An unlearned model, [METHOD[@STRENGTH][:SEED]=]FOLDER; may be repeated."
        ),
    ] = None,
    oracle: Annotated[
        list[str] | None,
        typer.Option(help="Models retrained on the retain set alone."),
    ] = None,
    base: BaseOption = None,
    processor: ProcessorOption = None,
    metrics: MetricsOption = "default",
    per_sample: Annotated[
        Path | None, typer.Option(help="Also write every sample's values there (.parquet).")
    ] = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    batch_size: BatchOption = _DEFAULTS.batch_size,
    batch_tokens: TokensOption = _DEFAULTS.batch_tokens,
    max_new_tokens: NewOption = _DEFAULTS.max_new_tokens,
    top_k: TopOption = _DEFAULTS.top_k,
    workers: WorkersOption = _DEFAULTS.workers,
    cache: CacheOption = None,
    plain: PlainOption = False,
) -> None:
    """Measure unlearned models against their original and, where there are some, oracles.

    Several models share a base in memory. Traces are kept, so that a further metric costs no model time.
    """
    for path in (out, per_sample):
        _check_output(path)
    from uqs.evaluation.run import measure as run

    settings = TraceSettings(
        batch_size=batch_size,
        batch_tokens=batch_tokens,
        max_new_tokens=max_new_tokens,
        top_k=top_k,
        workers=workers,
    )
    with Watcher(plain) as watcher:
        found = run(
            original,
            unlearned or [],
            benchmark,
            oracles=oracle or [],
            base=base,
            metrics=_named(metrics),
            processor=processor,
            device=device,
            dtype=_dtype(dtype),
            settings=settings,
            cache=cache or cache_folder(),
            listener=watcher,
        )
    if found.rows:
        results.write(found.rows, out, found.metrics)
        if per_sample:
            _write_samples([asdict(row) for row in found.samples], per_sample)
    show(found)
    if found.rows:
        print(f"\nresults: {out}")
    if found.failures:
        for failure in found.failures:
            print(f"error: {failure.label}: {failure.reason}", file=sys.stderr)
        raise typer.Exit(2)


def trace(
    model: Annotated[str, typer.Option(help="Folder, adapter or hub id.")],
    benchmark: BenchmarkOption,
    out: Annotated[Path, typer.Option(help="The folder to write; it must not exist.")],
    base: BaseOption = None,
    processor: ProcessorOption = None,
    metrics: MetricsOption = "default",
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    batch_size: BatchOption = _DEFAULTS.batch_size,
    batch_tokens: TokensOption = _DEFAULTS.batch_tokens,
    max_new_tokens: NewOption = _DEFAULTS.max_new_tokens,
    top_k: TopOption = _DEFAULTS.top_k,
    workers: WorkersOption = _DEFAULTS.workers,
    cache: CacheOption = None,
    plain: PlainOption = False,
) -> None:
    """Write the traces of one model alone: what the metrics read (docs/traces.md)."""
    if out.exists():
        raise UserError(f"{out} exists already; name a folder that does not")
    from uqs.evaluation.write import write_model_traces

    settings = TraceSettings(
        batch_size=batch_size,
        batch_tokens=batch_tokens,
        max_new_tokens=max_new_tokens,
        top_k=top_k,
        workers=workers,
    )
    with Watcher(plain) as watcher:
        counts = write_model_traces(
            model,
            benchmark,
            out,
            cache=cache or cache_folder(),
            base=base,
            metrics=_named(metrics),
            processor=processor,
            device=device,
            dtype=_dtype(dtype),
            settings=settings,
            listener=watcher,
        )
    for split, samples in counts.items():
        print(f"{split}: {samples} samples")
    print(f"traces: {out}")


def _named(metrics: str) -> str | list[str]:
    words = [word.strip() for word in metrics.split(",") if word.strip()]
    return words[0] if len(words) == 1 else words


def _dtype(name: str | None) -> Any:
    import torch

    return getattr(torch, name) if name else None


def _check_output(path: Path | None) -> None:
    if path is None:
        return
    if path.suffix != ".parquet":
        raise UserError(f"{path}: the table is written as Parquet; name it *.parquet")
    if not path.parent.is_dir():
        raise UserError(f"{path}: no folder {str(path.parent)!r}")


def _write_samples(rows: list[dict[str, Any]], path: Path) -> None:
    part = path.with_name(path.name + ".part")
    try:
        pq.write_table(pa.Table.from_pylist(rows), part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
