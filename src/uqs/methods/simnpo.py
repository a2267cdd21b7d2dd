"""Simple negative preference optimisation (SimNPO)."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import logsigmoid

from uqs.methods.base import Batches
from uqs.methods.cards import preference as cards
from uqs.methods.cards.preference import SimNPOSettings
from uqs.methods.losses import answer_lengths, answer_log_likelihoods
from uqs.methods.preference import Preference
from uqs.models.vlm import VLM


class SimNPO(Preference):
    """Forget answers become unlikely per token, however likely the original found them; with retain."""

    card = cards.SIMNPO

    def forget_loss(self, vlm: VLM, batches: Batches) -> Tensor:
        batch = batches["forget"]
        settings: SimNPOSettings = self.settings
        per_token = answer_log_likelihoods(vlm, batch) / answer_lengths(batch)
        return simnpo_loss(per_token, settings.beta, settings.gamma)


def simnpo_loss(per_token: Tensor, beta: float, gamma: float) -> Tensor:
    """-(2 / beta) mean log sigmoid(-beta (per_token + gamma)); log-likelihoods per token in nats, (answers,).

    Source: OPTML-Group/Unlearn-Simple, TOFU/dataloader.py.
    """
    return -2 / beta * logsigmoid(-beta * (per_token + gamma)).mean()
