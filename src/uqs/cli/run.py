"""The verb `uqs run`."""

from __future__ import annotations

from pathlib import Path

import typer

from uqs.cli.options import (
    LimitOption,
    NativeOption,
    PlainOption,
    RunsOption,
    StudyFile,
    WorkersOption,
    interruptible,
)


def run(
    study: StudyFile,
    workers: WorkersOption = None,
    runs: RunsOption = Path("runs"),
    limit: LimitOption = None,
    native: NativeOption = False,
    plain: PlainOption = False,
) -> None:
    """Run a study: train, unlearn, measure and rank.

    What a run before this one finished is kept, so that an interrupted run goes on by the same command.
    """
    from uqs.report.finish import finish
    from uqs.studies.run import JobFailedError, RunOptions, run_study

    with interruptible("the same command continues from the finished jobs"):
        try:
            folder = run_study(study, RunOptions(runs, workers, plain, limit=limit, native=native))
        except JobFailedError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from None
        finish(folder)
        if limit is not None:
            typer.echo(
                f"a quick try with {limit} entities per split: these are not the study's results"
            )
