"""The tables of a finished study stay, and are made again where they, the jobs or our code changed."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from uqs.studies import collect as collecting
from uqs.studies import collected
from uqs.studies.store import Store

if TYPE_CHECKING:
    from conftest import Bench


def test_tables_are_made_again_only_where_something_changed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    real = collecting._collect
    monkeypatch.setattr(collecting, "_collect", lambda *given: (made.append(1), real(*given))[1])
    bench.run()
    before = {name: (bench.store / name).read_bytes() for name in collected.TABLES}
    problems = collecting.collect(bench.toy.plan(), Store(bench.store))
    assert len(made) == 1
    assert problems == json.loads((bench.store / collected.FILE).read_text())["problems"]

    def harmed() -> None:
        (bench.store / "results.parquet").write_bytes(b"other")

    def lost() -> None:
        (bench.store / "items.parquet").unlink()

    def remade() -> None:  # its manifest tells another time
        job = bench.toy.plan().models[0].measure
        shutil.rmtree(bench.store / "jobs" / job)

    def cut() -> None:
        (bench.store / collected.FILE).write_text("{")

    def changed() -> None:
        monkeypatch.setattr(collected, "_source", lambda: b"other code")

    for times, change in enumerate((harmed, lost, remade, cut, changed), start=2):
        change()
        bench.run()
        assert len(made) == times, change.__name__
        bench.run()
        assert len(made) == times, change.__name__
    after = {name: (bench.store / name).read_bytes() for name in collected.TABLES}
    del before["results.parquet"], after["results.parquet"]  # a job made again took another time
    assert after == before
