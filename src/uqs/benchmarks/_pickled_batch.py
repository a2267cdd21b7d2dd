"""A batch of CIFAR's Python archive, read without unpickling: nothing that it names is imported or called.

The files are pickles of protocol 2 from Python 2: a dictionary with a list of labels and one array of bytes.
Only the opcodes of such a file are known here, and they build lists, texts, numbers and that array.
Source of the layout: www.cs.toronto.edu/~kriz/cifar.html; of the opcodes: Python's `pickletools`.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uqs.benchmarks import _folders
from uqs.errors import DataError

_MOST = 64_000_000
"""More bytes than a batch has, which are 31 million."""
_VALUES = frozenset(
    {"BININT", "BININT1", "BININT2", "SHORT_BINSTRING", "BINSTRING", "BINUNICODE", "SHORT_BINBYTES"}
    | {"BINBYTES", "LONG1"}
)
_CONSTANTS: Mapping[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_ARRAY, _KIND = "_reconstruct", "dtype"
_NAMED: Mapping[str, str] = {
    "numpy.core.multiarray _reconstruct": _ARRAY,
    "numpy._core.multiarray _reconstruct": _ARRAY,
    "numpy ndarray": "ndarray",
    "numpy dtype": _KIND,
}
"""What such a file names, by what stands for it here: words, no functions."""


class _RefusedError(Exception):
    """What a batch does not have."""


@dataclass(frozen=True)
class _Named:
    """What a file names."""

    word: str


@dataclass
class _Kind:
    """An array's type, by its code."""

    code: object


@dataclass
class _Array:
    """An array, and what says how it is read."""

    state: object = None

    def values(self) -> NDArray[np.uint8]:
        """The bytes of it, in their shape."""
        match self.state:
            case (_, tuple() as shape, _Kind(code="u1"), False, (str() | bytes()) as data):
                raw = data.encode("latin-1") if isinstance(data, str) else data
                return np.frombuffer(raw, dtype=np.uint8).reshape(shape)
        raise _RefusedError("its array does not hold plain bytes")


def read_batch(file: Path) -> Mapping[str, object]:
    """The dictionary of a batch: numbers, texts, lists, and arrays of bytes. DataError for any other file."""
    try:
        size = file.stat().st_size
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", file=file) from None
    if size > _MOST:
        raise DataError(f"has {size} bytes, more than a batch", file=file)
    data = _folders.read_bytes(file)
    try:
        found = _Machine().run(data)
        if not isinstance(found, dict):
            raise _RefusedError("it is no dictionary")
        return {
            _text(key): value.values() if isinstance(value, _Array) else value
            for key, value in found.items()
        }
    except (_RefusedError, ValueError, TypeError, KeyError, IndexError, ArithmeticError) as error:
        problem = error if isinstance(error, _RefusedError) else "damaged"
        raise DataError(f"is no batch of the Python archive ({problem})", file=file) from None


def _text(key: object) -> str:
    if isinstance(key, bytes):
        return key.decode("latin-1")
    if not isinstance(key, str):
        raise _RefusedError("a key is no text")
    return key


_MARK = object()


class _Machine:
    """The stack and the memory of a pickle, without its calls."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memory: dict[object, Any] = {}
        self.does: Mapping[str, Callable[[Any], None]] = {
            "PROTO": lambda _: None,
            "MARK": lambda _: self.stack.append(_MARK),
            "EMPTY_DICT": lambda _: self.stack.append({}),
            "EMPTY_LIST": lambda _: self.stack.append([]),
            "EMPTY_TUPLE": lambda _: self.stack.append(()),
            "TUPLE": lambda _: self.stack.append(tuple(self._since_mark())),
            "TUPLE1": lambda _: self._tuple(1),
            "TUPLE2": lambda _: self._tuple(2),
            "TUPLE3": lambda _: self._tuple(3),
            "BINPUT": self._put,
            "LONG_BINPUT": self._put,
            "BINGET": lambda at: self.stack.append(self.memory[at]),
            "LONG_BINGET": lambda at: self.stack.append(self.memory[at]),
            "APPEND": lambda _: self._extend([self.stack.pop()]),
            "APPENDS": lambda _: self._extend(self._since_mark()),
            "SETITEM": lambda _: self._set([self.stack.pop() for _ in range(2)][::-1]),
            "SETITEMS": lambda _: self._set(self._since_mark()),
            "GLOBAL": self._name,
            "REDUCE": lambda _: self._reduce(),
            "BUILD": lambda _: self._build(),
        }

    def run(self, data: bytes) -> object:
        for opcode, value, _ in pickletools.genops(data):
            if opcode.name == "STOP":
                break
            if opcode.name in _VALUES:
                self.stack.append(value)
            elif opcode.name in _CONSTANTS:
                self.stack.append(_CONSTANTS[opcode.name])
            elif opcode.name in self.does:
                self.does[opcode.name](value)
            else:
                raise _RefusedError(f"{opcode.name} is not used by one")
        (found,) = self.stack
        return found

    def _since_mark(self) -> list[Any]:
        found: list[Any] = []
        while (top := self.stack.pop()) is not _MARK:
            found.append(top)
        return found[::-1]

    def _tuple(self, size: int) -> None:
        self.stack[-size:] = [tuple(self.stack[-size:])]

    def _put(self, at: object) -> None:
        self.memory[at] = self.stack[-1]

    def _extend(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise _RefusedError("something is appended to what is no list")
        self.stack[-1].extend(items)

    def _set(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], dict):
            raise _RefusedError("something is set in what is no dictionary")
        self.stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def _name(self, name: str) -> None:
        if name not in _NAMED:
            raise _RefusedError(f"it names {name.replace(' ', '.')[:60]!r}, which is not called")
        self.stack.append(_Named(_NAMED[name]))

    def _reduce(self) -> None:
        given, what = self.stack.pop(), self.stack.pop()
        match what, given:
            case _Named(word="_reconstruct"), (_Named(word="ndarray"), *_):
                self.stack.append(_Array())
            case _Named(word="dtype"), (code, *_):
                self.stack.append(_Kind(code.decode() if isinstance(code, bytes) else code))
            case _:
                raise _RefusedError("it calls something else than an array and its type")

    def _build(self) -> None:
        state, what = self.stack.pop(), self.stack[-1]
        if isinstance(what, _Array):
            what.state = state
        elif not isinstance(what, _Kind):
            raise _RefusedError("it builds something else than an array and its type")
