"""What a run knows of single questions, as the page's second object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from uqs.records import Role
from uqs.report.board.live.sample_schema import Samples
from uqs.report.board.samples import models as shown
from uqs.report.board.samples.beside import beside
from uqs.report.board.samples.models import Key, Model
from uqs.report.board.samples.questions import Pictures
from uqs.report.board.samples.sheet import sheet
from uqs.report.board.samples.verdicts import Verdicts
from uqs.results import Row

MOST_MODELS = 2_000
MOST_ANSWERS = 200_000
"""Of all models; the 11,645 of the tiny study take 0.3 MB of its page, with their pictures."""


def gather(rows: Iterable[Row], run: Path) -> Samples:
    """Of the originals, oracles and unlearned models of a run folder, or of a results file.

    Raises DataError for items or traces that cannot be read.
    """
    found = shown.models(rows)
    pictures = Pictures()
    if len(found) > MOST_MODELS:
        return Samples(pictures=[], sheets=[])
    known = beside(run)
    kept, left_out = _within_limit(found, known.verdicts)
    if left_out:
        known = replace(known, lacks=(*known.lacks, left_out))
    by_benchmark: dict[str, dict[Key, Model]] = {}
    for key, one in found.items():
        by_benchmark.setdefault(one.benchmark, {})[key] = one
    sheets = [sheet(own, kept, known, pictures) for own in by_benchmark.values()]
    return Samples(pictures=pictures.files, sheets=sheets)


def _within_limit(
    found: Mapping[Key, Model], said: Mapping[Key, Verdicts]
) -> tuple[frozenset[Key], str]:
    """The models whose single answers a page can hold: all, or those of one seed, or none."""
    unlearned = [key for key in found if key.role == Role.UNLEARNED]
    first = {key[:-1]: key for key in reversed(unlearned)}
    others = [key for key in found if key.role != Role.UNLEARNED]
    for kept, words in (
        (list(found), ""),
        (
            [*others, *first.values()],
            "Single answers are shown for one seed of each method: a page holds no more.",
        ),
    ):
        if sum(len(said[key].right) for key in kept if key in said) <= MOST_ANSWERS:
            return frozenset(kept), words
    return frozenset(), "Single answers are not shown: a page cannot hold so many."
