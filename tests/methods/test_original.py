from __future__ import annotations

import torch

from uqs.methods.cards.baselines import ORIGINAL
from uqs.methods.original import Original
from uqs.methods.unlearn import Seeds, unlearn


def test_no_step_is_taken_and_no_weight_moves(memorised, halves) -> None:  # type: ignore[no-untyped-def]
    vlm = memorised()
    before = {name: p.detach().clone() for name, p in vlm.model.named_parameters()}
    training = unlearn(vlm, Original(ORIGINAL.settings()), halves, Seeds(0, 0))
    assert (training.losses, training.steps, training.collapse) == ([], 0, None)
    assert all(torch.equal(p, before[name]) for name, p in vlm.model.named_parameters())
    assert vlm.system_prompt == ""
