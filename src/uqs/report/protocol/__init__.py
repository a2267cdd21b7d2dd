"""The evaluation protocol of the study's authors, answered point by point from a run's own data."""

from uqs.report.protocol.points import MET, NOTE, TITLE, Point, protocol, sheet

__all__ = ["MET", "NOTE", "TITLE", "Point", "protocol", "sheet"]
