"""The schema of the application's data as TypeScript, so that it is written once."""

from __future__ import annotations

import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from uqs.report.board.live import published_schema, sample_schema, schema

HEAD = """// Written by scripts/board_schema.py from src/uqs/report/board/live/; not to be edited.
"""
PLAIN = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}


def source() -> str:
    """The text of `board/src/schema.ts`."""
    records = [
        one
        for module in (schema, sample_schema, published_schema)
        for one in vars(module).values()
        if is_typeddict(one)
    ]
    parts = [HEAD, f"export const SCHEMA = {schema.SCHEMA};\n"]
    return "\n".join([*parts, *map(_record, records)])


def _record(record: Any) -> str:
    fields = get_type_hints(record).items()
    body = "".join(f"  {name}: {_type(kind)};\n" for name, kind in fields)
    return f"export interface {record.__name__} {{\n{body}}}\n"


def _type(kind: Any) -> str:
    if kind in PLAIN:
        return PLAIN[kind]
    if is_typeddict(kind):
        return str(kind.__name__)
    origin, inside = get_origin(kind), get_args(kind)
    if origin is list:
        return f"({_type(inside[0])})[]"
    if origin is dict:
        return f"Record<string, {_type(inside[1])}>"
    if origin in (Union, types.UnionType):
        return " | ".join(map(_type, inside))
    if origin is Literal:
        return " | ".join(f'"{word}"' for word in inside)
    raise TypeError(f"{kind} has no counterpart in TypeScript")
