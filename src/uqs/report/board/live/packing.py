"""JSON that can stand in a page: as text, or packed where a page would grow too large."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode

from uqs.report.html import Markup


def embedded(content: object) -> Markup:
    """JSON, escaped so that no text in it can close the script element that holds it."""
    dumped = json.dumps(content, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        dumped = dumped.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(dumped)


def packed(content: object) -> Markup:
    """JSON, by gzip and base64; the page unpacks it when it is asked for."""
    dumped = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return Markup(b64encode(gzip.compress(dumped.encode(), mtime=0)).decode())
