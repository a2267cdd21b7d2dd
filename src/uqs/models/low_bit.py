"""A base whose linear layers are held in 4 or 8 bits, by bitsandbytes.

4 bits are QLoRA's NF4 with double quantisation (Dettmers et al. 2023, arXiv 2305.14314): weights alone. 8
bits are LLM.int8() (Dettmers et al. 2022, arXiv 2208.07339): activations are rounded too, but for outliers.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import Any

import torch

from uqs.errors import UserError
from uqs.models.settings import LoadIn


def configuration(load_in: LoadIn, dtype: torch.dtype) -> Any:
    """transformers' configuration: arithmetic in `dtype`.

    Raises UserError if bitsandbytes is not installed.
    """
    if find_spec("bitsandbytes") is None:
        raise UserError(
            f"bitsandbytes is not installed; a base in {load_in[0]} bits needs: pip install 'uqs[qlora]'"
        )
    from transformers import BitsAndBytesConfig

    if load_in == "8bit":
        # it tells of every product that its input is rounded from another type than float16
        logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
        return BitsAndBytesConfig(load_in_8bit=True)
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


def held_in(model: Any) -> LoadIn | None:
    """In how few bits the model's linear layers are held; None for plain weights."""
    for load_in in ("4bit", "8bit"):
        if getattr(model, f"is_loaded_in_{load_in}", False):
            return load_in
    return None
