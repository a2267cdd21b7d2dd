"""The page of the wide study begins with what the audit and the score say of its table."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from uqs import results
from uqs.audit.audit import audit_long
from uqs.card_metadata import attach
from uqs.results.tables import of_rows

ROOT = Path(__file__).parents[2]
WIDE = ROOT / "studies" / "wide_results.parquet"
SPEC = importlib.util.spec_from_file_location("wide_page", ROOT / "scripts" / "wide_page.py")
assert SPEC is not None
assert SPEC.loader is not None
PAGE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(PAGE)


def test_every_first_sentence_is_that_of_the_table():
    rows = results.read(WIDE)
    long = attach(of_rows(rows, WIDE), results.metadata(WIDE), WIDE)
    found = audit_long(long, rng=np.random.default_rng(0))
    scored = PAGE.scores(PAGE.at_medium(rows), WIDE)
    begin = "\n".join(PAGE.begin(long, found, scored))
    written = (ROOT / "docs" / "wide.md").read_text(encoding="utf-8")
    assert written.startswith(begin), "run scripts/wide_page.py"
    assert len(found.in_short) == 8
    assert all(f"- {said}\n" in written for said in found.verdicts)
