"""What a person is told while a study runs."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from uqs.progress import Display
from uqs.studies.jobs import Job, Kind
from uqs.studies.progress import Forecast, Progress


def job(kind: Kind, label: str) -> Job:
    return Job(kind, label, {"label": label}, {})


CELLS = [job("train", "train a"), job("train", "train b"), job("trace", "trace [a]")]


def told(*, terminal: bool, plain: bool = False) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    with Display(plain, console) as display:
        progress = Progress(display, Forecast(1, CELLS), 2, CELLS)
        progress.began(CELLS[0])
        progress.made(CELLS[0], 8.0)
        progress.began(CELLS[1])
        progress.failed(CELLS[1])
        progress.began(CELLS[2])
        progress.made(CELLS[2], 2.0)
        progress.stopped(CELLS[2], "failed gates: x", [CELLS[1]])
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(("terminal", "plain"), [(False, False), (True, True)])
def test_plain_lines(terminal: bool, plain: bool) -> None:
    assert told(terminal=terminal, plain=plain).splitlines() == [
        "[3/5] 0:00 train a",
        "failed: train b",
        "[4/5] 0:00 trace [a] (0:08 left)",
        "trace [a]: failed gates: x; 1 jobs are skipped",
    ]


def test_a_bar_shows_counts_and_what_runs() -> None:
    shown = told(terminal=True)
    assert "4/4" in shown
    assert "failed: train b" in shown
    assert "trace [a]: failed gates: x" in shown


def test_time_left_is_unknown_until_every_kind_was_seen() -> None:
    forecast = Forecast(2, CELLS)
    forecast.learn("train", 10)
    assert forecast.seconds_left() is None
    forecast.learn("trace", 4)
    assert forecast.seconds_left() == pytest.approx((10 + 10 + 4) / 2)
    forecast.learn("train", 20)
    assert forecast.seconds_left() == pytest.approx((15 + 15 + 4) / 2)
    forecast.drop("train")
    forecast.drop("trace")
    assert forecast.seconds_left() == pytest.approx(15 / 2)
    forecast.drop("train")
    assert forecast.seconds_left() == 0
