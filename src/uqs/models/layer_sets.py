"""Named sets of layers for adapters, from where a family has its language layers and its connector."""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGE = r"language_model\.layers"
"""Where most families have the language layers, as a pattern of module names."""


def layer_sets(language: str, connector: str | None = None) -> Mapping[str, str]:
    """Patterns of module names by the name of the set.

    `language`: the stack of language layers, with the parts of a LLaMA layer. `connector`: the layers that
    turn picture features into language states; without one there is no set that has it.
    """
    own = rf"{language}\.\d+\.(self_attn\.[qkvo]|mlp\.(gate|up|down))_proj"
    found = {
        "language.attention": rf".*{language}\.\d+\.self_attn\.[qkvo]_proj",
        "language.all": rf".*{own}",
    }
    if connector is not None:
        found["language.all+projector"] = rf".*({own}|{connector})"
    return found
