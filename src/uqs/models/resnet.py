"""ResNet, an image classifier. Source: He et al. 2016 (arXiv 1512.03385), as transformers has it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import torch

from uqs.models.image_classifier import ClassifierProcessor, ImageClassifier
from uqs.models.settings import BASES


class ResNet(ImageClassifier):
    """ResNetForImageClassification; the shipped base is tiny, has random weights and Fashion-MNIST's classes.

    `scripts/resnet_base.py` builds it, and others.
    """

    name = "resnet"
    model_types: ClassVar[tuple[str, ...]] = ("resnet",)

    @staticmethod
    def base_folder() -> Path:
        """The shipped base: a plain transformers model folder."""
        return BASES["resnet"]


def build(
    classes: Sequence[str], widths: Sequence[int], depths: Sequence[int], side: int, seed: int
) -> ResNet:
    """A ResNet of basic blocks with random weights from `seed`.

    `widths`, `depths`: channels and blocks of each stage; the first convolution has the width of the first.
    `side`: of the square, in pixels, to which pictures are resized; values are scaled to -1 to 1.
    """
    from transformers import ResNetConfig, ResNetForImageClassification, ViTImageProcessorPil

    config = ResNetConfig(
        num_channels=3,
        embedding_size=widths[0],
        hidden_sizes=list(widths),
        depths=list(depths),
        layer_type="basic",
        id2label=dict(enumerate(classes)),
        label2id={name: i for i, name in enumerate(classes)},
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = ResNetForImageClassification(config)
    half = [0.5, 0.5, 0.5]
    pictures = ViTImageProcessorPil(
        size={"height": side, "width": side}, image_mean=half, image_std=half
    )
    return ResNet(model.eval(), ClassifierProcessor(pictures))
