"""What decides the numbers of a computation beside its data: our code's version and the libraries'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

Computation = Literal[
    "training", "unlearning", "tracing", "interventions", "shadows", "gates", "measuring"
]

# Raise a number when its code gives other values for the same input: what depends on it is then made again.
CODE: Mapping[Computation, int] = {
    "training": 3,
    "unlearning": 4,
    "tracing": 6,
    "interventions": 3,
    "shadows": 1,
    "gates": 5,
    "measuring": 6,
}
_MODELS = ("torch", "transformers", "peft")
_PICTURES = ("pillow", "torchvision", "tokenizers")
LIBRARIES: Mapping[Computation, tuple[str, ...]] = {
    "training": (*_MODELS, *_PICTURES, "accelerate"),
    "unlearning": (*_MODELS, *_PICTURES, "accelerate"),
    "tracing": (*_MODELS, *_PICTURES),
    "interventions": (*_MODELS, *_PICTURES),
    "shadows": (),
    "gates": ("numpy", "scipy", "rouge-score"),
    "measuring": ("numpy", "scipy", "scikit-learn", "rouge-score"),
}


def described(computations: Iterable[Computation]) -> dict[str, Any]:
    """Code and library versions of some computations, JSON-able, for the keys of what they make.

    A library that is not installed is left out: its absence can decide a number too (torchvision scales
    pictures where it is there).
    """
    names = sorted(set(computations))
    wanted = sorted({library for name in names for library in LIBRARIES[name]})
    return {
        "code": {name: CODE[name] for name in names},
        "libraries": {name: found for name in wanted if (found := installed(name)) is not None},
    }


@cache
def installed(library: str) -> str | None:
    """The installed version of a library, or None."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None
