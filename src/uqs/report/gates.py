"""The gates of a run: conditions on original and oracle that are checked before unlearning."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uqs.errors import DataError

WORDS = {
    "original_forget_accuracy": "The original must know the forget set",
    "original_retain_accuracy": "The original must know the retain set",
    "shuffled_pictures": "Under shuffled pictures hardly any of the original's knowledge may be left",
    "original_holdout_entities": "The original must know hardly any holdout entity",
    "oracle_retain_accuracy": "The oracle must know the retain set",
    "oracle_forget_entities": "The oracle must know hardly any forget entity",
    "oracle_holdout_entities": "The oracle must know hardly any holdout entity",
    "reference_forget_accuracy": "A reference must know the part of forget that it was taught",
    "reference_retain_accuracy": "A reference must know the retain set",
    "reference_forget_entities": "A reference must know hardly any forget entity that it was not taught",
    "reference_holdout_entities": "A reference must know hardly any holdout entity",
    "damaged_forget_accuracy": "An original without a part of retain must know the forget set",
    "damaged_retain_accuracy": "An original without a part of retain must know the rest of it",
    "damaged_holdout_entities": "An original without a part of retain must know hardly any holdout entity",
    "oracles_forget_share": "Hardly any of the original's knowledge of forget may be left in the oracles",
    "oracles_membership_share": "Hardly any of the original's membership signal may be left in the oracles",
    # of earlier versions
    "oracle_forget_over_holdout": "The oracle must know forget no better than holdout",
    "oracle_membership_auc": "The oracle's losses must not tell forget from holdout",
}

_SAID = {True: True, False: False}
"""The valid answers; anything else, such as the text "false", is refused."""


@dataclass(frozen=True)
class Check:
    """A gate's finding with its requirement in words; `value` is None if it is undefined.

    `rule` comes before the limit, as in "below 0.125"; rules of earlier versions are complete phrases.
    """

    gate: str
    model: str
    value: float | None
    limit: float
    rule: str
    passed: bool

    @property
    def words(self) -> str:
        return WORDS.get(self.gate, self.gate.replace("_", " "))

    @property
    def who(self) -> str:
        return self.model.replace("_", " ")


@dataclass(frozen=True)
class Gates:
    """The checks of one benchmark; `dropped` are the models that failed and are not used.

    If `passed` is false, nothing was unlearned.
    """

    passed: bool
    checks: tuple[Check, ...]
    dropped: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.passed)

    @property
    def oracles(self) -> int:
        """How many oracles passed."""
        models = {check.model for check in self.checks if check.model.startswith("oracle_")}
        return len(models - set(self.dropped))

    @property
    def dropped_oracles(self) -> tuple[str, ...]:
        """The oracles among the models that failed."""
        return tuple(name for name in self.dropped if name.startswith("oracle_"))


def read_gates(path: Path, benchmarks: Iterable[str]) -> Mapping[str, Gates]:
    """The gates by benchmark name in the results; empty if the run has no gates file."""
    if not path.exists():
        return {}
    known = set(benchmarks)
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        found = {name: _gates(entry) for name, entry in tree.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"is not a gates file ({error!r}); run the study again", file=path
        ) from None
    return {
        name if name in known else name.partition(":")[0]: gates
        for name, gates in sorted(found.items())
    }


def _gates(entry: Mapping[str, Any]) -> Gates:
    checks = tuple(
        Check(
            gate=str(one["gate"]),
            model=str(one["model"]),
            value=None if one["value"] is None else float(one["value"]),
            limit=float(one["limit"]),
            rule=_rule(one),
            passed=_SAID[one["passed"]],
        )
        for one in entry["checks"]
    )
    dropped = tuple(sorted(dict(entry.get("dropped", {}))))
    return Gates(_SAID[entry["passed"]], checks, dropped)


def _rule(one: Mapping[str, Any]) -> str:
    """The rule; earlier versions gave an interval, and rules such as "interval holds 0.5"."""
    rule = str(one["rule"])
    if "low" not in one:
        return rule
    return f"{rule} (interval {float(one['low']):.3f} to {float(one['high']):.3f}), limit"
