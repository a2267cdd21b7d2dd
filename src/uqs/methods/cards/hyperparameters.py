"""A method's hyperparameters: described in words, and made from user input."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from uqs.errors import UserError
from uqs.methods.cards.card import MethodCard
from uqs.registry import nearest

_LIMITS = {
    "exclusiveMinimum": ">",
    "minimum": ">=",
    "exclusiveMaximum": "<",
    "maximum": "<=",
}
_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
}


class Hyperparameter(NamedTuple):
    """Name, default (None if required), allowed values and description, all in words."""

    name: str
    default: str
    bounds: str
    description: str


def hyperparameters(settings: type[BaseModel]) -> Iterator[Hyperparameter]:
    """The hyperparameters of a settings class, in its order."""
    schema = settings.model_json_schema()
    for name, about in schema.get("properties", {}).items():
        default = json.dumps(about["default"]) if "default" in about else "none"
        bounds = _bounds(about, schema.get("$defs", {}))
        yield Hyperparameter(name, default, bounds, about.get("description", ""))


def chosen(card: MethodCard, values: Mapping[str, Any]) -> BaseModel:
    """The settings of a method with `values` in place of defaults.

    Raises UserError, with the hyperparameter and its bounds, if a value is not allowed.
    """
    try:
        # as JSON, so that a list is accepted for a tuple
        return card.settings.model_validate_json(json.dumps(dict(values)))
    except ValidationError as error:
        found = sorted(
            error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden"
        )
        raise UserError(f"{card.name}: {_problem(found[0], card.settings)}") from None


def _problem(found: ErrorDetails, settings: type[BaseModel]) -> str:
    name = ".".join(map(str, found["loc"]))
    known = {one.name: one for one in hyperparameters(settings)}
    if found["type"] == "extra_forbidden":
        hint = nearest(name, list(known)) if known else "it has none"
        return f"no hyperparameter {name!r}; {hint}"
    if found["type"] == "missing":
        return f"{name} must be given: {known[name].bounds}"
    if name in known and found["type"] != "value_error":
        return f"{name} must be {known[name].bounds}; it is {found['input']!r}"
    return f"{name}: {found['msg']}; it is {found['input']!r}"


def _bounds(about: Mapping[str, Any], defined: Mapping[str, Any]) -> str:
    """The values that a part of a JSON schema allows."""
    if "$ref" in about:
        return _bounds(defined[about["$ref"].rpartition("/")[2]], defined)
    if "anyOf" in about:
        return " or ".join(_bounds(one, defined) for one in about["anyOf"])
    if "enum" in about or "const" in about:
        return ", ".join(map(json.dumps, about.get("enum", [about.get("const")])))
    kind = about.get("type")
    if kind == "null":
        return "null"
    if kind == "array":
        return f"list of: {_bounds(about.get('items', {}), defined)}"
    limits = [f"{sign} {about[key]:g}" for key, sign in _LIMITS.items() if key in about]
    return f"{_KINDS.get(str(kind), 'anything')} {' and '.join(limits)}".strip()
