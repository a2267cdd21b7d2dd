"""Strengths: hyperparameters that `uqs tune` found, by method and strength, in a file of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uqs.errors import DataError
from uqs.registry import nearest
from uqs.yamlfile import read_mapping


@dataclass(frozen=True)
class Strengths:
    """`methods[name][strength]` are all hyperparameters of a method at a strength."""

    file: Path
    methods: Mapping[str, Mapping[str, Mapping[str, Any]]]

    def of(self, method: str, strength: str) -> Mapping[str, Any]:
        """The hyperparameters; DataError where the file has none."""
        for known, asked, field in (
            (self.methods, method, "methods"),
            (self.methods.get(method, {}), strength, f"methods.{method}"),
        ):
            if asked not in known:
                hint = nearest(asked, list(known)) if known else "nothing is known"
                raise DataError(f"has no {asked!r}; {hint}", file=self.file, field=field)
        return self.methods[method][strength]


def read_strengths(file: Path) -> Strengths:
    """Read a file that `uqs tune` wrote."""
    found = read_mapping(file).get("methods")
    if not isinstance(found, dict):
        raise DataError("must hold methods with their strengths", file=file, field="methods")
    for name, strengths in found.items():
        if not isinstance(strengths, dict):
            raise DataError("must hold strengths", file=file, field=f"methods.{name}")
        for strength, values in strengths.items():
            if not isinstance(values, dict):
                where = f"methods.{name}.{strength}"
                raise DataError("must hold hyperparameters", file=file, field=where)
    return Strengths(file, found)
