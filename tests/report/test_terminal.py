"""Tables as they are printed."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from uqs.report.terminal import WIDTH, Sheet, plain_console, write_json, write_lines, write_sheet


def printed(sheet: Sheet, *, width: int = 60, terminal: bool = False) -> list[str]:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=terminal, markup=False, color_system=None
    )
    write_sheet(console, sheet)
    assert console.width == width
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("│┃").replace("┃", "│").split("│")]


def test_title_columns_rows_rule_and_note() -> None:
    rows = [("[red]a[/x]", "1.5"), ("b", "22.5")]
    lines = printed(Sheet("a title", ("name", "value"), rows, "a note", rules=(1,)))
    assert lines[0] == "a title"
    assert cells(lines[2]) == ["name", "value"]
    assert cells(lines[4]) == ["[red]a[/x]", "1.5"]
    assert lines[5].startswith("├")
    assert lines[6] == "│ b          │  22.5 │"  # a number ends on the right
    assert lines[-1] == "a note"


def test_numbers_and_names_are_whole_where_the_output_is_no_terminal() -> None:
    names = [f"a_metric_{i}" for i in range(20)]
    sheet = Sheet("t", ("model", *names), [("a_very_long_name", *(["0.123 ± 0.045"] * 20))])
    lines = printed(sheet)
    assert cells(lines[4]) == ["a_very_long_name", *(["0.123 ± 0.045"] * 20)]


def test_on_a_narrow_terminal_nothing_is_lost() -> None:
    """Numbers are folded there, and none is cut."""
    sheet = Sheet("t", ("model", "x", "y"), [("a_long_name", "0.123 ± 0.045", "0.678 ± 0.009")])
    for width in (36, 30):
        lines = printed(sheet, width=width, terminal=True)
        assert max(map(len, lines)) <= width
        shown = sorted(c for line in lines[4:-1] for c in line if c not in " │")
        assert shown == sorted("a_long_name0.123±0.0450.678±0.009")


def test_words_are_folded() -> None:
    sheet = Sheet("t", ("name", "what"), [("a", "word " * 40)], left=(0, 1))
    lines = printed(sheet)
    assert max(map(len, lines)) <= 60
    assert sum(line.count("word") for line in lines) == 40


def test_no_terminal_is_wide_and_plain(capsys: pytest.CaptureFixture[str]) -> None:
    console = plain_console()
    assert console.width == WIDTH
    write_lines(console, ["[bold]a[/bold]", "b"])
    assert capsys.readouterr().out == "- [bold]a[/bold]\n- b\n"


def test_json_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"a": None})
    assert json.loads(capsys.readouterr().out) == {"a": None}
    with pytest.raises(ValueError, match="JSON"):
        write_json({"a": float("nan")})
