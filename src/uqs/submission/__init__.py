"""Checks results that somebody else made, as a board's repository does before it takes them."""

from uqs.submission.check import problems

__all__ = ["problems"]
