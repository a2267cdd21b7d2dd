"""YAML read strictly: one mapping, no duplicate keys, no Python objects."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from uqs.errors import DataError


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses duplicate keys and reads 2e-3 as a number, as YAML 1.2 does."""

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


_StrictLoader.add_implicit_resolver(
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
        raise DataError(f"is no readable text file ({error})", file=path) from None
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
