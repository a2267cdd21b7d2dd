"""What the application shows of single questions: a second object in the page, packed (`packing.py`).

A number that does not exist is null, a place that does not exist is -1, and `lacks` says in words why.
"""

from __future__ import annotations

from typing import TypedDict

from uqs.report.board.live.schema import Number


class Question(TypedDict):
    """`question` is empty where its words are not known; `picture` is a place in `Samples.pictures`."""

    id: str
    entity: str
    task: str
    question: str
    options: list[str]
    gold: str
    picture: int


class Sampled(TypedDict):
    """One model; lists are empty where nothing is known.

    By question of the forget set: `answers`, places in the sheet's `words`, and `right`, 1 or 0. `recovered`
    has by probe the places of the forgotten questions that it brought back. `forget` and `holdout` are the
    losses (nats) of the gold answers, which the loss attack reads. `original` is the place in the sheet's
    `models` of the model that it was made from.
    """

    role: str
    method: str
    seed: int
    hyperparameters: str
    config: str
    version: str
    device: str
    original: int
    answers: list[int]
    right: list[int]
    recovered: dict[str, list[int]]
    forget: list[Number]
    holdout: list[Number]


class Sheet(TypedDict):
    """One benchmark: its questions, and originals, oracles and unlearned models."""

    benchmark: str
    edition: str
    base: str
    data: str
    questions: list[Question]
    holdout: list[Question]
    words: list[str]
    models: list[Sampled]
    lacks: list[str]


class Samples(TypedDict):
    """`pictures` are WebP files in base64, each once."""

    pictures: list[str]
    sheets: list[Sheet]
