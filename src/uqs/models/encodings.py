"""Encoded questions kept in memory, because models on one base in one process get the same ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from torch import nn

from uqs.models.vlm import VLM, Encoding
from uqs.records import Sample

MOST = 2**26
"""The most bytes of pictures kept for one model: 64 MiB. Large pictures are soon encoded again."""

_Key = tuple[str, int, str, str, tuple[Sample, ...]]


class _Value(NamedTuple):
    found: Any
    size: int


@dataclass
class _SavedLayer:
    """The encoded questions of one model, most recently used last; `processors` keeps ids unique."""

    values: OrderedDict[_Key, _Value] = field(default_factory=OrderedDict)
    processors: list[object] = field(default_factory=list)
    size: int = 0


_KEPT: WeakKeyDictionary[nn.Module, _SavedLayer] = WeakKeyDictionary()


def encoded(vlm: VLM, samples: Sequence[Sample]) -> Encoding:
    """`vlm.encode(samples)`, from memory if the same base with any adapter has encoded them before."""
    found: Encoding = _kept(vlm, samples, "encoded", lambda: vlm.encode(samples), _size)
    return found


def answer_lengths(vlm: VLM, samples: Sequence[Sample]) -> Sequence[int]:
    """The number of tokens of each right answer without end mark; opens no picture."""
    found: Sequence[int] = _kept(
        vlm, samples, "lengths", lambda: vlm.answer_lengths(samples), lambda one: 8 * len(one)
    )
    return found


def _kept(
    vlm: VLM,
    samples: Sequence[Sample],
    what: str,
    compute: Callable[[], Any],
    size: Callable[[Any], int],
) -> Any:
    kept = _KEPT.setdefault(vlm.plain_model, _SavedLayer())
    if not any(one is vlm.processor for one in kept.processors):
        kept.processors.append(vlm.processor)
    key = (what, id(vlm.processor), type(vlm).__qualname__, vlm.system_prompt, tuple(samples))
    if (value := kept.values.get(key)) is not None:
        kept.values.move_to_end(key)
        return value.found
    found = compute()
    kept.values[key] = value = _Value(found, size(found))
    kept.size += value.size
    while kept.size > MOST:
        _, oldest = kept.values.popitem(last=False)
        kept.size -= oldest.size
    return found


def _size(one: Encoding) -> int:
    """Bytes of its pictures, plus an estimate for its tokens."""
    tokens = sum(map(len, one.prompts)) + sum(map(len, one.answers))
    tokens += sum(len(some) for wrong in one.wrong for some in wrong)
    return 8 * tokens + sum(t.nbytes for shown in one.pictures for t in shown.values())
