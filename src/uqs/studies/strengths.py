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
    """`methods[name][strength]` are all hyperparameters of a method at a strength.

    They hold for `model` and `benchmarks`, on which they were searched with originals of `seed`. `missed`
    says of a strength, by method, how far from its target the nearest trial was.
    """

    file: Path
    methods: Mapping[str, Mapping[str, Mapping[str, Any]]]
    model: Mapping[str, Any]
    benchmarks: tuple[str, ...]
    seed: int
    missed: Mapping[str, Mapping[str, str]]

    def of(self, method: str, strength: str) -> Mapping[str, Any]:
        """The hyperparameters; DataError where the file has none."""
        for known, asked, field in (
            (self.methods, method, "methods"),
            (self.methods.get(method, {}), strength, f"methods.{method}"),
        ):
            if asked not in known:
                hint = nearest(asked, list(known)) if known else "nothing is known"
                hint = self.missed.get(method, {}).get(strength, hint)
                raise DataError(f"has no {asked!r}; {hint}", file=self.file, field=field)
        return self.methods[method][strength]


def read_strengths(file: Path) -> Strengths:
    """Read a file that `uqs tune` wrote."""
    tree = read_mapping(file)
    found = tree.get("methods")
    if not isinstance(found, dict):
        raise DataError("must hold methods with their strengths", file=file, field="methods")
    for name, strengths in found.items():
        if not isinstance(strengths, dict):
            raise DataError("must hold strengths", file=file, field=f"methods.{name}")
        for strength, values in strengths.items():
            if not isinstance(values, dict):
                where = f"methods.{name}.{strength}"
                raise DataError("must hold hyperparameters", file=file, field=where)
    for field, kind in (("model", dict), ("benchmarks", list), ("seed", int)):
        if not isinstance(tree.get(field), kind):
            problem = "must say what the strengths were found on, as 'uqs tune' writes it"
            raise DataError(problem, file=file, field=field)
    missed = tree.get("missed", {})
    if not isinstance(missed, dict) or not all(isinstance(one, dict) for one in missed.values()):
        raise DataError("must hold sentences by method and strength", file=file, field="missed")
    return Strengths(
        file, found, tree["model"], tuple(map(str, tree["benchmarks"])), tree["seed"], missed
    )
