"""What of the suppressed knowledge can be brought back."""

from __future__ import annotations

from uqs.records import MetricCard

CARDS: tuple[MetricCard, ...] = ()
