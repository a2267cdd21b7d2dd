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

BLOCK = 64
"""Weights that share a scale in 4 bits; bitsandbytes' default."""


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


def check_reading(model: Any) -> None:
    """Raise UserError if bitsandbytes misreads a layer of the model in 4 bits.

    With AVX-512 on the CPU, bitsandbytes 0.49 and 0.50 take values of other blocks where a row is not made of
    whole blocks of 64, and say nothing. So this is tried, on a small weight, where there is such a layer.
    """
    odd = [
        name
        for name, module in model.named_modules()
        if type(module).__name__ == "Linear4bit"
        and module.in_features % BLOCK
        and module.weight.device.type == "cpu"
    ]
    if odd and not reads_any_width():
        raise UserError(
            "bitsandbytes misreads 4-bit weights on this CPU in layers whose width is no multiple of "
            f"{BLOCK} ({odd[0]} and {len(odd) - 1} more); use a GPU, or load the base in full"
        )


def reads_any_width() -> bool:
    """Whether 4-bit weights come back on the CPU where a row is one block and a half."""
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    weight = torch.linspace(-1, 1, 3 * BLOCK).view(2, -1)
    packed, state = quantize_4bit(weight, blocksize=BLOCK, quant_type="nf4")
    return bool((dequantize_4bit(packed, state) - weight).abs().max() < 0.2)


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
