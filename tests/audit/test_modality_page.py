"""The page of the modality study is what its script writes from the committed table."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location(
    "modality_page", ROOT / "scripts" / "modality_page.py"
)
assert SPEC is not None
assert SPEC.loader is not None
PAGE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(PAGE)


def test_the_page_is_that_of_the_table():
    written = (ROOT / "docs" / "modality.md").read_text(encoding="utf-8")
    made = PAGE.page(ROOT / "studies" / "modality_results.parquet")
    assert written == made + "\n", "run scripts/modality_page.py"
