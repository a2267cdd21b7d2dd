"""What is to be known of a benchmark before its numbers are believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from uqs import registry

NONE_STATED = "none stated"


@dataclass(frozen=True)
class BenchmarkCard:
    """A benchmark as it is released.

    `release`: where the files are. `revision`: the one that the schema was read at, empty where releases have
    none. `licence`: of the data, `none stated` where none was found with them. `sizes`: what the release says
    it holds, by a name that a loader counts by; a folder with other numbers gets a note. `splits`: what this
    loader makes of it. `problems`: what is known to be wrong with it.
    """

    title: str
    paper: str
    release: str
    revision: str
    licence: str
    measures: str
    splits: str
    sizes: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    problems: tuple[str, ...] = ()

    def unlike(self, counted: Mapping[str, int]) -> list[str]:
        """A note for each number that is not the card's."""
        return [
            f"{name}: {number} here, {self.sizes[name]} in the release"
            for name, number in counted.items()
            if self.sizes.get(name, number) != number
        ]


def card_of(name: str) -> BenchmarkCard | None:
    """The card of a registered benchmark; None where a plug-in has none."""
    found = getattr(registry.get("benchmark", name), "card", None)
    return found if isinstance(found, BenchmarkCard) else None
