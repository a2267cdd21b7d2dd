"""Checks that the packages of the training extra are installed; imports none of them."""

from __future__ import annotations

from importlib.util import find_spec

from uqs.errors import UserError

PACKAGES = ("torch", "transformers", "peft", "safetensors")


def require_training_extra(task: str) -> None:
    """Raise UserError with the install command if a package that `task` needs is missing."""
    for name in PACKAGES:
        if find_spec(name) is None:
            raise UserError(f"{name} is not installed; {task} needs: pip install 'uqs[run]'")
