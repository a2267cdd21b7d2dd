"""The command `uqs`: one file a verb, and nothing heavy before a verb is called."""

from uqs.cli.app import main

__all__ = ["main"]
