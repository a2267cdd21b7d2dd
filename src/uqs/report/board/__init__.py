"""The board: one self-contained page of HTML that shows what a run found."""

from uqs.report.board.page import page

__all__ = ["page"]
