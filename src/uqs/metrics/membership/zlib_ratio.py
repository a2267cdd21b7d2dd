"""The zlib attack."""

from __future__ import annotations

import zlib

import numpy as np

from uqs.metrics.base import Floats
from uqs.metrics.membership.attack import AUC, TPR, Advantage, Attack, AttackCards
from uqs.traces.trace import Trace

CARDS = AttackCards(
    name="membership_zlib",
    symbol="MIA_zlib",
    score="the loss over the answer's compressed length",
    source="Carlini et al. 2021 (arXiv 2012.07805)",
    of_text=True,
)


class Zlib(Attack):
    """Mean loss of the gold answer (nats per token) divided by the zlib-compressed length of its text
    (bytes).

    The division keeps an answer with little content from looking like a known one. A compressed text has at
    least 8 bytes, so for answers of a few words this attack differs little from the loss attack.
    Source: Carlini et al. 2021 (arXiv 2012.07805).
    """

    def score(self, trace: Trace) -> Floats:
        sizes = [len(zlib.compress(gold.encode())) for gold in trace.golds]
        return trace.gold_losses() / np.array(sizes, dtype=np.float64)


class ZlibAUC(Zlib, AUC):
    """AUC of the zlib attack on forget (members) against holdout (non-members)."""

    card = CARDS.auc()


class ZlibAdvantage(Zlib, Advantage):
    """2 |BA - 0.5| of the zlib attack with a cross-fitted threshold."""

    card = CARDS.advantage()


class ZlibTPR(Zlib, TPR):
    """Share of members that the zlib attack finds at 1 % false positives."""

    card = CARDS.tpr()
