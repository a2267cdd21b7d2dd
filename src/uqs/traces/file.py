"""The trace file: numbers in `<split>.safetensors`, words in `<split>.json`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from uqs.errors import DataError
from uqs.traces.trace import Trace

FORMAT = 1
WORDS = ("ids", "entities", "tasks", "golds", "answers")


def write_trace(trace: Trace, folder: Path) -> None:
    """Write both files into `folder`."""
    arrays = {
        "offsets": trace.offsets,
        "gold_ids": trace.gold_ids,
        "log_probs": trace.log_probs,
        **{f"activations.{layer}": values for layer, values in trace.activations.items()},
    }
    contiguous = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
    save_file(contiguous, folder / f"{trace.split}.safetensors")
    words = {
        "format": FORMAT,
        "split": trace.split,
        **{name: getattr(trace, name) for name in WORDS},
    }
    (folder / f"{trace.split}.json").write_text(json.dumps(words, ensure_ascii=False, indent=0))


def read_trace(folder: Path, split: str) -> Trace:
    """Read a split's trace. Raises DataError where a file is missing, damaged or of another format."""
    words_file, numbers_file = folder / f"{split}.json", folder / f"{split}.safetensors"
    try:
        words = json.loads(words_file.read_text())
    except FileNotFoundError:
        raise DataError("no such trace", file=words_file) from None
    except ValueError as error:
        raise DataError(f"is no JSON ({error})", file=words_file) from None
    if words.get("format") != FORMAT:
        raise DataError(f"{words.get('format')!r} is not {FORMAT}", file=words_file, field="format")
    try:
        arrays = load_file(numbers_file)
    except FileNotFoundError:
        raise DataError("no such trace", file=numbers_file) from None
    except SafetensorError as error:
        raise DataError(f"is no readable safetensors file ({error})", file=numbers_file) from None
    prefix = "activations."
    try:
        return Trace(
            split=split,
            ids=tuple(words["ids"]),
            entities=tuple(words["entities"]),
            tasks=tuple(words["tasks"]),
            golds=tuple(words["golds"]),
            answers=tuple(words["answers"]),
            offsets=arrays["offsets"],
            gold_ids=arrays["gold_ids"],
            log_probs=arrays["log_probs"],
            activations={
                int(name.removeprefix(prefix)): values
                for name, values in arrays.items()
                if name.startswith(prefix)
            },
        )
    except KeyError as error:
        raise DataError("missing", file=folder / split, field=str(error.args[0])) from None
    except ValueError as error:
        raise DataError(str(error), file=folder / split) from None


def splits(folder: Path) -> list[str]:
    """The splits that a folder holds traces of, sorted."""
    return sorted(path.stem for path in folder.glob("*.safetensors"))
