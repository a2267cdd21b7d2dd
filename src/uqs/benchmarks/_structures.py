"""Lists and objects that stand in a text: as JSON, or as Python writes them."""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Sequence
from typing import Any

from uqs.benchmarks._place import Place

_NOT_LITERAL = (ValueError, SyntaxError, MemoryError, RecursionError, TypeError)


def parsed(text: str, place: Place) -> Any:
    """What JSON or, failing that, a Python literal says; nothing is executed.

    DataError where it is neither, or names a key of an object twice. A literal is noted.
    """

    def unique(pairs: Sequence[tuple[Any, Any]]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, value in pairs:
            if key in found:
                raise place.error(f"{key!r} is given twice")
            found[key] = value
        return found

    try:
        return json.loads(text, object_pairs_hook=unique)
    except (json.JSONDecodeError, RecursionError) as error:
        problem = getattr(error, "msg", "too deep")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that Python would write otherwise
            tree = ast.parse(text.strip(), mode="eval").body
        found = _value(tree, unique)
    except _NOT_LITERAL:
        raise place.error(f"is not valid JSON ({problem})") from None
    place.note("text", "read as a Python literal, being no JSON")
    return found


def _value(node: ast.expr, unique: Any) -> Any:
    """`ast.literal_eval`, but a key that is given twice is told."""
    if isinstance(node, ast.Dict):
        if None in node.keys:
            raise ValueError("an unpacked mapping")
        keys = [ast.literal_eval(key) for key in node.keys if key is not None]
        return unique([(k, _value(v, unique)) for k, v in zip(keys, node.values, strict=True)])
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(item, unique) for item in node.elts]
    return ast.literal_eval(node)
