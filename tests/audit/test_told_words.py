"""Each sentence on data that make it true, and on data that make it false."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from uqs.audit.told import Direction, Finding, Told
from uqs.audit.told_words import told_sentences

JS = Told(
    benchmark="b",
    metric="JS",
    split="forget",
    role="unlearned",
    method="npo",
    seed=0,
    kind="distance",
    scale="log",
    oracles=3,
    family=4,
    finding=Finding.TOLD,
    direction=Direction.FARTHER,
    value=0.4,
    expected=0.1,
    statistic=9.0,
    freedom=2,
    p=0.001,
    p_adjusted=0.01,
    p_rank=0.25,
)
NOT = replace(JS, finding=Finding.NOT_TOLD, direction=None, p=0.3, p_adjusted=0.7)


def several(told: int, of: int, **about: object) -> list[Told]:
    found = [JS if at < told else NOT for at in range(of)]
    return [replace(one, seed=at, **about) for at, one in enumerate(found)]  # type: ignore[arg-type]


def text(told: Sequence[Told]) -> str:
    return " ".join(told_sentences(told))


def test_some_models_are_told() -> None:
    found = text([*several(17, 19), *several(3, 19, benchmark="c")])
    assert "JS tells 17 of 19 unlearned models from an oracle on b, 3 of 19 on c." in found
    assert "Every unlearned model" not in found
    assert "No unlearned model" not in found


def test_every_model_is_told() -> None:
    every = [*several(4, 4), *several(4, 4, benchmark="c")]
    assert "Every unlearned model is told from an oracle by JS (2 benchmarks)." in text(every)
    assert "Every" not in text([*every, replace(NOT, seed=9)])


def test_no_model_is_told_which_is_not_likeness() -> None:
    found = text(several(0, 4))
    assert "No unlearned model is told from an oracle by JS (b)." in found
    assert "need not be like an oracle" in found
    assert "is like an oracle" not in found
    assert "No unlearned" not in text(several(1, 4))


def test_over_forgetting_is_knowing_less() -> None:
    less = replace(JS, metric="FA", direction=Direction.KNOWS_LESS)
    said = "By FA, npo seed 0 on b knows less of the forget set than an oracle: over-forgetting."
    assert said in text([less, NOT])
    assert "over-forgetting" not in text([replace(less, direction=Direction.KNOWS_MORE)])
    assert "over-forgetting" not in text([replace(less, role="reference")])
    many = [replace(less, seed=seed) for seed in range(6)]
    assert "npo seed 2 on b and 3 more know less" in text(many)


def test_a_metric_that_does_not_tell_even_an_original() -> None:
    blind = replace(NOT, role="original", method="original")
    assert "Not even an original is told from an oracle by JS (b)" in text([JS, blind])
    assert "Not even" not in text([JS, blind, replace(JS, role="original", method="original")])
    assert "Not even" not in text([JS, replace(NOT, role="reference")])


def test_an_odd_oracle() -> None:
    odd = replace(JS, role="oracle", method="retrain")
    assert "An oracle is told from the other oracles by JS (b)" in text([JS, odd])
    assert "other oracles" not in text([JS, replace(odd, finding=Finding.NOT_TOLD)])


@pytest.mark.parametrize(("oracles", "word"), [(1, "1 oracle"), (2, "2 oracles")])
def test_too_few_oracles_are_said(oracles: int, word: str) -> None:
    few = replace(NOT, metric="FA", finding=Finding.TOO_FEW_ORACLES, oracles=oracles)
    found = text([few, JS])
    assert f"With {word} it cannot be known whether a model differs from one more" in found
    assert "by FA (b)" in found
    assert "cannot be known" not in text([JS])
    assert "cannot be known" not in text([JS, replace(few, role="oracle", oracles=2)])
    assert "Is a model told" not in text([few])


def test_oracles_that_do_not_differ() -> None:
    same = replace(NOT, metric="FA", finding=Finding.CONSTANT)
    assert "do not differ at all, so that nothing can be told, by FA (b)." in text([same, JS])
    assert "do not differ" not in text([JS])


def test_a_pooled_spread_is_said() -> None:
    assert "pooled with that between references" in text([replace(JS, pooled=True)])
    assert "pooled" not in text([JS])


def test_the_head_names_the_oracles() -> None:
    assert "with 3 oracles a benchmark" in text([JS])
    assert "with 3 to 5 oracles a benchmark" in text([JS, replace(JS, oracles=5)])
    assert text([]) == ""
    assert text([replace(JS, finding=Finding.NO_VALUE)]) == ""
