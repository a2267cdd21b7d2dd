"""UQS: how far the numbers that say a vision-language model forgot can be trusted."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uqs.evaluation.run import measure

__all__ = ["__version__", "measure"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`uqs.measure` needs the training extra, and loads it only when it is asked for."""
    if name == "measure":
        return import_module("uqs.evaluation.run").measure
    raise AttributeError(f"module 'uqs' has no attribute {name!r}")
