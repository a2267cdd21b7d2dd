"""The page of the unimodal arm says what its table says."""

import importlib.util
from pathlib import Path

import pytest

from uqs import results
from uqs.records import Role
from uqs.report.analysis import analyse
from uqs.report.protocol import protocol

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "studies" / "tiny_unimodal_results.parquet"
SPEC = importlib.util.spec_from_file_location(
    "unimodal_page", ROOT / "scripts" / "unimodal_page.py"
)
assert SPEC is not None
assert SPEC.loader is not None
PAGE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(PAGE)


@pytest.fixture(scope="module")
def found():
    return analyse(TABLE)


def test_the_page_is_that_of_the_table(found):
    written = (ROOT / "docs" / "unimodal.md").read_text(encoding="utf-8")
    assert written == "\n".join(PAGE.page(found)) + "\n", "run scripts/unimodal_page.py"


def test_the_table_has_both_arms_and_every_model():
    rows = results.read(TABLE)
    models = {(r.edition, r.role, r.method, r.seed) for r in rows if r.value is not None}
    assert {r.model for r in rows} == {"resnet"}
    for edition in ("tiny&forget=class:Shirt", "tiny&forget=random:0.2"):
        mine = [one for one in models if one[0] == edition]
        counted = {role: sum(one[1] == role for one in mine) for role in Role}
        assert counted[Role.ORACLE] == 3
        assert counted[Role.UNLEARNED] == 12
        assert counted[Role.REFERENCE] == 2


def test_editions_are_told_apart_in_the_analysis(found):
    names = set(found.summary.benchmarks)
    assert names == {f"fashion_mnist:tiny&forget={what}" for what in ("class:Shirt", "random:0.2")}
    assert {one.benchmark for one in found.ladders} == names
    assert {one.benchmark for one in found.audit.report_cards} == names
    (point,) = [one for one in protocol(found) if one.name.startswith("Reference")]
    assert point.met
    assert point.figure.count("3 oracles") == 2
