"""Loads tokenizers and picture processors, so that a picture has the same values everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from uqs.errors import DataError, UserError
from uqs.models.opening import one_line

CONFIG = "config.json"
_PICTURES = ("preprocessor_config.json", "processor_config.json")
_TOKENS = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json")
_NEEDED = {"picture processor": _PICTURES, "tokenizer": _TOKENS}


def processor(kind: str, folder: Path | str, *, local: bool) -> Any:
    """The transformers processor class `kind` with the files of a folder, or of a hub id without `local`.

    The part for videos is left out: it needs torchvision. Raises DataError if the installed transformers does
    not have the class.
    """
    import transformers
    from transformers import AutoTokenizer

    made = getattr(transformers, kind, None)
    if made is None:
        raise DataError(f"the installed transformers has no {kind}", file=str(folder))
    names = [name for name in made.get_attributes() if "video" not in name]
    plain = type(kind, (made,), {"get_attributes": classmethod(lambda _: names)})
    parts = []
    for name in names:
        if name == "image_processor":
            parts.append(picture_processor(folder, local=local))
        else:  # a second tokenizer is in a folder of its own
            inside = {} if name == "tokenizer" else {"subfolder": name}
            parts.append(
                AutoTokenizer.from_pretrained(
                    folder, trust_remote_code=False, local_files_only=local, **inside
                )
            )
    about, _ = made.get_processor_dict(folder, local_files_only=local)
    return plain.from_args_and_dict(parts, about)  # type: ignore[attr-defined]


def picture_processor(folder: Path | str, *, local: bool) -> Any:
    """The picture processor of a folder, which resizes by Pillow.

    transformers would choose torchvision where it is installed, which gives other pixels.
    """
    from transformers import AutoImageProcessor

    return AutoImageProcessor.from_pretrained(
        folder, backend="pil", trust_remote_code=False, local_files_only=local
    )


def opened(load: Callable[..., Any], folder: Path | str, *, local: bool) -> Any:
    """What `load(folder, local=local)` returns. Raises DataError in one line if the files do not give it."""
    try:
        return load(folder, local=local)
    except UserError:
        raise
    except Exception as error:  # errors of several libraries
        raise DataError(
            f"{_lacking(Path(folder)) or 'its tokenizer and picture processor cannot be loaded'} "
            f"({one_line(error)}); --processor names another folder with both",
            file=Path(folder),
        ) from error


def _lacking(folder: Path) -> str | None:
    """Which part of a processor a folder has no file for."""
    for part, names in _NEEDED.items():
        if folder.is_dir() and not any((folder / name).is_file() for name in names):
            return f"holds no {part}: none of {', '.join(names)}"
    return None


def check_mark(processor: Any, model: Any, folder: Path) -> None:
    """Raise DataError if the processor marks pictures by another token than the model looks for."""
    wanted = getattr(model.config, "image_token_id", None)
    mark = getattr(processor, "image_token", None)
    if wanted is None or mark is None:
        return
    tokenizer = processor.tokenizer
    found = tokenizer.convert_tokens_to_ids(str(mark))
    # a prompt may mark a picture by another token than the one that its states replace
    if wanted not in (found, getattr(tokenizer, "image_token_id", None)):
        raise DataError(
            f"is the processor of another model: its mark of a picture, {str(mark)!r}, is token {found}, and "
            f"the model's is {wanted}",
            file=folder,
        )
