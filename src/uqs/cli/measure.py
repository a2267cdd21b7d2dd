"""The verb `uqs measure`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uqs.cli.options import (
    BATCH_SIZE,
    BATCH_TOKENS,
    MAX_NEW_TOKENS,
    THREADS,
    TOP_K,
    BaseOption,
    BatchOption,
    BenchmarkOption,
    CacheOption,
    DtypeOption,
    HoldoutOption,
    LimitOption,
    LoadInOption,
    MetricsOption,
    NewOption,
    PlacesOption,
    PlainOption,
    ProcessorOption,
    ThreadsOption,
    TokensOption,
    TopOption,
    interruptible,
    limited,
    named_metrics,
    torch_dtype,
)
from uqs.errors import UserError
from uqs.training_extra import require_training_extra


def measure(
    original: Annotated[
        str, typer.Option(help="The model before unlearning: folder, adapter, hub id, or traces.")
    ],
    benchmark: BenchmarkOption,
    out: Annotated[Path, typer.Option(help="The results table to write (.parquet).")],
    unlearned: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL...",
            help="Unlearned models, each [METHOD[@STRENGTH][:SEED]=]FOLDER; may be repeated.",
        ),
    ] = None,
    oracle: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL...", help="Models retrained on the retain set alone; may be repeated."
        ),
    ] = None,
    base: BaseOption = None,
    processor: ProcessorOption = None,
    holdout: HoldoutOption = None,
    metrics: MetricsOption = "default",
    per_sample: Annotated[
        Path | None,
        typer.Option(
            help="Values of every sample (.parquet); by default items.parquet in the folder of --out."
        ),
    ] = None,
    limit: LimitOption = None,
    device: PlacesOption = None,
    dtype: DtypeOption = None,
    load_in: LoadInOption = None,
    batch_size: BatchOption = BATCH_SIZE,
    batch_tokens: TokensOption = BATCH_TOKENS,
    max_new_tokens: NewOption = MAX_NEW_TOKENS,
    top_k: TopOption = TOP_K,
    workers: ThreadsOption = THREADS,
    cache: CacheOption = None,
    plain: PlainOption = False,
) -> None:
    """Measure your own checkpoints, with gaps to oracles.

    Unlearned models are measured against their original and, where there are some, oracles. Several models
    share a base in memory. Traces are kept, so that a further metric costs no model time.
    """
    require_training_extra("measuring")
    samples = per_sample or out.with_name(
        "items.parquet" if out.stem == "results" else f"{out.stem}.items.parquet"
    )
    for path in (out, samples):
        _check_output(path)
    from uqs import results
    from uqs.cli.progress import TraceProgress
    from uqs.evaluation.run import measure as evaluate
    from uqs.io import cache_folder
    from uqs.progress import Display
    from uqs.report.measured import show
    from uqs.report.terminal import plain_console
    from uqs.results import items
    from uqs.traces.settings import TraceSettings

    settings = TraceSettings(
        batch_size=batch_size,
        batch_tokens=batch_tokens,
        max_new_tokens=max_new_tokens,
        top_k=top_k,
        workers=workers,
    )
    with interruptible("finished traces are kept"), Display(plain) as display:
        found = evaluate(
            original,
            unlearned or [],
            limited(benchmark, limit, holdout),
            oracles=oracle or [],
            base=base,
            metrics=named_metrics(metrics),
            processor=processor,
            device=device,
            dtype=torch_dtype(dtype),
            load_in=load_in,
            settings=settings,
            cache=cache or cache_folder(),
            listener=TraceProgress(display),
        )
    if found.rows:
        results.write(found.rows, out, found.metrics)
        items.write(found.samples, samples)
    show(found, plain_console())
    if found.rows:
        typer.echo(f"\nresults: {out}\nvalues of samples: {samples}")
    for failure in found.failures:
        typer.echo(f"error: {failure.label}: {failure.reason}", err=True)
    if found.failures:
        raise typer.Exit(2)


def _check_output(path: Path) -> None:
    if path.suffix != ".parquet":
        raise UserError(f"{path}: the table is written as Parquet; name it *.parquet")
    if not path.parent.is_dir():
        raise UserError(f"{path}: the folder {str(path.parent)!r} does not exist")
