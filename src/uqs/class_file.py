"""A class in a file of the user's, FILE.py:CLASS: found, hashed and loaded."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from uqs.errors import UserError

_NAME = re.compile(r"(?P<path>.*\.py)(:(?P<class_name>\w*))?", re.DOTALL)


class ClassFile(NamedTuple):
    """A class by the path of its file, as the user gave it, and its name."""

    path: Path
    class_name: str

    @classmethod
    def of(cls, name: str) -> ClassFile:
        """The parts of FILE.py:CLASS; UserError where the class is not named."""
        parts = _NAME.fullmatch(name)
        if parts is None or not parts["class_name"]:
            raise UserError(f"{name}: name the class in the file too, as FILE.py:CLASS")
        return cls(Path(parts["path"]), parts["class_name"])

    def read(self) -> bytes:
        """The file's content; UserError where there is none."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            raise UserError(f"{self.path}: no such file") from None
        except OSError as error:
            raise UserError(f"{self.path}: cannot be read ({error.strerror})") from None

    def load(self) -> type:
        """The class; the same one again unless the file changed.

        Raises UserError, with the line where it is known, for what goes wrong while the file is run.
        """
        module = _module(self.path, self.read())
        found = getattr(module, self.class_name, None)
        if not isinstance(found, type):
            classes = [key for key, value in vars(module).items() if _is_of(value, module)]
            held = f"it holds {', '.join(classes)}" if classes else "it holds none"
            raise UserError(f"{self.path}: no class {self.class_name!r}; {held}")
        return found


def is_file(name: str) -> bool:
    """Whether a name has the form of a file, with or without a class, and not that of a registered one."""
    return _NAME.fullmatch(name) is not None


def file_hash(name: str) -> str:
    """SHA-256 of the file in FILE.py:CLASS, 64 hex digits; UserError where there is none."""
    return hashlib.sha256(ClassFile.of(name).read()).hexdigest()


def _module(shown: Path, source: bytes) -> ModuleType:
    """The module of a file, under a private name that follows from its place and content."""
    path = shown.resolve()
    name = f"_uqs_file_{hashlib.sha256(bytes(path) + source).hexdigest()[:32]}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # before it runs: dataclasses and pydantic look their own module up
    try:
        # not by importlib's loader, which would write bytecode beside the user's file
        exec(compile(source, path, "exec"), vars(module))  # noqa: S102
    except BaseException as error:
        del sys.modules[name]
        if not isinstance(error, Exception):
            raise
        raise UserError(f"{shown}{_line(error, path)}: {type(error).__name__}: {error}") from error
    return module


def _line(error: Exception, path: Path) -> str:
    """Where in the file an error arose, as far as that is known."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f", line {error.lineno}"
    lines = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return f", line {lines[-1]}" if lines else ""


def _is_of(value: object, module: ModuleType) -> bool:
    return isinstance(value, type) and value.__module__ == module.__name__
