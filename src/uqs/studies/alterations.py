"""Suppressed and damaged models that are made from an original: what there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from uqs.records import Role
from uqs.studies.spec import References

Kind = Literal["refusal", "guardrail", "noise"]
ROLES: dict[Kind, Role] = {
    "refusal": Role.SUPPRESSED,
    "guardrail": Role.SUPPRESSED,
    "noise": Role.DAMAGED,
}
LADDER = "retrain_part"
"""What tables call the method of a reference; its strength is the share of the forget entities."""
INCOMPLETE = "retain_missing"
"""What tables call the method of an original that lacks a share of the retain entities, its strength."""


@dataclass(frozen=True)
class Alteration:
    """What is done to an original; `size` is that of the noise."""

    kind: Kind
    size: float | None = None

    @property
    def role(self) -> Role:
        """What the altered model is."""
        return ROLES[self.kind]


def alterations(references: References) -> Iterator[Alteration]:
    """All that a study asks for."""
    for kind in references.suppressed:
        yield Alteration(kind)
    for size in references.damaged.noise:
        yield Alteration("noise", size)
