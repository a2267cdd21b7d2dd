"""Cells of different seeds draw differently."""

import itertools

import torch

from uqs.study.cells import Cell
from uqs.study.work import cell_seed


def train(role: str, seed: int, benchmark: str = "mmubench:tiny") -> Cell:
    return Cell("train", "", {"benchmark": benchmark, "role": role, "seed": seed}, {})


def test_every_model_has_draws_of_its_own() -> None:
    cells = [
        train(role, seed, benchmark)
        for role in ("original", "oracle")
        for seed in (0, 1, 42)
        for benchmark in ("mmubench:tiny", "unlok_vqa:tiny")
    ]
    drawn = [torch.rand(4, generator=torch.Generator().manual_seed(cell_seed(c))) for c in cells]
    for one, other in itertools.combinations(drawn, 2):
        assert not torch.equal(one, other)


def test_the_same_cell_draws_the_same() -> None:
    assert cell_seed(train("oracle", 1)) == cell_seed(train("oracle", 1))
