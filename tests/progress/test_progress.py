"""What is shown of work that goes on: the display, and what tracing and unlearning tell it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from uqs.cli.progress import StepProgress, TraceProgress
from uqs.progress import Display


def display(*, terminal: bool, plain: bool = False) -> Display:
    return Display(plain, Console(file=io.StringIO(), force_terminal=terminal, width=100))


def printed(shown: Display) -> str:
    assert isinstance(shown.console.file, io.StringIO)
    return shown.console.file.getvalue()


@pytest.mark.parametrize(("terminal", "plain"), [(False, False), (True, True)])
def test_without_bars_only_lines_are_shown(terminal: bool, plain: bool) -> None:
    with display(terminal=terminal, plain=plain) as shown:
        shown.show("work", 1, 2)
        shown.line("[red]a line[/nope] " + "x" * 200)
    assert printed(shown) == "[red]a line[/nope] " + "x" * 200 + "\n"


def test_a_bar_says_what_is_done_and_what_runs() -> None:
    with display(terminal=True) as shown:
        shown.show("[a]", 1, 4, now="loss 3", left="0:09 left")
        shown.line("a line")
        shown.show("[a]", 2, 4, now="loss 2", left="0:06 left")
    text = printed(shown)
    for part in ("a line", "2/4", "0:06 left", "[a], loss 2"):
        assert part in text


def test_other_work_begins_anew() -> None:
    with display(terminal=True) as shown:
        shown.show("one", 4, 4)
        shown.show("two", 0, 9)
    assert "0/9" in printed(shown)


def test_a_trace_is_a_line_a_split_where_there_is_no_bar() -> None:
    with display(terminal=False) as shown:
        told = TraceProgress(shown)
        told.began("original")
        told.traced("forget", 0, 10)
        told.traced("forget", 10, 10)
    assert printed(shown).splitlines() == ["original", "  forget: 10 samples"]


def test_steps_are_some_lines_where_there_is_no_bar() -> None:
    with display(terminal=False) as shown:
        told = StepProgress(shown, "npo")
        for step in range(1, 101):
            told(step, 100, 1 / step)
    lines = printed(shown).splitlines()
    assert len(lines) == 10
    assert lines[-1] == "npo: step 100 of 100, loss 0.01"
