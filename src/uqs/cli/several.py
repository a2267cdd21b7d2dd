"""`--oracle A B` for `--oracle A --oracle B`: the one thing of our command line that Typer does not give."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from typer.core import TyperArgument, TyperCommand


class SeveralValues(TyperCommand):
    """A verb whose repeatable options take several values at once.

    Only where the verb has no positional argument: `--direction A=lower TABLE` must stay what it is.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Spread the values, then parse as every other command."""
        if not any(isinstance(one, TyperArgument) for one in self.params):
            names = {name for one in self.params if one.multiple for name in one.opts}
            args = spread(args, names)
        return super().parse_args(ctx, args)


def spread(arguments: Sequence[str], options: Collection[str]) -> list[str]:
    """Each option of `options` before every value that follows it."""
    found: list[str] = []
    option = ""
    for word in arguments:
        if word.startswith("-"):
            option = word if word in options else ""
            found.append(word)
        elif option and found[-1] != option:
            found += [option, word]
        else:
            found.append(word)
    return found
