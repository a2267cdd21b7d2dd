"""Build the base of the image classifiers: a ResNet from its configuration, with random weights.

python scripts/resnet_base.py tiny fashion_mnist src/uqs/models/tiny_resnet_base
python scripts/resnet_base.py resnet18 cifar10 bases/resnet18_cifar10
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from uqs.benchmarks import cifar10, fashion_mnist
from uqs.models.resnet import build

SEED = 0
CLASSES: Mapping[str, Sequence[str]] = {
    "cifar10": cifar10.CLASSES,
    "fashion_mnist": fashion_mnist.CLASSES,
}


class Shape(NamedTuple):
    """Channels and blocks of each stage, and the side of pictures in pixels.

    transformers' ResNet halves a picture twice before its first stage, so that small ones are enlarged.
    """

    widths: Sequence[int]
    depths: Sequence[int]
    side: int


SHAPES: Mapping[str, Shape] = {
    "tiny": Shape((16, 32, 64), (1, 1, 1), 32),
    "resnet18": Shape((64, 128, 256, 512), (2, 2, 2, 2), 64),
}


def main(shape: str, classes: str, out: Path) -> None:
    """Write the model and its picture processor into the folder `out`."""
    made = build(CLASSES[classes], *SHAPES[shape], seed=SEED)
    made.model.save_pretrained(out)
    made.processor.image_processor.save_pretrained(out)
    print(f"{out}: {sum(p.numel() for p in made.model.parameters()):,} weights")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
