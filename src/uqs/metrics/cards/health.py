"""Whether a model still works at all."""

from __future__ import annotations

from uqs.records import MetricCard

CARDS: tuple[MetricCard, ...] = ()
