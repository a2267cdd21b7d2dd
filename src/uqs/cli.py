"""The `uqs` command: verbs and their options; no logic."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from uqs import __version__
from uqs.errors import UserError
from uqs.training_extra import require_run_half

INTERRUPTED = 130
ELSEWHERE = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}

app = typer.Typer(
    name="uqs",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"auto_envvar_prefix": "UQS"},
    epilog="Every option is also an environment variable: UQS_RUN_WORKERS for 'uqs run --workers'.",
)

StudyFile = Annotated[Path, typer.Argument(metavar="STUDY", help="A study file (YAML).")]


def main() -> None:
    """Run the command line; an error is one line on stderr and exit code 2, a fault exit code 1."""
    debug = "--debug" in sys.argv or os.environ.get("UQS_DEBUG", "0").lower() not in (
        "",
        "0",
        "false",
    )
    arguments = [word for word in sys.argv[1:] if word != "--debug"]
    try:
        code = app(arguments, standalone_mode=False)
    except (UserError, typer.TyperException) as error:
        message = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        _leave(message, 2, debug)
    except Exception as error:
        hint = "" if debug else " (--debug shows where)"
        _leave(f"{type(error).__name__}: {error}{hint}", 1, debug)
    sys.exit(code if isinstance(code, int) else 0)


def _leave(message: str, code: int, debug: bool) -> NoReturn:
    if debug:
        traceback.print_exc()
    print("error:", " ".join(message.split()), file=sys.stderr)
    sys.exit(code)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"uqs {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def uqs(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
    _debug: Annotated[bool, typer.Option("--debug", help="Show where an error arose.")] = False,
) -> None:
    """Which of the numbers that say a vision-language model forgot can be trusted."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def run(
    study: StudyFile,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes of one thread each; by default 2, or 1 on one core."),
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of all run folders.")] = Path("runs"),
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of bars.")] = False,
) -> None:
    """Train, unlearn, measure and rank; what a run before this one finished is kept."""
    from uqs.studies.run import CellFailedError, RunOptions, run_study

    try:
        folder = run_study(study, RunOptions(runs, workers, plain))
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from what is finished", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    except CellFailedError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    if find_spec("uqs.report.finish") is None:
        print(folder / "results.parquet")
    else:
        import_module("uqs.report.finish").finish(folder)


@app.command()
def validate(study: StudyFile) -> None:
    """Check a study file and its data, and print what would be run."""
    from uqs.studies.run import plan_study
    from uqs.studies.summary import summary

    print(summary(plan_study(study)))


@app.command()
def ls(
    kind: Annotated[
        str | None, typer.Argument(help="benchmarks, models, methods, metrics or probes.")
    ] = None,
) -> None:
    """List what can be named in a study file."""
    from rich.console import Console

    from uqs.cli.ls import WIDTH, tables

    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    for table in tables(kind):
        console.print(table)


@app.command(context_settings=ELSEWHERE)
def tune(context: typer.Context) -> None:
    """Find the strengths of a study's methods, with the same number of trials for each."""
    require_run_half("tuning")
    _elsewhere("uqs.cli.tune:tune", context)


@app.command(context_settings=ELSEWHERE)
def unlearn(context: typer.Context) -> None:
    """Unlearn a forget set from one's own checkpoint by any method."""
    require_run_half("unlearning")
    _elsewhere("uqs.cli.unlearn:unlearn", context)


@app.command(context_settings=ELSEWHERE)
def measure(context: typer.Context) -> None:
    """Measure one's own checkpoints: one pass, every metric, gaps to oracles."""
    require_run_half("measuring")
    from uqs.cli.measure import one_by_one

    _elsewhere("uqs.cli.measure:measure", context, one_by_one(context.args))


@app.command(context_settings=ELSEWHERE)
def trace(context: typer.Context) -> None:
    """Write the traces of one model: what the metrics read."""
    require_run_half("tracing")
    _elsewhere("uqs.cli.measure:trace", context)


@app.command(context_settings=ELSEWHERE)
def audit(context: typer.Context) -> None:
    """Say what a results table can and cannot support."""
    _elsewhere("uqs.cli.audit:audit", context)


@app.command(context_settings=ELSEWHERE)
def score(context: typer.Context) -> None:
    """Rank methods by UQS, with what the rank is worth."""
    _elsewhere("uqs.cli.score:score", context)


@app.command(context_settings=ELSEWHERE)
def reproduce(context: typer.Context) -> None:
    """Compute the published figures from their rows, and what correct statistics say of them."""
    _elsewhere("uqs.cli.reproduce:reproduce", context)


def _elsewhere(place: str, context: typer.Context, arguments: list[str] | None = None) -> None:
    """Hand the arguments to a verb of another room, which loads only now."""
    module, _, function = place.partition(":")
    prefix = {"auto_envvar_prefix": f"UQS_{function.upper()}"}
    verb = typer.Typer(add_completion=False, context_settings=prefix)
    verb.command()(getattr(import_module(module), function))
    given = context.args if arguments is None else arguments
    if code := verb(given, prog_name=context.command_path, standalone_mode=False):
        raise typer.Exit(code)
