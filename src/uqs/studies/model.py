"""The model line of a study file."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from uqs.models.settings import AdapterSettings


class Model(BaseModel):
    """A registered model family and what of it is trained.

    `path`: the base's folder or hub id, where it is not the one that the family ships, and `revision` of the
    hub's. `replay`: a folder of general questions that are mixed into training. `dtype`: of the weights while
    a model is trained. `load_in: 8bit`: linear layers of the base in 8 bits, under an adapter of kind lora
    (4 bits are kind qlora). `attention`: transformers' implementation of it; by default its own choice.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    path: str | None = None
    revision: str | None = None
    replay: str | None = None
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    load_in: Literal["8bit"] | None = None
    attention: Literal["eager", "sdpa", "flash_attention_2"] | None = None
    adapter: AdapterSettings = AdapterSettings()

    def loading(self) -> dict[str, Any]:
        """How the base is loaded, where it is not as by default: then jobs are as without the keys."""
        found = {"dtype": self.dtype, "load_in": self.load_in, "attention": self.attention}
        default = {"dtype": "float32", "load_in": None, "attention": None}
        return {key: value for key, value in found.items() if value != default[key]}
