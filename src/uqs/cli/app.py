"""The application: its verbs, its own options, and how it ends."""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from typing import Annotated, NoReturn

import typer

from uqs import __version__
from uqs.cli.audit import audit
from uqs.cli.board import board
from uqs.cli.figures import figures
from uqs.cli.ls import ls
from uqs.cli.measure import measure
from uqs.cli.reproduce import reproduce
from uqs.cli.run import run
from uqs.cli.score import score
from uqs.cli.several import SeveralValues
from uqs.cli.submit import submit
from uqs.cli.tables import tables
from uqs.cli.trace import trace
from uqs.cli.tune import tune
from uqs.cli.unlearn import unlearn
from uqs.cli.validate import validate
from uqs.errors import UserError

# without rich's markup the help needs no rich, and is there in half the time
app = typer.Typer(
    name="uqs",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"auto_envvar_prefix": "UQS"},
    epilog="Every option can also be set by an environment variable, such as UQS_DEBUG, or"
    " UQS_RUN_WORKERS for 'uqs run --workers'.",
)
VERBS = (
    audit, score, reproduce, measure, trace, unlearn, tune, validate, run, board, figures, tables, ls,
)  # fmt: skip
for verb in VERBS:
    app.command(cls=SeveralValues)(verb)
app.add_typer(submit)


@dataclass
class Invocation:
    """What `main` must know of a call that failed."""

    debug: bool = False
    verb: str = "VERB"


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"uqs {__version__}")
        raise typer.Exit


def _note_debug(context: typer.Context, asked: bool) -> bool:
    """Noted as soon as it is read: what follows it may be wrong."""
    if isinstance(context.obj, Invocation):
        context.obj.debug = asked
    return asked


@app.callback(invoke_without_command=True)
def uqs(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            allow_from_autoenv=False,  # UQS_VERSION may mean anything
            help="Print the version.",
        ),
    ] = False,
    _debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            callback=_note_debug,
            is_eager=True,
            envvar="UQS_DEBUG",
            help="Show where an error occurred.",
        ),
    ] = False,
) -> None:
    """Which of the numbers that say a vision-language model forgot can be trusted."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
    elif isinstance(context.obj, Invocation):
        context.obj.verb = context.invoked_subcommand


def main() -> None:
    """Run the command line; an error is one line on stderr and exit code 2, a fault exit code 1."""
    asked = Invocation()
    try:
        code = app(prog_name="uqs", standalone_mode=False, obj=asked)
    except typer.TyperException as error:
        hint = ""
        if getattr(error, "option_name", None) == "--debug":
            hint = f"; put it before the command: uqs --debug {asked.verb} ..."
        said = error.format_message().replace(": Value error, ", ": ")  # a word of Typer's inside
        _leave(said + hint, 2, asked)
    except UserError as error:
        _leave(str(error), 2, asked)
    except Exception as error:
        hint = "" if asked.debug else f" ('uqs --debug {asked.verb} ...' shows where)"
        _leave(f"{type(error).__name__}: {error}{hint}", 1, asked)
    sys.exit(code if isinstance(code, int) else 0)


def _leave(message: str, code: int, asked: Invocation) -> NoReturn:
    if asked.debug:
        traceback.print_exc()
    typer.echo(f"error: {' '.join(message.split())}", err=True)
    sys.exit(code)
