"""Checkpoints that are measured here are adapters moved at random."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def _ignorant(ignorant_originals: None) -> None:
    """No test here is about what originals know, unless it sets the limit itself."""
