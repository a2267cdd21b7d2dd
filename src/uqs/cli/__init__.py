"""The command `uqs`: one file per command; nothing heavy is imported before a command is called."""

from uqs.cli.app import main

__all__ = ["main"]
