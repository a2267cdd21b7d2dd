"""The family of a model folder, and the families that a study can train; imports torch only if needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from uqs import registry
from uqs.errors import DataError, UserError
from uqs.models.settings import BASES

if TYPE_CHECKING:
    from uqs.models.vlm import VLM

CONFIG = "config.json"


def family_of(folder: Path | str, local: bool = True) -> type[VLM]:
    """The registered family that declares the `model_type` of a folder's configuration, or one by convention.

    `generic` takes other types that transformers opens by its image-text-to-text class, `image_classifier`
    those that it opens by its image classification class. Without
    `local`, `folder` may be a hub id. Raises DataError if there is no configuration, or no family for
    it.
    """
    from transformers import PreTrainedConfig

    file = f"{folder}/{CONFIG}"
    try:
        config, _ = PreTrainedConfig.get_config_dict(folder, local_files_only=local)
    except (OSError, ValueError) as error:
        first = str(error).strip().partition("\n")[0]
        raise DataError(f"no model configuration can be read ({first})", file=file) from error
    if not config:
        raise DataError("there is no model configuration", file=file)
    known = _by_model_type()
    found = config.get("model_type")
    if found not in known:
        from transformers.models.auto.modeling_auto import (
            MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES as CLASSIFIERS,
        )
        from transformers.models.auto.modeling_auto import (
            MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as BY_CONVENTION,
        )

        for kinds, name in ((BY_CONVENTION, "generic"), (CLASSIFIERS, "image_classifier")):
            if found in kinds:
                family: type[VLM] = registry.get("model", name)
                return family
        raise DataError(
            f"no model family serves {found!r}; known: {', '.join(sorted(known))}",
            file=file,
            field="model_type",
        )
    return known[found]


def base_folder(name: str) -> Path:
    """The base that a family ships for studies to train. Raises UserError if it ships none."""
    if name in BASES:
        return BASES[name]
    family = registry.get("model", name)
    if not hasattr(family, "base_folder"):
        raise UserError(
            f"model family {name!r} ships no base that a study could train, it serves only checkpoints; "
            f"built in with a base: {', '.join(BASES)}"
        )
    folder: Path = family.base_folder()
    return folder


def _by_model_type() -> dict[str, type[VLM]]:
    """Families by the types that they declare themselves; inherited types belong to the parent."""
    families = [registry.get("model", name) for name in registry.names("model")]
    return {kind: one for one in families for kind in vars(one).get("model_types", ())}
