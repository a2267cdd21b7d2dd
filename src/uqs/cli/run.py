"""The verb `uqs run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uqs.cli.options import (
    ExecutorOption,
    LimitOption,
    NativeOption,
    PerDeviceOption,
    PlainOption,
    RunsOption,
    SlurmOption,
    StudyDeviceOption,
    StudyFile,
    WorkersOption,
    interruptible,
)
from uqs.errors import UserError

if TYPE_CHECKING:
    from uqs.studies.run import RunOptions


def run(
    study: StudyFile,
    workers: WorkersOption = None,
    runs: RunsOption = Path("runs"),
    limit: LimitOption = None,
    native: NativeOption = False,
    plain: PlainOption = False,
    executor: ExecutorOption = "local",
    device: StudyDeviceOption = None,
    per_device: PerDeviceOption = 1,
    slurm: SlurmOption = None,
    plan: Annotated[
        bool,
        typer.Option("--plan", help="Say what it would take, from a few timed steps; run nothing."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="With --plan: print JSON.")] = False,
) -> None:
    """Run a study: train, unlearn, measure and rank.

    What a run before this one finished is kept, so that an interrupted run goes on by the same command. The
    executor and the number of workers change no result; a GPU does, in the last bits.
    """
    from uqs.report.finish import finish
    from uqs.studies.run import JobFailedError, RunOptions, run_study

    options = RunOptions(
        runs,
        workers,
        plain,
        limit=limit,
        native=native,
        device=device,
        executor=executor,
        per_device=per_device,
        slurm=slurm,
    )
    if plan:
        _show_plan(study, options, json)
        return
    if json:
        raise UserError("--json prints a plan; write --plan too")
    with interruptible("the same command continues from the finished jobs"):
        try:
            folder = run_study(study, options)
        except JobFailedError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from None
        finish(folder)
        if limit is not None:
            typer.echo(
                f"a quick try with {limit} entities per split: these are not the study's results"
            )


def _show_plan(study: Path, options: RunOptions, json: bool) -> None:
    from uqs.report import estimated
    from uqs.report.terminal import plain_console, write_json
    from uqs.studies.estimate.study import estimate_study

    with interruptible("nothing was run"):
        found = estimate_study(study, options)
    if json:
        write_json(estimated.tree(found))
    else:
        estimated.show(found, plain_console())
