"""The report of a finished run: its story in order, to read and to print."""

from uqs.report.story.page import page

__all__ = ["page"]
