"""Pretrain the tiny LLaVA base and write it into the package.

    python scripts/pretrain_base.py [--steps 5000] [--seed 0] [--out src/uqs/models/tiny_llava_base]

Two stages, both on people, pictures and wordings that no benchmark uses (src/uqs/models/corpus):
the vision tower learns to tell pictures apart under shifts and changes of colour; then projector and
language model learn the corpus's questions, to choose among options, and to repeat words.
"""

from __future__ import annotations

import argparse
import io
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from uqs.methods.losses import answer_cross_entropy
from uqs.methods.streams import WINDOW
from uqs.models import corpus
from uqs.models.tiny_llava import TinyLlava, build
from uqs.models.vlm import VLM, Batch
from uqs.records import LETTERS, Picture, Sample

REPORT_EVERY = 200
TEMPERATURE = 0.1


def pictures(samples: list[Sample]) -> list[Picture]:
    """All distinct pictures of the corpus, labelled or not."""
    table = pq.read_table(corpus.FOLDER / "pictures.parquet", columns=["image"])
    images = [row["image"] for row in table.to_pylist()]
    found = {image["path"]: Picture(image["path"], image["bytes"]) for image in images}
    found |= {s.picture.name: s.picture for s in samples if s.picture is not None}
    return [found[name] for name in sorted(found)]


def augment(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Shift by up to 3 pixels, scale and offset each colour, add noise."""
    count, _, height, width = pixels.shape
    padded = torch.nn.functional.pad(pixels, (3, 3, 3, 3), mode="replicate")
    shifts = torch.randint(0, 7, (count, 2), generator=generator)
    shifted = torch.stack(
        [
            picture[:, y : y + height, x : x + width]
            for picture, (y, x) in zip(padded, shifts.tolist(), strict=True)
        ]
    )
    scale = 1 + 0.2 * torch.randn(count, 3, 1, 1, generator=generator)
    offset = 0.2 * torch.randn(count, 3, 1, 1, generator=generator)
    noise = 0.1 * torch.randn(shifted.shape, generator=generator)
    return shifted * scale + offset + noise


def pretrain_vision(vlm: VLM, pixels: Tensor, steps: int, generator: torch.Generator) -> None:
    """Contrast two views of each picture with all others (InfoNCE) on its patches."""
    tower = vlm.model.model.vision_tower
    config = vlm.model.config.vision_config
    with torch.random.fork_rng():
        torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
        head = torch.nn.Linear(
            config.hidden_size * (config.image_size // config.patch_size) ** 2, 128
        )
    parameters = [*tower.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.01, fused=True)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps)
    for step in range(steps):
        rows = torch.randperm(len(pixels), generator=generator)[:192]
        views = torch.cat([augment(pixels[rows], generator) for _ in range(2)])
        hidden = tower(views).last_hidden_state[:, 1:].flatten(1)
        first, second = normalize(head(hidden - hidden.mean(0)), dim=1).chunk(2)
        likeness, same = first @ second.T / TEMPERATURE, torch.arange(len(rows))
        loss = (cross_entropy(likeness, same) + cross_entropy(likeness.T, same)) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rates.step()
        if step % REPORT_EVERY == 0 or step == steps - 1:
            print(f"vision {step}: loss {loss.item():.3f}", flush=True)


@torch.no_grad()
def whiten_projector(vlm: VLM, pixels: Tensor, generator: torch.Generator) -> None:
    """Start the projector so that what tells pictures apart is as large as their common part.

    The tower's output has no normalisation: its mean over pictures is many times its spread, and a projector
    with ordinary random weights hands the language model nearly the same tokens for all pictures.
    """
    hidden = vlm.model.model.vision_tower(pixels).last_hidden_state[:, 1:].flatten(0, 1)
    mean, covariance = hidden.mean(0), torch.cov(hidden.T)
    values, vectors = torch.linalg.eigh(covariance)
    whitening = vectors @ torch.diag((values + 1e-3 * values.max()).rsqrt()) @ vectors.T
    projector = vlm.model.model.multi_modal_projector
    outer, inner = projector.linear_1.weight.shape
    turn = (
        torch.linalg.qr(torch.randn(outer, inner, generator=generator)).Q * (outer / inner) ** 0.5
    )
    projector.linear_1.weight.copy_(turn @ whitening)
    projector.linear_1.bias.copy_(-turn @ whitening @ mean)
    projector.linear_2.weight.copy_(
        torch.randn(projector.linear_2.weight.shape, generator=generator) / outer
    )
    projector.linear_2.bias.zero_()


class Lessons:
    """Draws training samples: the corpus, choices among random options, and repeating words."""

    def __init__(self, samples: list[Sample], words: list[str], rng: np.random.Generator) -> None:
        self.samples, self.words, self.rng = samples, words, rng
        answers: dict[str, set[str]] = defaultdict(set)
        for s in samples:
            if s.task != "classification":
                answers[s.question].add(s.answer)
        self.pools = {q: sorted(a) for q, a in answers.items() if len(a) >= 4}
        self.choosable = [
            s for s in samples if s.question in self.pools and s.task != "classification"
        ]
        self.phrases = sorted({s.answer for s in samples if s.task != "classification"})

    def draw(self, count: int) -> list[Sample]:
        kinds = self.rng.choice(4, size=count, p=[0.45, 0.3, 0.15, 0.1])
        makers = (self.known, self.choice, self.option, self.repeat)
        return [makers[kind](f"lesson-{i}") for i, kind in enumerate(kinds)]

    def batches(self, vlm: VLM, size: int) -> Iterator[Batch]:
        """Batches without end; lessons of like length go together."""
        while True:
            encoded = vlm.encode(self.draw(size * WINDOW))
            order = sorted(range(len(encoded)), key=lambda i: len(encoded.prompts[i]))
            for k in self.rng.permutation(WINDOW).tolist():
                yield vlm.batch(encoded, order[k * size : (k + 1) * size])

    def known(self, name: str) -> Sample:
        return self.samples[int(self.rng.integers(len(self.samples)))]

    def options(self, gold: str, pool: list[str]) -> tuple[tuple[str, ...], str]:
        others = [word for word in pool if word != gold]
        picked = [gold, *self.rng.choice(others, 3, replace=False).tolist()]
        order = self.rng.permutation(4)
        return tuple(picked[i] for i in order), LETTERS[int(np.argmin(order))]

    def choice(self, name: str) -> Sample:
        """A corpus question as a choice among random answers to the same question."""
        s = self.choosable[int(self.rng.integers(len(self.choosable)))]
        options, letter = self.options(s.answer, self.pools[s.question])
        return Sample(name, s.entity, "classification", s.question, letter, s.picture, options)

    def option(self, name: str) -> Sample:
        """Find the letter of a given phrase."""
        gold = self.phrase()
        options, letter = self.options(gold, self.phrases)
        question = f"Which option says {gold}?"
        return Sample(name, "words", "classification", question, letter, None, options)

    def repeat(self, name: str) -> Sample:
        gold = self.phrase()
        return Sample(name, "words", "short", f"Repeat: {gold}", gold)

    def phrase(self) -> str:
        if self.rng.random() < 0.3:
            return self.phrases[int(self.rng.integers(len(self.phrases)))]
        return " ".join(self.rng.choice(self.words, int(self.rng.integers(1, 3))).tolist())


def pretrain(vlm: VLM, lessons: Lessons, steps: int, batch_size: int, lr: float) -> None:
    """Train projector and language model on drawn lessons.

    The tower stays as it is: trained along, its outputs collapse to two or three directions.
    """
    vlm.model.model.vision_tower.requires_grad_(False)
    parameters = [p for p in vlm.model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.01, fused=True)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.05)
    vlm.model.train()
    start = time.monotonic()
    batches = lessons.batches(vlm, batch_size)
    for step in range(steps):
        loss = answer_cross_entropy(vlm, next(batches))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        rates.step()
        if step % REPORT_EVERY == 0 or step == steps - 1:
            print(
                f"base {step}: loss {loss.item():.3f} ({time.monotonic() - start:.0f} s)",
                flush=True,
            )
    vlm.model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--vision-steps", type=int, default=600)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=TinyLlava.base_folder())
    given = parser.parse_args()
    samples = [*corpus.samples("base"), *corpus.samples("real_world")]
    vlm = build(corpus.words(), given.seed)
    count = sum(p.numel() for p in vlm.model.parameters())
    print(f"{count:,} weights, {len(vlm.tokenizer)} tokens, {len(samples)} questions")
    generator = torch.Generator().manual_seed(given.seed)
    images = [Image.open(io.BytesIO(p.data)).convert("RGB") for p in pictures(samples)]
    pixels = vlm.processor.image_processor(images, return_tensors="pt")["pixel_values"]
    pretrain_vision(vlm, pixels, given.vision_steps, generator)
    whiten_projector(vlm, pixels, generator)
    lessons = Lessons(samples, corpus.words(), np.random.default_rng(given.seed))
    pretrain(vlm, lessons, given.steps, given.batch_size, given.lr)
    vlm.model.save_pretrained(given.out)
    vlm.processor.save_pretrained(given.out)
    print(f"written: {given.out}")


if __name__ == "__main__":
    main()
