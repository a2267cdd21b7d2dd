"""YAML read strictly: one mapping, no duplicate keys, no Python objects, numbers in plain decimals."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from uqs.errors import DataError

PLAIN_NUMBER = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
"""A finite number that every reader takes for the same one."""
_NOT_FINITE = re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE)
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


class PlainLoader(yaml.SafeLoader):
    """SafeLoader that reads 2e-3 as a number, as YAML 1.2 does, and refuses what YAML 1.1 alone reads as one:
    010 is 8 there, 1_2 is 12, 1:30 is 90."""

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        text = node.value
        if (
            isinstance(node, yaml.ScalarNode)
            and node.tag in _NUMBERS
            and not (PLAIN_NUMBER.fullmatch(text) or _NOT_FINITE.fullmatch(text))
        ):
            raise yaml.MarkedYAMLError(
                problem=f"{text!r} is no plain decimal number; write its digits alone, "
                "without leading zeros, '_' or ':', or quote a text",
                problem_mark=node.start_mark,
            )
        return super().construct_scalar(node)


class _StrictLoader(PlainLoader):
    """PlainLoader that refuses duplicate keys, and keys that are no text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str) or key in seen:
                problem = "duplicate key" if isinstance(key, str) else "a key must be text, not"
                raise yaml.MarkedYAMLError(
                    problem=f"{problem} {key!r}", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


PlainLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+"),
    list("-+0123456789"),
)


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; DataError, with the line, where it holds something else."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataError("no such file", file=path) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"is not a readable text file ({error})", file=path) from None
    try:
        found = yaml.load(text, _StrictLoader)  # noqa: S506  a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise DataError(f"line {line}: {error.problem}", file=path) from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise DataError(f"is no YAML ({' '.join(str(error).split())})", file=path) from None
    if not isinstance(found, dict):
        raise DataError("must hold keys and values, such as 'name: tiny'", file=path)
    return found
