"""A training run that this script makes in two processes, told of each other as by `torchrun`, and
test_several_processes.py in one."""

from __future__ import annotations

import io
import multiprocessing
import os
import socket
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

PATIENCE = 240  # seconds


def samples() -> list[Sample]:
    """A question in text and one on a picture, longer by its tokens; both answers are of one token."""
    blocks = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(blocks).save(buffer, "PNG")
    picture = Picture("thing.png", buffer.getvalue())
    return [
        Sample("text", "1", "short", "Colour?", "red"),
        Sample("picture", "2", "short", "Colour?", "blue", picture),
    ]


class Learn(Method):
    """Cross-entropy of a pair, one of which shows a picture; not finite from its fourth step on."""

    def __init__(self) -> None:
        super().__init__(None)
        self.parts: list[list[int]] = []
        self.gradients: list[dict[str, Any]] = []

    def loss(self, vlm: Any, batches: Any, step: Any) -> Any:
        self.parts.append(list(batches.indices("pair")))
        loss = answer_cross_entropy(vlm, batches["pair"])
        return loss * float("nan") if step.number == 3 else loss

    def edit_gradients(self, vlm: Any) -> None:
        self.gradients.append({name: p.grad.clone() for name, p in trainable(vlm).items()})


def trained() -> dict[str, Any]:
    vlm = build(["USER", "ASSISTANT", "Colour", "red", "blue"], 0)
    attach(vlm, AdapterSettings(r=4, targets="language.all+projector"), seed=0)
    vlm.model.double()
    streams = {"pair": Stream.of(vlm.encode(samples()), 2)}
    method = Learn()
    settings = TrainerSettings(checks=5)
    generator = torch.Generator().manual_seed(0)
    done = train(vlm, method, streams, Schedule(5, 1e-2), generator, settings)
    return {
        "weights": {name: p.detach() for name, p in trainable(vlm).items()},
        "losses": done.losses[:3],
        "gradients": method.gradients,
        "collapse": done.collapse,
        "parts": method.parts,
        "processes": PartialState().num_processes,
    }


def one_of_two(rank: int, port: int, folder: Path) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    os.environ |= {"LOCAL_WORLD_SIZE": "2", "RANK": str(rank), "LOCAL_RANK": str(rank)}
    torch.save(trained(), folder / f"{rank}.pt")


def main(folder: Path) -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("fork")  # what is imported is imported once
    both = [context.Process(target=one_of_two, args=(rank, port, folder)) for rank in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(PATIENCE)
        process.kill()  # one that waits for the other for ever
        process.join()
    return max(abs(process.exitcode or 0) for process in both)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
