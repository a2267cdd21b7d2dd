"""What a table says of its metrics must be what UQS says of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from uqs.card_metadata import facts_of
from uqs.errors import DataError

FACTS = ("better", "bounds", "split", "version")


def problems(long: pd.DataFrame, file: Path) -> Iterator[str]:
    """A metric that nobody declares, or that the file declares otherwise than UQS."""
    for symbol in map(str, sorted(long["metric"].unique())):
        own, ours = facts_of(symbol, long), facts_of(symbol)
        if own is None:
            yield str(DataError("is a metric that nothing is known of", file=file, field=symbol))
        elif ours is not None:
            for name in FACTS:
                said, known = getattr(own, name), getattr(ours, name)
                if name == "split" and said in ours.formerly:
                    continue
                if said != known:
                    problem = f"the file says {name} {said!r}, and UQS says {known!r}"
                    yield str(DataError(problem, file=file, field=symbol))
