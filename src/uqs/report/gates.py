"""The gates of a run: what had to hold of original and oracle before anything was unlearned."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uqs.errors import DataError
from uqs.records import GateCheck

WORDS = {
    "original_forget_accuracy": "The original must know the forget set",
    "original_retain_accuracy": "The original must know the retain set",
    "shuffled_pictures": "With shuffled pictures the original must only guess",
    "oracle_retain_accuracy": "The oracle must know the retain set",
    "oracle_forget_over_holdout": "The oracle must know forget no better than holdout",
    "oracle_membership_auc": "The oracle's losses must not tell forget from holdout",
}

_SAID = {True: True, False: False}
"""Anything else, such as the text "false", is no answer."""


class Check(GateCheck):
    """A gate's finding that can say what it asks for."""

    @property
    def words(self) -> str:
        return WORDS.get(self.gate, self.gate.replace("_", " "))


@dataclass(frozen=True)
class Gates:
    """The checks of one benchmark; one that fails stops it."""

    passed: bool
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.passed)


def read_gates(path: Path, benchmarks: Iterable[str]) -> Mapping[str, Gates]:
    """The gates by benchmark, as the results call it; empty where the run has no such file."""
    if not path.exists():
        return {}
    known = set(benchmarks)
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        found = {name: _gates(entry) for name, entry in tree.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"is no gates file ({error!r}); run the study again", file=path) from None
    return {
        name if name in known else name.partition(":")[0]: gates
        for name, gates in sorted(found.items())
    }


def _gates(entry: Mapping[str, Any]) -> Gates:
    checks = tuple(
        Check(
            gate=str(one["gate"]),
            model=str(one["model"]),
            **{name: float(one[name]) for name in ("value", "low", "high", "limit")},
            rule=str(one["rule"]),
            passed=_SAID[one["passed"]],
        )
        for one in entry["checks"]
    )
    return Gates(_SAID[entry["passed"]], checks)
