"""Whatever the graph and however long cells take, each is made once, after all that it reads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from uqs.studies.cells import Cell
from uqs.studies.schedule import COST, Schedule

KINDS = sorted(COST)


@st.composite
def graphs(draw: st.DrawFn) -> list[Cell]:
    cells: list[Cell] = []
    for place in range(draw(st.integers(1, 12))):
        sources = draw(st.sets(st.integers(0, place - 1))) if place else set()
        inputs = {str(source): cells[source].key for source in sources}
        cells.append(Cell(draw(st.sampled_from(KINDS)), str(place), {"place": place}, inputs))
    return cells


def downstream(cells: list[Cell], stopped: set[str]) -> set[str]:
    reached: set[str] = set()
    for cell in cells:
        if set(cell.inputs.values()) & (reached | stopped):
            reached.add(cell.key)
    return reached


@given(graphs(), st.data())
def test_cells_are_taken_after_what_they_read(cells: list[Cell], data: st.DataObject) -> None:
    stops = data.draw(st.sets(st.sampled_from([cell.key for cell in cells])))
    schedule, running, made = Schedule(cells, {}), [], set()
    skipped: set[str] = set()
    while True:
        while (cell := schedule.take()) is not None:
            assert set(cell.inputs.values()) <= made
            running.append(cell)
        if not running:
            break
        done = running.pop(data.draw(st.integers(0, len(running) - 1)))
        made.add(done.key)
        reason = "stop" if done.key in stops else None
        skipped |= {cell.key for cell in schedule.finish(done.key, reason)}
    assert skipped == downstream(cells, stops & made)
    assert made == {cell.key for cell in cells} - skipped
    assert not schedule.remaining


@given(graphs(), st.data())
def test_what_exists_is_not_taken(cells: list[Cell], data: st.DataObject) -> None:
    schedule = Schedule(cells, {})
    done: dict[str, str | None] = {}
    for _ in range(data.draw(st.integers(0, len(cells)))):
        cell = schedule.take()
        if cell is None:
            break
        done[cell.key] = data.draw(st.sampled_from([None, "stop"]))
        schedule.finish(cell.key, done[cell.key])
    assert Schedule(cells, done).remaining == schedule.remaining


def test_the_longest_chain_comes_first() -> None:
    base = Cell("base", "base", {}, {})
    short = Cell("measure", "short", {}, {"base": base.key})
    long = Cell("trace", "long", {}, {"base": base.key})
    end = Cell("unlearn", "end", {}, {"long": long.key})
    schedule = Schedule([base, short, long, end], {})
    assert schedule.take() == base
    assert schedule.take() is None
    schedule.finish(base.key, None)
    assert [schedule.take(), schedule.take()] == [long, short]
