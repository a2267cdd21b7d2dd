"""Serves the board on this machine alone, and builds it again when the results have changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

from uqs.errors import UserError
from uqs.report.board.site import pages
from uqs.results.notes import NOTES

LOOPBACK = "127.0.0.1"
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
Say = Callable[[str], None]
Stamp = tuple[tuple[str, int, int], ...]


class Site:
    """The pages of some results, as new as the files."""

    def __init__(self, results: Sequence[Path], say: Say) -> None:
        self._results, self._say, self._lock = tuple(results), say, Lock()
        self._stamp, self._pages = self._now(), pages(results)

    def pages(self) -> Mapping[str, str]:
        """Built again if a file has changed. Raises UserError for results that cannot be read."""
        with self._lock:
            now = self._now()
            if now != self._stamp:
                self._say("the results have changed: building the board again")
                self._pages = pages(self._results)
                self._stamp = now
            return self._pages

    def _now(self) -> Stamp:
        found = []
        for one in self._results:
            file = one if one.is_file() else one / "results.parquet"
            beside = (file.parent / name for name in ("gates.json", "items.parquet", NOTES))
            for each in (file, *beside):
                state = each.stat() if each.exists() else None
                found.append(
                    (str(each), *((state.st_mtime_ns, state.st_size) if state else (0, 0)))
                )
        return tuple(found)


def server(results: Sequence[Path], port: int, say: Say) -> ThreadingHTTPServer:
    """A server that is ready to `serve_forever`; port 0 takes a free one. Raises UserError."""
    site = Site(results, say)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Host", "").rpartition(":")[0] not in (LOOPBACK, "localhost"):
                # a page of another name that points to this machine
                return self._send(403, "text/plain", "this board is for this machine alone\n")
            name = self.path.partition("?")[0].lstrip("/")
            if not name or name.endswith("/"):
                name += "index.html"
            try:
                text = site.pages().get(name)
            except UserError as error:
                say(f"error: {error}")
                return self._send(500, "text/plain", f"{error}\n")
            if text is None:
                return self._send(404, "text/plain", "no such page\n")
            return self._send(200, "text/html", text)

        def _send(self, code: int, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(code)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            for header, value in HEADERS.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: a line for each request would hide what matters."""

    try:
        return ThreadingHTTPServer((LOOPBACK, port), Handler)
    except OSError as error:
        raise UserError(f"port {port} cannot be opened: {error.strerror}") from None
