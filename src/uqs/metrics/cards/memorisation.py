"""How well the forgotten answers are still known by heart."""

from __future__ import annotations

from uqs.records import MetricCard

CARDS: tuple[MetricCard, ...] = ()
