"""The verb `uqs tune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uqs.cli.options import (
    ExecutorOption,
    NativeOption,
    PerDeviceOption,
    PlainOption,
    RunsOption,
    SlurmOption,
    StudyDeviceOption,
    WorkersOption,
    interruptible,
)
from uqs.errors import UserError
from uqs.training_extra import require_training_extra


def tune(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="A study file: its methods.")],
    out: Annotated[Path, typer.Option(help="The strengths, for a study's key 'strengths'.")],
    page: Annotated[Path | None, typer.Option(help="All trials, as Markdown.")] = None,
    trials: Annotated[int, typer.Option(min=4, help="Trials for every method.")] = 10,
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STRENGTH=ACCURACY",
            help="The forget accuracy of a strength; by default weak, medium and strong.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="A seed that no study uses.")] = 7,
    questions: Annotated[
        int, typer.Option(min=1, help="Questions of each kind asked after a trial.")
    ] = 120,
    tolerance: Annotated[
        float, typer.Option(min=0, max=1, help="Largest distance of a strength from its target.")
    ] = 0.15,
    workers: WorkersOption = None,
    runs: RunsOption = Path("runs"),
    native: NativeOption = False,
    plain: PlainOption = False,
    executor: ExecutorOption = "local",
    device: StudyDeviceOption = None,
    per_device: PerDeviceOption = 1,
    slurm: SlurmOption = None,
) -> None:
    """Find the strengths of a study's methods.

    The same number of trials for each method, by forget accuracy on other people.
    """
    require_training_extra("tuning")
    from uqs import io
    from uqs.studies.run import JobFailedError, RunOptions
    from uqs.studies.tuning.run import TARGETS, TuneOptions
    from uqs.studies.tuning.run import tune as search
    from uqs.studies.tuning.table import page as trials_page
    from uqs.studies.tuning.table import strengths_file

    targets = _targets(target) if target else TARGETS
    options = TuneOptions(targets, trials, seed, questions, tolerance)
    run = RunOptions(
        runs,
        workers,
        plain,
        native=native,
        device=device,
        executor=executor,
        per_device=per_device,
        slurm=slurm,
    )
    with interruptible("the same command continues from the finished jobs"):
        try:
            found = search(study, options, run)
        except JobFailedError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from None
    io.write_text(out, strengths_file(found))
    if page is not None:
        io.write_text(page, trials_page(found))
    for tuned in found.methods:
        missed = tuned.missed(options)
        chosen = ", ".join(
            f"{strength} {value:g}" if value is not None else f"{strength}: {missed[strength]}"
            for strength, value in tuned.chosen(options).items()
        )
        typer.echo(f"{tuned.choice.name} ({tuned.tuned_hyperparameter.field}): {chosen}")


def _targets(given: list[str]) -> dict[str, float]:
    from uqs.yamlfile import PLAIN_NUMBER

    found = {}
    for text in given:
        strength, _, value = text.partition("=")
        found[strength] = float(value) if PLAIN_NUMBER.fullmatch(value) else -1.0
        if not strength or not 0 <= found[strength] <= 1:
            raise UserError(f"--target {text!r}: write STRENGTH=ACCURACY, an accuracy from 0 to 1")
    return found
