"""A base in 4 bits, as in QLoRA. Source: Dettmers et al. 2023 (arXiv 2305.14314)."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch

from uqs.errors import UserError


def nf4(dtype: torch.dtype) -> Any:
    """transformers' configuration: NF4 with double quantisation, arithmetic in `dtype`.

    Raises UserError if bitsandbytes is not installed.
    """
    if find_spec("bitsandbytes") is None:
        raise UserError(
            "bitsandbytes is not installed; a base in 4 bits (adapter kind qlora) needs: "
            "pip install 'uqs[qlora]'"
        )
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def keep_trainable(model: Any) -> None:
    """Never repack weights for inference.

    On a CPU with AVX512-BF16, bitsandbytes 0.50 repacks them in the first forward pass outside training, and
    gradients then no longer pass through such a layer.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def unpack(model: Any) -> None:
    """Replace the 4-bit weights of linear layers by plain weights with exactly their values, in place."""
    model.dequantize()
    model.is_loaded_in_4bit = False


def is_four_bit(model: Any) -> bool:
    """Whether the model's linear layers are in 4 bits."""
    return bool(getattr(model, "is_loaded_in_4bit", False))
