"""How a model is traced; imports no torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(gt=0)]


class TraceSettings(BaseModel):
    """What is kept of a pass, and how it is run.

    These settings decide a trace's content. `max_new_tokens`: limit of greedy answers. `top_k`: the number of
    likeliest tokens kept per answer position; whole distributions are kept if the vocabulary has at most
    `whole_vocabulary` tokens. `layers`: the layers whose activations are kept, as hidden states counted from
    the end (-1 is the last); by default those at a quarter, half and three quarters, and the last two.

    The others do not: at most `batch_size` rows and `batch_tokens` padded prompt tokens per batch, `window`
    batches encoded at a time, `workers` threads that encode ahead, and the side of a prompt's `padding`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    max_new_tokens: Count = 32
    top_k: Count = 100
    whole_vocabulary: Annotated[int, Field(ge=0)] = 4096
    layers: tuple[Annotated[int, Field(lt=0)], ...] | None = None
    batch_size: Count = 64
    batch_tokens: Count = 65536
    window: Count = 4
    workers: Annotated[int, Field(ge=0)] = 0
    padding: Literal["left", "right"] = "left"

    def content(self) -> dict[str, Any]:
        """The settings that decide a trace's content."""
        return self.model_dump(
            mode="json", include={"max_new_tokens", "top_k", "whole_vocabulary", "layers"}
        )

    def layers_of(self, hidden_states: int) -> tuple[int, ...]:
        """The layers to keep for a model with this many hidden states (with embeddings), last one first."""
        if self.layers is not None:
            if -min(self.layers) > hidden_states:
                raise ValueError(
                    f"layer {min(self.layers)}, but there are only {hidden_states} hidden states"
                )
            return tuple(sorted(set(self.layers), reverse=True))
        blocks = hidden_states - 1
        parts = {round(blocks * share) - hidden_states for share in (0.25, 0.5, 0.75)}
        return tuple(sorted({-1, -2} | parts, reverse=True))
