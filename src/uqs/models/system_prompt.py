"""An instruction before every question of a model, stored next to its weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from uqs.errors import DataError

if TYPE_CHECKING:
    from uqs.models.vlm import VLM

FILE = "preamble.json"


def save(vlm: VLM, folder: Path) -> None:
    """Write the model's system prompt, if any, into a checkpoint's folder."""
    if vlm.system_prompt:
        text = json.dumps({"preamble": vlm.system_prompt}, ensure_ascii=False, indent=1)
        (folder / FILE).write_text(text, encoding="utf-8")


def load(vlm: VLM, folder: Path) -> None:
    """Set the model's system prompt from a checkpoint's folder; empty if there is none."""
    vlm.system_prompt = read(folder)


def read(folder: Path) -> str:
    """The system prompt in a checkpoint's folder, empty if none. Raises DataError for a damaged file."""
    file = folder / FILE
    if not file.is_file():
        return ""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))["preamble"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"is not JSON with a system prompt ({error!r})", file=file) from None
    if not isinstance(found, str):
        raise DataError("is not text", file=file, field="preamble")
    return found
