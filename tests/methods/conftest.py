"""What tests of methods share: a model whose logits are its weights, plain forward passes, and a tiny model
that has learnt the samples by heart."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from uqs.methods.base import Batches, Method, trainable
from uqs.methods.retrain import Retrain
from uqs.methods.streams import Stream
from uqs.methods.trainer import Schedule, train
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.models.vlm import IGNORED, VLM, Batch, Encoding
from uqs.records import Split

HALF = 9  # samples of the first three of six entities


class Table(VLM):
    """A model whose answer logits are its weights, (questions, tokens, vocabulary); a question is its row.

    `labels`, (questions, tokens), are IGNORED before a shorter answer.
    """

    def __init__(self, logits: Tensor, labels: Sequence[Sequence[int]]) -> None:
        self.model = nn.Module()
        self.model.logits = nn.Parameter(logits.clone())
        self.model.device = logits.device
        self.labels = torch.tensor(labels)

    @property
    def logits(self) -> nn.Parameter:
        return self.model.logits

    def encode(self, samples: Sequence[Any]) -> Encoding:
        answers = tuple(
            tuple(i for i in self.labels[row].tolist() if i != IGNORED) for row in samples
        )
        rows, n = tuple((row,) for row in samples), len(samples)
        return Encoding(rows, answers, ((),) * n, (-1,) * n, ())

    def batch(self, encoded: Encoding, indices: Sequence[int]) -> Batch:
        rows = torch.tensor([encoded.prompts[i][0] for i in indices])
        return Batch({"rows": rows}, self.labels[rows], self.labels.shape[1])

    def answer_logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return self.logits[batch.inputs["rows"]], batch.labels

    def set(self, logits: Tensor) -> None:
        with torch.no_grad():
            self.logits.copy_(logits)


@pytest.fixture
def table() -> Callable[..., Table]:
    """Make a Table from probabilities, so that its logits are their logarithms."""

    def make(probabilities: Any, labels: Any) -> Table:
        return Table(torch.tensor(probabilities).log(), labels)

    return make


@pytest.fixture
def rows() -> Callable[..., dict[str, Any]]:
    """The data of a Table: which of its rows are forgotten and which retained."""

    def make(forget: Sequence[int], retain: Sequence[int]) -> dict[str, Any]:
        return {
            "forget": SimpleNamespace(samples=forget),
            "retain": SimpleNamespace(samples=retain),
        }

    return make


@pytest.fixture
def drawn() -> Callable[..., Batches]:
    """The batches of one step whose places are given; a stream without is not to be asked for."""

    def make(vlm: VLM, streams: Mapping[str, Stream], **places: Sequence[int]) -> Batches:
        return Batches(vlm, streams, lambda name: places[name])

    return make


@pytest.fixture
def plain_log_probs() -> Callable[..., list[Tensor]]:
    """Log-probabilities at each answer's tokens, (tokens, vocabulary), by plain calls of one question."""

    def compute(vlm: VLM, encoded: Encoding, indices: Sequence[int]) -> list[Tensor]:
        found = []
        for i in indices:
            ids = torch.tensor([encoded.prompts[i] + encoded.answers[i]])
            inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
            logits = vlm.model(**inputs, **encoded.shown([i])).logits[0]
            start = len(encoded.prompts[i])
            found.append(logits[start - 1 : -1].double().log_softmax(-1))
        return found

    return compute


@pytest.fixture
def plain_loss(plain_log_probs) -> Callable[..., float]:  # type: ignore[no-untyped-def]
    """Mean cross-entropy of the answer tokens of some samples, one token after another."""

    def compute(vlm: VLM, encoded: Encoding, indices: Sequence[int]) -> float:
        with torch.no_grad():
            log_probs = plain_log_probs(vlm, encoded, indices)
        losses = [
            -float(row[token])
            for i, answer in zip(indices, log_probs, strict=True)
            for token, row in zip(encoded.answers[i], answer, strict=True)
        ]
        return sum(losses) / len(losses)

    return compute


@pytest.fixture
def run() -> Callable[[VLM, Method, Mapping[str, Split]], None]:
    """Take a method's steps with nobody watching: a model that falls silent has forgotten too."""

    def take(vlm: VLM, method: Method, data: Mapping[str, Split]) -> None:
        generator = torch.Generator().manual_seed(0)
        streams = method.streams(vlm, data, generator)
        schedule = Schedule(method.settings.steps, method.settings.lr)
        assert train(vlm, method, streams, schedule, generator).collapse is None

    return take


@pytest.fixture
def shake() -> Callable[[VLM], None]:
    """Move every trainable weight a little, as training does."""

    def move(vlm: VLM) -> None:
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for parameter in trainable(vlm).values():
                parameter.add_(0.04 * torch.randn(parameter.shape, generator=generator))

    return move


@pytest.fixture
def halves(samples) -> dict[str, Split]:  # type: ignore[no-untyped-def]
    """The samples of three entities to forget, those of three others to retain."""
    return {
        "forget": Split("forget", tuple(samples[:HALF])),
        "retain": Split("retain", tuple(samples[HALF:])),
    }


_learnt: dict[str, VLM] = {}


@pytest.fixture
def memorised(make_vlm, samples) -> Callable[..., VLM]:  # type: ignore[no-untyped-def]
    """A tiny model with the answers to all samples by heart; `kind` says what of it is trainable now."""
    if not _learnt:
        vlm = make_vlm()
        attach(vlm, AdapterSettings(kind="full"), seed=0)
        method = Retrain(batch_size=9, replay=0.0)
        data = {"learn": Split("learn", tuple(samples)), "replay": Split("replay", ())}
        generator = torch.Generator().manual_seed(0)
        train(vlm, method, method.streams(vlm, data, generator), Schedule(50, 2e-3), generator)
        vlm.model.requires_grad_(False)
        _learnt["vlm"] = vlm

    def make(kind: str = "lora") -> VLM:
        vlm = copy.copy(_learnt["vlm"])
        vlm.model = copy.deepcopy(vlm.model)
        settings = AdapterSettings(kind=kind, r=8, targets="language.all+projector")
        attach(vlm, settings, seed=0)
        return vlm

    return make
