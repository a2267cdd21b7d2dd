"""Opens tokenizer and picture processor of a model folder, in a way that does not depend on torchvision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from uqs.errors import DataError


def open_processor(kind: str, folder: Path | str, *, local: bool = True) -> Any:
    """The transformers processor class `kind` with the files of a folder, or of a hub id without `local`.

    Pictures are resized by Pillow, because torchvision gives other pixels. The part for videos is left out:
    it needs torchvision. Raises DataError if the installed transformers does not have the class or the
    folder lacks a file.
    """
    import transformers
    from transformers import AutoImageProcessor, AutoTokenizer

    made = getattr(transformers, kind, None)
    if made is None:
        raise DataError(f"the installed transformers has no {kind}", file=str(folder))
    parts = [name for name in made.get_attributes() if "video" not in name]
    plain = type(kind, (made,), {"get_attributes": classmethod(lambda _: parts)})
    given: dict[str, Any] = {"trust_remote_code": False, "local_files_only": local}
    found = []
    try:
        for name in parts:
            if name == "image_processor":
                found.append(AutoImageProcessor.from_pretrained(folder, backend="pil", **given))
            elif name == "tokenizer":
                found.append(AutoTokenizer.from_pretrained(folder, **given))
            else:
                found.append(AutoTokenizer.from_pretrained(folder, subfolder=name, **given))
        about, _ = made.get_processor_dict(folder, local_files_only=local)
        return plain.from_args_and_dict(found, about)  # type: ignore[attr-defined]
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())[:300]
        raise DataError(f"its {kind} cannot be opened ({reason})", file=str(folder)) from error
