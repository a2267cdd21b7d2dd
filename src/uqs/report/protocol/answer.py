"""What the points of the protocol share: an answer, and which models and metrics are asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from uqs.metrics.catalogue import is_health
from uqs.report import words
from uqs.report.analysis import Analysis
from uqs.report.means import Key, Line, Mean
from uqs.text import number


class Answer(NamedTuple):
    """Whether a point is met, None if that cannot be known; `figure` is the sentence that says why."""

    met: bool | None
    figure: str


NOTHING = Answer(None, "No method was measured on any benchmark.")


def all_of(parts: Iterable[bool | None]) -> bool | None:
    """False if any part is, else None if any is unknown or there are none, else True."""
    found = list(parts)
    if False in found:
        return False
    return None if None in found or not found else True


def joined(parts: Iterable[Answer], before: str = "") -> Answer:
    """The answers for single benchmarks as one."""
    found = list(parts)
    if not found:
        return NOTHING
    return Answer(all_of(met for met, _ in found), f"{before}{'; '.join(s for _, s in found)}.")


def methods(found: Analysis) -> tuple[str, ...]:
    """The unlearned methods, with their strengths; a baseline is none."""
    return tuple(
        name for name in found.summary.methods if name.partition("@")[0] in found.unlearned
    )


def benchmarks(found: Analysis) -> tuple[str, ...]:
    """The benchmarks on which anything was unlearned."""
    if not methods(found):
        return ()
    return tuple(name for name in found.summary.benchmarks if name not in found.stopped)


def metrics(found: Analysis) -> tuple[str, ...]:
    """The metrics of forgetting and keeping, without those of a model's health."""
    return tuple(name for name in found.summary.metrics if not is_health(name))


def mean(
    found: Analysis, benchmark: str, line: Line, metric: str, split: str = "", method: str = ""
) -> Mean | None:
    """A mean on the metric's headline split, or on another one; None if there is no such row."""
    headline = found.summary.headline.get(metric, "")
    return found.summary.means.get(Key(benchmark, line, method, metric, split or headline))


def of_methods(
    found: Analysis, benchmark: str, metric: str, split: str = ""
) -> Iterator[tuple[str, Mean | None]]:
    """Each method's mean on a benchmark."""
    for name in methods(found):
        yield name, mean(found, benchmark, Line.UNLEARNED, metric, split, name)


def values(of: Iterable[tuple[str, Mean | None]]) -> list[float]:
    """The known values."""
    return [one.value for _, one in of if one is not None and one.value is not None]


def why_missing(of: Iterable[tuple[str, Mean | None]]) -> str:
    """In words, each once, why methods have no value."""
    missing = {words.mean(one) for _, one in of if one is None or one.value is None}
    return ", ".join(sorted(missing))


def span(found: Sequence[float]) -> str:
    """`0.31 to 0.78`, or the one value."""
    low, high = number(min(found)), number(max(found))
    return low if low == high else f"{low} to {high}"
