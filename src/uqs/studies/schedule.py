"""Which cell comes next: the longest chain of work first, ties in the order of the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from uqs.studies.cells import Cell, Kind

# Typical cost of a cell against that of measuring; orders the work, changes no result.
COST: Mapping[Kind, int] = {
    "base": 1,
    "train": 20,
    "unlearn": 6,
    "trace": 3,
    "gates": 1,
    "cross": 2,
    "measure": 1,
    "trial": 7,
}


class Schedule:
    """What is ready, waiting, and out of reach among `cells`, which come after what they read.

    `done` gives the cells that exist already, with the reason why nothing may be made from them, or None.
    """

    def __init__(self, cells: Sequence[Cell], done: Mapping[str, str | None]) -> None:
        self._readers: dict[str, list[Cell]] = {cell.key: [] for cell in cells}
        for cell in cells:
            for key in sorted(cell.sources):
                self._readers[key].append(cell)
        self._weight: dict[str, int] = {}
        for cell in reversed(cells):
            chain = max((self._weight[reader.key] for reader in self._readers[cell.key]), default=0)
            self._weight[cell.key] = COST[cell.kind] + chain
        self._order = {cell.key: place for place, cell in enumerate(cells)}
        self._todo = {cell.key: cell for cell in cells if cell.key not in done}
        self._missing = {
            key: {source for source in cell.sources if source in self._todo}
            for key, cell in self._todo.items()
        }
        for key, stop in done.items():
            if stop is not None:
                self._skip_made_from(key)

    @property
    def remaining(self) -> Sequence[Cell]:
        """The cells that are still to be taken, skipped ones left out."""
        return list(self._todo.values())

    def take(self) -> Cell | None:
        """The next cell to make, or None where none is ready."""
        ready = [key for key in self._todo if not self._missing[key]]
        if not ready:
            return None
        first = min(ready, key=lambda key: (-self._weight[key], self._order[key]))
        return self._todo.pop(first)

    def finish(self, key: str, stop: str | None) -> list[Cell]:
        """A taken cell was made; returns what is skipped because of its `stop`."""
        for missing in self._missing.values():
            missing.discard(key)
        return [] if stop is None else self._skip_made_from(key)

    def _skip_made_from(self, key: str) -> list[Cell]:
        """Skip what is made from a cell that says stop; a measure cell that reads the verdict is not."""
        skipped = []
        for reader in self._readers[key]:
            if reader.kind != "measure":
                skipped += self._skip(reader)
        return skipped

    def _skip(self, cell: Cell) -> list[Cell]:
        """Skip a cell and all that reads it."""
        if not self._todo.pop(cell.key, None):
            return []
        skipped = [cell]
        for reader in self._readers[cell.key]:
            skipped += self._skip(reader)
        return skipped
