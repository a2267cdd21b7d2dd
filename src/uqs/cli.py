"""The `uqs` command: verbs and their options; no logic."""

from __future__ import annotations

import typer

app = typer.Typer(name="uqs", no_args_is_help=True, pretty_exceptions_enable=False)


def main() -> None:
    app()
