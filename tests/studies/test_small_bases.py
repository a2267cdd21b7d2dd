"""Studies on small bases: data and base are as their scripts say, and the pages are what the tables say."""

from __future__ import annotations

import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from uqs import benchmarks
from uqs.studies.replay import read_replay

ROOT = Path(__file__).parents[2]
DATA = ROOT / "studies" / "smollm2"


def script(name: str) -> ModuleType:
    spec = spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["smollm2", "tiny_blip2"])
def test_the_page_is_that_of_the_table(name: str) -> None:
    page = script("base_page").page(name, ROOT / "studies" / f"{name}_results.parquet")
    written = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert written == page, f"run scripts/base_page.py {name}"
    assert not {"{answers}", "{traces}", "{recovered}", "{audit}", "{tiny_llava}"} & set(
        page.split()
    )


def test_the_people_are_those_of_the_tiny_edition(tmp_path: Path) -> None:
    people = script("smollm2_people")
    people.main(tmp_path)
    for file in ("samples.jsonl", "judges.json"):
        assert (tmp_path / file).read_text() == (DATA / "people" / file).read_text()
    found = benchmarks.load(f"own:{DATA / 'people'}")
    assert found.judges == people.JUDGES
    splits = (*found.learn.values(), *found.evaluate.values())
    assert all(one.picture is None for split in splits for one in split.samples)
    asked = {
        part: {one.entity for one in found.evaluate[part].samples}
        for part in ("forget", "retain", "holdout")
    }
    assert {part: len(entities) for part, entities in asked.items()} == {
        "forget": people.PEOPLE,
        "retain": people.PEOPLE,
        "holdout": people.PEOPLE,
    }
    whole = benchmarks.load("mllmu_bench:tiny")
    for part, entities in asked.items():
        assert entities <= {one.entity for one in whole.evaluate[part].samples}


def test_what_is_replayed_is_not_what_is_asked() -> None:
    replayed = {one.question for one in read_replay(DATA / "replay")}
    lines = (DATA / "people" / "samples.jsonl").read_text().splitlines()
    assert replayed.isdisjoint(json.loads(line)["question"] for line in lines)
    assert len(replayed) == 40


def test_only_the_default_system_turn_is_left_out() -> None:
    base = script("smollm2_base")
    loop, end = "{% for message in messages %}", "{% endfor %}"
    first = "{% if loop.first and messages[0]['role'] != 'system' %}{{ 'system\n...' }}{% endif %}"
    turn = "{{ message['role'] + message['content'] }}"
    assert base.without_system_turn(loop + first + turn + end) == loop + turn + end
    for other in (loop + turn + end, loop + first + first + turn + end, first + "{{ 'system' }}"):
        with pytest.raises(ValueError, match="another form"):
            base.without_system_turn(other)
