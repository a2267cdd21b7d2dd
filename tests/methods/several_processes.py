"""A training run that `torchrun` starts in two processes and test_trainer.py in one."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from PIL import Image

from uqs.methods.base import Method, trainable
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.settings import TrainerSettings
from uqs.methods.streams import Stream
from uqs.methods.trainer import Schedule, train
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.models.tiny_llava import build
from uqs.records import Picture, Sample

COLOURS = ("red", "green", "blue", "pink")


def samples() -> list[Sample]:
    """Questions in text and, longer by the picture's tokens, on pictures; all answers are of one token."""
    found = []
    for i, colour in enumerate(COLOURS):
        blocks = np.random.default_rng(i).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(blocks).save(buffer, "PNG")
        picture = Picture(f"{i}.png", buffer.getvalue())
        found.append(Sample(f"{i}-a", f"{i}", "short", f"Colour {i}?", colour, picture))
        found.append(Sample(f"{i}-b", f"{i}", "short", f"Colour {i}?", colour))
    return found


class Learn(Method):
    """Cross-entropy of a pair, one of which shows a picture; not finite from its third step on."""

    def __init__(self) -> None:
        super().__init__(None)
        self.parts: list[list[int]] = []

    def loss(self, vlm: Any, batches: Any, step: Any) -> Any:
        self.parts.append(list(batches.indices("pair")))
        loss = answer_cross_entropy(vlm, batches["pair"])
        return loss * float("nan") if step.number == 2 else loss


def trained() -> dict[str, Any]:
    vlm = build(["USER", "ASSISTANT", "Colour", *COLOURS], 0)
    attach(vlm, AdapterSettings(r=4, targets="language.all+projector"), seed=0)
    vlm.model.double()
    # a part each of pictures and of text: every batch has one of both
    known = samples()
    streams = {"pair": Stream(vlm.encode([*known[::2], *known[1::2]]), (4, 4), (1, 1))}
    method = Learn()
    settings = TrainerSettings(checks=4)
    generator = torch.Generator().manual_seed(0)
    done = train(vlm, method, streams, Schedule(4, 1e-2), generator, settings)
    return {
        "weights": {name: p.detach() for name, p in trainable(vlm).items()},
        "losses": done.losses[:2],
        "collapse": done.collapse,
        "parts": method.parts,
        "processes": PartialState().num_processes,
    }


if __name__ == "__main__":
    found = trained()
    torch.save(found, Path(sys.argv[1]) / f"{PartialState().process_index}.pt")
