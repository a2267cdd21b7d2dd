"""Fingerprints that show whether a model in memory has changed, bit for bit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

WORDS = 1 << 16
"""Number of 64-bit words that are summed to one."""


def fingerprint(model: nn.Module) -> str:
    """A hash of the modules, parameters and buffers of a model, 32 hex digits; two models with the same hash
    compute the same.

    It reads every byte, because version counters miss changes made through `.data`, and PEFT rewrites a base
    that way. Each block of `WORDS` 64-bit words becomes one number, their sum modulo 2**64 with odd random
    factors. A change of a single word always changes it; a change of several words goes unnoticed with a
    probability of about 2**-63. These numbers are hashed with names, types, shapes, hooks and sharing. This
    is several times as fast as hashing all bytes, and on a GPU only the sums leave the device.
    """
    digest = hashlib.blake2b(digest_size=16)
    for line in _structure(model):
        digest.update(f"{line}\n".encode())
    seen: dict[tuple[Any, ...], str] = {}
    for name, tensor in _tensors(model):
        place = (tensor.data_ptr(), tensor.device, tensor.dtype, tensor.shape, tensor.stride())
        first = seen.setdefault(place, name)
        about = f"{name} {tensor.dtype} {tuple(tensor.shape)} {tensor.stride()} {first}\n"
        digest.update(about.encode())
        if first == name:
            digest.update(sums(tensor))
    return digest.hexdigest()


def sums(tensor: Tensor) -> bytes:
    """The block sums of a tensor's bytes, and the last bytes if they are not a whole word."""
    flat = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
    whole = len(flat) - len(flat) % 8
    rest = flat[whole:].cpu().numpy().tobytes()
    if flat.device.type == "cpu":
        return _by_numpy(flat[:whole].numpy().view(np.uint64)) + rest
    return _by_torch(flat[:whole].view(torch.int64)) + rest


def _by_numpy(words: NDArray[np.uint64]) -> bytes:
    run = len(_FACTORS)
    rows = len(words) // run
    body, tail = words[: rows * run].reshape(rows, run), words[rows * run :]
    found: NDArray[np.uint64] = np.append(body @ _FACTORS, tail @ _FACTORS[: len(tail)])
    return found.tobytes()


def _by_torch(words: Tensor) -> bytes:
    factors = torch.from_numpy(_FACTORS.view(np.int64)).to(words.device)
    found = [(part * factors[: len(part)]).sum() for part in words.split(len(factors))]
    if len(words) and len(words) % len(factors) == 0:
        found.append(words.new_zeros(()))  # the empty tail
    return torch.stack(found).cpu().numpy().tobytes()


def _factors() -> NDArray[np.uint64]:
    drawn = np.random.default_rng(0).integers(0, 1 << 63, WORDS, dtype=np.uint64)
    odd: NDArray[np.uint64] = (drawn << np.uint64(1)) | np.uint64(1)
    return odd


_FACTORS = _factors()


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters(remove_duplicate=False)
    yield from model.named_buffers(remove_duplicate=False)


RECORDERS = "transformers.utils.output_capturing"
"""The module of hooks that a first pass attaches to record hidden states; they change nothing."""


def records(hook: Any) -> bool:
    """Whether a hook only records."""
    return getattr(hook, "__module__", None) == RECORDERS


def _structure(model: nn.Module) -> Iterator[str]:
    """One line per module: its name, its type, and attached hooks that change what it computes."""
    for name, module in model.named_modules(remove_duplicate=False):
        hung = (
            len([one for one in module._forward_hooks.values() if not records(one)]),
            len(module._forward_pre_hooks),
            len(module._backward_hooks),
            "forward" in vars(module),
            module.training,
        )
        yield f"{name} {type(module).__module__}.{type(module).__qualname__} {hung}"
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if parameter.requires_grad:
            yield name
