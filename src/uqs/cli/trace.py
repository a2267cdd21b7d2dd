"""The verb `uqs trace`."""

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


def trace(
    model: Annotated[str, typer.Option(help="Folder, adapter or hub id.")],
    benchmark: BenchmarkOption,
    out: Annotated[Path, typer.Option(help="The folder to write; it must be new.")],
    base: BaseOption = None,
    processor: ProcessorOption = None,
    holdout: HoldoutOption = None,
    metrics: MetricsOption = "default",
    device: PlacesOption = None,
    dtype: DtypeOption = None,
    load_in: LoadInOption = None,
    batch_size: BatchOption = BATCH_SIZE,
    batch_tokens: TokensOption = BATCH_TOKENS,
    max_new_tokens: NewOption = MAX_NEW_TOKENS,
    top_k: TopOption = TOP_K,
    workers: ThreadsOption = THREADS,
    cache: CacheOption = None,
    limit: LimitOption = None,
    plain: PlainOption = False,
) -> None:
    """Write the traces of one model; metrics read them.

    The folder can be measured in place of the model (docs/traces.md).
    """
    require_training_extra("tracing")
    if out.exists():
        raise UserError(f"{out} exists already; name a new folder")
    from uqs.cli.progress import TraceProgress
    from uqs.evaluation.write import write_model_traces
    from uqs.io import cache_folder
    from uqs.progress import Display
    from uqs.traces.settings import TraceSettings

    settings = TraceSettings(
        batch_size=batch_size,
        batch_tokens=batch_tokens,
        max_new_tokens=max_new_tokens,
        top_k=top_k,
        workers=workers,
    )
    with interruptible("finished traces are kept"), Display(plain) as display:
        counts = write_model_traces(
            model,
            limited(benchmark, limit, holdout),
            out,
            cache=cache or cache_folder(),
            base=base,
            metrics=named_metrics(metrics),
            processor=processor,
            device=device,
            dtype=torch_dtype(dtype),
            load_in=load_in,
            settings=settings,
            listener=TraceProgress(display),
        )
    for split, samples in counts.items():
        typer.echo(f"{split}: {samples} samples")
    typer.echo(f"traces: {out}")
