"""Options of a loader in the name of an edition: `mllmu_bench:FOLDER&forget=5&retain_limit=none`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from uqs import registry
from uqs.benchmarks.prompts import OPTION, RELEASE
from uqs.errors import UserError

_MARK = re.compile(r"&([a-z_]+)=")
NOTHING = "none"
"""The value of an option that is switched off."""


def options_of(edition: str) -> tuple[str, dict[str, str]]:
    """The edition and its options as written. Raises UserError if one is given twice."""
    whole, *rest = _MARK.split(edition)
    found: dict[str, str] = {}
    for name, value in zip(rest[::2], rest[1::2], strict=True):
        if name in found:
            raise UserError(f"{edition!r} gives the option {name!r} twice")
        found[name] = value
    return whole, found


def read_options(
    loader: type, benchmark: str, written: Mapping[str, str], given: Mapping[str, object]
) -> dict[str, Any]:
    """The options of a loader: those `written` in a name, read as its fields' types say, and those `given`.

    Raises UserError for a name that is no field of the loader, and for a text that is no such value.
    """
    known = [field.name for field in fields(loader)]
    types = get_type_hints(loader)
    for name in (*written, *given):
        if name not in known:
            raise UserError(
                f"{benchmark}: unknown option {name!r}; {registry.nearest(name, known)}"
            )
    typed = {name: _typed(benchmark, name, text, types[name]) for name, text in written.items()}
    return {**typed, **given}


def _typed(benchmark: str, name: str, text: str, kind: Any) -> Any:
    reader = TypeAdapter(kind)
    if text == NOTHING:
        with suppress(ValidationError):  # of a field that cannot be switched off it is a text
            return reader.validate_python(None, strict=True)
    try:
        return reader.validate_strings(text)
    except ValidationError as error:
        why = str(error.errors()[0]["msg"]).replace("Input should", "should")
        raise UserError(f"{benchmark}: option {name}={text}: {why}") from None


def known_options(name: str) -> list[str]:
    """The options that the name of an edition may have, with their defaults."""
    loader = registry.get("benchmark", name)
    found = [f"{one.name}={_written(one.default)}" for one in fields(loader)]
    return [*found, f"{OPTION}={RELEASE}"] if getattr(loader, "prompts", {}) else found


def _written(default: object) -> str:
    if default is None:
        return NOTHING
    return str(default).lower() if isinstance(default, bool) else str(default)
