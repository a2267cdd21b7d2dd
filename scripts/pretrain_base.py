"""Pretrain the tiny LLaVA base and write it into the package.

    python scripts/pretrain_base.py PICTURES [--seed 0] [--out src/uqs/models/tiny_llava_base]

Two stages, both on people, pictures and wordings that no benchmark uses (src/uqs/models/corpus):
the vision tower learns to tell pictures apart under shifts and changes of colour; then projector and
language model learn the corpus's questions, to choose among options, and to repeat words.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections import defaultdict
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from uqs.methods.streams import WINDOW
from uqs.models import corpus
from uqs.models.tiny_llava import TinyLlava, build
from uqs.models.vlm import IGNORED, VLM, Encoding
from uqs.records import LETTERS, Picture, Sample

REPORT_EVERY = 200
TEMPERATURE = 0.1
KEEP_EVERY = 500
VARIANTS = 6
PERSONS = ("classification", "generation", "cloze")


def things(samples: list[Sample], free: Path) -> dict[str, list[Picture]]:
    """The pictures of each thing: those of the corpus, and those without a question in the file `free`."""
    found: dict[str, dict[str, Picture]] = defaultdict(dict)
    for row in pq.read_table(free).to_pylist():
        image = row["image"]
        found[f"{row['kind']} {row['thing']}"][image["path"]] = Picture(
            image["path"], image["bytes"]
        )
    for s in samples:
        if s.picture is not None:
            kind = "person" if s.task in PERSONS else "other"
            found[f"{kind} {s.entity}"][s.picture.name] = s.picture
    return {
        thing: [shown[name] for name in sorted(shown)] for thing, shown in sorted(found.items())
    }


def augment(pixels: Tensor, flip: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Move, zoom, mirror where `flip`, scale and offset each colour, add noise. `strength` is 0 to 1."""
    count = len(pixels)

    def spread(*shape: int) -> Tensor:
        return strength * torch.randn(count, *shape, generator=generator)

    turn = torch.zeros(count, 2, 3)
    zoom = 1 + strength * (0.25 * torch.rand(count, generator=generator) - 0.2)
    mirrored = flip & (torch.rand(count, generator=generator) < 0.5)
    turn[:, 0, 0] = torch.where(mirrored, -zoom, zoom)
    turn[:, 1, 1] = zoom
    turn[:, :, 2] = strength * (0.3 * torch.rand(count, 2, generator=generator) - 0.15)
    grid = torch.nn.functional.affine_grid(turn, list(pixels.shape), align_corners=False)
    moved = torch.nn.functional.grid_sample(
        pixels, grid, padding_mode="border", align_corners=False
    )
    scale, offset = 1 + 0.15 * spread(3, 1, 1), 0.15 * spread(3, 1, 1)
    return moved * scale + offset + 0.1 * spread(*pixels.shape[1:])


def pretrain_vision(
    vlm: VLM, shown: list[Tensor], flip: Tensor, steps: int, generator: torch.Generator
) -> None:
    """Contrast two pictures of each thing with those of all others (InfoNCE) on its patches."""
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
    start = time.monotonic()
    for step in range(steps):
        rows = torch.randperm(len(shown), generator=generator)[:256].tolist()
        drawn = [
            shown[row][int(torch.randint(len(shown[row]), (), generator=generator))]
            for _ in range(2)
            for row in rows
        ]
        views = augment(torch.stack(drawn), flip[rows].repeat(2), 1.0, generator)
        hidden = tower(views).last_hidden_state[:, 1:].flatten(1)
        first, second = normalize(head(hidden - hidden.mean(0)), dim=1).chunk(2)
        likeness, same = first @ second.T / TEMPERATURE, torch.arange(len(rows))
        loss = (cross_entropy(likeness, same) + cross_entropy(likeness.T, same)) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rates.step()
        if step % REPORT_EVERY == 0 or step == steps - 1:
            right = float((likeness.argmax(1) == same).float().mean())
            took = time.monotonic() - start
            print(
                f"vision {step}: loss {loss.item():.3f}, right {right:.2f} ({took:.0f} s)",
                flush=True,
            )


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


class Stage(NamedTuple):
    """Steps, the shares of the four kinds of lessons, and that of people among the known facts."""

    steps: int
    kinds: tuple[float, float, float, float]
    people: float


STAGES = (Stage(5000, (0.5, 0.28, 0.15, 0.07), 0.7), Stage(3000, (0.8, 0.12, 0.05, 0.03), 0.5))
"""First much choosing and repeating, then mostly facts."""


class Lessons:
    """Draws training samples: the corpus, choices among random options, and repeating words."""

    def __init__(
        self, samples: list[Sample], words: list[str], rng: np.random.Generator, stage: Stage
    ) -> None:
        self.samples, self.words, self.rng, self.stage = samples, words, rng, stage
        answers: dict[str, set[str]] = defaultdict(set)
        for s in samples:
            if s.task != "classification":
                answers[s.question].add(s.answer)
        self.pools = {q: sorted(a) for q, a in answers.items() if len(a) >= 4}
        self.choosable = [
            s for s in samples if s.question in self.pools and s.task != "classification"
        ]
        self.people = [s for s in samples if s.task in PERSONS]
        self.things = [s for s in samples if s.task not in PERSONS]
        self.phrases = sorted({s.answer for s in samples if s.task != "classification"})

    def draw(self, count: int) -> list[Sample]:
        kinds = self.rng.choice(4, size=count, p=self.stage.kinds)
        makers = (self.known, self.choice, self.option, self.repeat)
        return [makers[kind](f"lesson-{i}") for i, kind in enumerate(kinds)]

    def known(self, name: str) -> Sample:
        """People more often than their share: each of them is seen in few questions."""
        pool = self.people if self.rng.random() < self.stage.people else self.things
        return pool[int(self.rng.integers(len(pool)))]

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


class Seen:
    """Picture features of the frozen tower: the picture as it is, and `VARIANTS` changed ones."""

    def __init__(
        self,
        vlm: VLM,
        pixels: dict[str, Tensor],
        flips: dict[str, bool],
        generator: torch.Generator,
    ) -> None:
        names = sorted(pixels)
        stacked = torch.stack([pixels[name] for name in names])
        flip = torch.tensor([flips[name] for name in names])
        tower = vlm.model.model.vision_tower
        with torch.no_grad():
            views = [stacked] + [augment(stacked, flip, 0.7, generator) for _ in range(VARIANTS)]
            self.features = torch.stack([tower(v).last_hidden_state[:, 1:] for v in views], 1)
        self.row = {name: row for row, name in enumerate(names)}

    def of(self, names: list[str], generator: torch.Generator) -> Tensor:
        """Every other time the picture as it is: (pictures, patches, width)."""
        rows = torch.tensor([self.row[name] for name in names])
        drawn = torch.randint(1, VARIANTS + 1, (len(names),), generator=generator)
        plain = torch.rand(len(names), generator=generator) < 0.5
        return self.features[rows, torch.where(plain, 0, drawn)]


def padded(encoded: Encoding, order: list[int]) -> tuple[Tensor, Tensor]:
    """Token ids and labels, padded on the right: (samples, tokens) each."""
    texts = [(*encoded.prompts[i], *encoded.answers[i]) for i in order]
    width = max(map(len, texts))
    ids = torch.zeros(len(order), width, dtype=torch.long)
    labels = torch.full((len(order), width), IGNORED)
    for row, (i, text) in enumerate(zip(order, texts, strict=True)):
        ids[row, : len(text)] = torch.tensor(text)
        labels[row, len(encoded.prompts[i]) : len(text)] = torch.tensor(encoded.answers[i])
    return ids, labels


def lesson_loss(vlm: VLM, ids: Tensor, labels: Tensor, features: Tensor) -> Tensor:
    """Mean cross-entropy over answer tokens, from picture features that are known already."""
    inner = vlm.model.model
    embedded = inner.language_model.embed_tokens(ids)
    if len(features):
        there = ids == vlm.model.config.image_token_id
        patches = inner.multi_modal_projector(features).flatten(0, 1)
        embedded = embedded.masked_scatter(there[..., None], patches)
    hidden = inner.language_model(inputs_embeds=embedded, use_cache=False).last_hidden_state
    asked = labels[:, 1:] != IGNORED
    return cross_entropy(vlm.model.lm_head(hidden[:, :-1][asked]), labels[:, 1:][asked])


def pretrain(
    vlm: VLM,
    lessons: Lessons,
    seen: Seen,
    steps: int,
    batch_size: int,
    lr: float,
    generator: torch.Generator,
    keep: Callable[[], None],
) -> None:
    """Train projector and language model on drawn lessons.

    The tower stays as it is: trained along, its outputs collapse to two or three directions.
    """
    vlm.model.model.vision_tower.requires_grad_(False)
    parameters = [p for p in vlm.model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=0.01, fused=True)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.05)
    vlm.model.train()
    start = time.monotonic()
    for step in range(steps):
        if step % WINDOW == 0:
            drawn = lessons.draw(batch_size * WINDOW)
            encoded = vlm.encode(drawn)
            length = [
                len(p) + len(a) for p, a in zip(encoded.prompts, encoded.answers, strict=True)
            ]
            order = sorted(range(len(drawn)), key=length.__getitem__)
            deal = lessons.rng.permutation(WINDOW).tolist()
        place = deal[step % WINDOW] * batch_size
        rows = order[place : place + batch_size]
        names = [s.picture.name for s in (drawn[i] for i in rows) if s.picture is not None]
        features = seen.of(names, generator) if names else torch.empty(0)
        loss = lesson_loss(vlm, *padded(encoded, rows), features)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        rates.step()
        if step % REPORT_EVERY == 0 or step == steps - 1:
            took = time.monotonic() - start
            print(f"base {step}: loss {loss.item():.3f} ({took:.0f} s)", flush=True)
        if step % KEEP_EVERY == KEEP_EVERY - 1:
            keep()
    vlm.model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "pictures", type=Path, help="pictures.parquet, from scripts/build_tiny/build.py"
    )
    parser.add_argument("--vision-steps", type=int, default=600)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=TinyLlava.base_folder())
    parser.add_argument("--stage", type=int, default=0, help="go on with this one, from --out")
    given = parser.parse_args()
    samples = [*corpus.samples("base"), *corpus.samples("real_world")]
    for number in range(given.stage, len(STAGES)):
        generator = torch.Generator().manual_seed(given.seed + number)
        vlm = TinyLlava.load(given.out) if number else build(corpus.words(), given.seed)
        vlm.show = cache(vlm.show)  # type: ignore[method-assign]  # pictures are drawn again and again
        pixels, flips = shown(vlm, samples, given, generator, vision=number == 0)
        lessons = Lessons(
            samples, corpus.words(), np.random.default_rng(given.seed + number), STAGES[number]
        )
        seen = Seen(vlm, pixels, flips, generator)
        keep = partial(save, vlm, given.out)
        pretrain(
            vlm,
            lessons,
            seen,
            STAGES[number].steps,
            given.batch_size,
            given.lr,
            generator,
            keep,
        )
        keep()
    print(f"written: {given.out}")


def shown(
    vlm: VLM,
    samples: list[Sample],
    given: argparse.Namespace,
    generator: torch.Generator,
    *,
    vision: bool,
) -> tuple[dict[str, Tensor], dict[str, bool]]:
    """The pictures that are asked about, and which may be mirrored; `vision` first trains the tower."""
    groups = things(samples, given.pictures)
    pixels = {p.name: vlm.show(p)["pixel_values"][0] for group in groups.values() for p in group}
    flips = {p.name: thing.startswith("person ") for thing, ps in groups.items() for p in ps}
    asked = {s.picture.name for s in samples if s.picture is not None}
    if vision:
        stacks = [torch.stack([pixels[p.name] for p in group]) for group in groups.values()]
        flip = torch.tensor([thing.startswith("person ") for thing in groups])
        pretrain_vision(vlm, stacks, flip, given.vision_steps, generator)
    pixels = {name: found for name, found in pixels.items() if name in asked}
    if vision:
        whiten_projector(vlm, torch.stack(list(pixels.values())), generator)
    return pixels, flips


def save(vlm: VLM, out: Path) -> None:
    """In 16 bits, for that is half the file; loading makes them 32 again."""
    copy.deepcopy(vlm.model).half().save_pretrained(out)
    vlm.processor.save_pretrained(out)


if __name__ == "__main__":
    main()
