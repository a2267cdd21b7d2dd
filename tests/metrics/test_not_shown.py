"""Every metric says what a good value does not show, and a test elsewhere shows that it is so."""

from __future__ import annotations

from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from uqs.metrics.catalogue import CARDS


@cache
def symbols_tested() -> frozenset[str]:
    """The keys of all `NOT_SHOWN` tables of the tests: metrics, each with its test."""
    found: set[str] = set()
    for file in Path(__file__).parent.rglob("test_*.py"):
        if file != Path(__file__) and "NOT_SHOWN" in file.read_text():
            spec = spec_from_file_location(file.stem, file)
            assert spec is not None
            assert spec.loader is not None
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            found |= set(module.NOT_SHOWN)
    return frozenset(found)


@pytest.mark.parametrize("symbol", sorted(CARDS))
def test_the_statement_is_there_and_tested(symbol: str) -> None:
    assert CARDS[symbol].does_not_show.startswith("that ")
    assert symbol in symbols_tested()
