"""Facts about models without loading them: adapter settings and shipped bases; imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

LoadIn = Literal["4bit", "8bit"]
"""How few bits the weights of linear layers may have in memory (`low_bit`)."""
BASES: Mapping[str, Path] = {
    "tiny_llava": Path(__file__).with_name("tiny_llava_base"),
    "resnet": Path(__file__).with_name("tiny_resnet_base"),
}
CLASSIFIERS = frozenset({"image_classifier", "resnet"})
"""The families that name the class of a picture, and write no text."""


class AdapterSettings(BaseModel):
    """`targets`: a named set of layers of the model family. `qlora` is `lora` on a base in 4 bits, which
    needs bitsandbytes. `full` trains every weight and ignores r, alpha and dropout."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: Literal["lora", "qlora", "full"] = "lora"
    r: Annotated[int, Field(gt=0)] = 16
    alpha: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 32.0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    targets: str = "language.attention"

    def content(self) -> dict[str, Any]:
        """The settings; dropout only if there is any, so that jobs without it are as before."""
        found = self.model_dump()
        return found if self.dropout else {k: v for k, v in found.items() if k != "dropout"}
