"""Releases on the hub, fetched over HTTP from a server that answers as the hub does."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from uqs import benchmarks
from uqs.benchmarks import hub
from uqs.benchmarks.hub import is_named, to_fetch
from uqs.errors import UserError

TINY = Path(benchmarks.__file__).parent / "tiny" / "unlok_vqa"
LOAD = """
import json, sys
from uqs import benchmarks
from uqs.errors import UserError
from uqs.progress import Display
for spec in sys.argv[1:]:
    try:
        with Display(plain=True) as display:
            found = benchmarks.load(spec, display=display)
        print(json.dumps([found.edition, found.data_hash]))
    except UserError as error:
        print(json.dumps(str(error)))
"""


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FakeHub:
    """A server that answers as the hub does, as far as data sets are fetched: paths, headers and error codes
    are those that huggingface_hub 2 asks for and reads (its hf_api.py, file_download.py, utils/_http.py).

    `files` of each data set by its name; those named in `large` are kept by Git LFS, on another path.
    """

    files: Mapping[str, Mapping[str, bytes]]
    large: frozenset[str] = frozenset()
    gated: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)
    url: str = ""
    elsewhere: str = ""

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and content."""
        self.asked.append(path)
        words = path.partition("?")[0].strip("/").split("/")
        if words[0] == "lfs":
            content = self.files["/".join(words[1:3])]["/".join(words[3:])]
            return 200, {"ETag": _quoted(content)}, content
        if len(words) < 5:
            return self._error(404, "EntryNotFound")
        listing = words[:2] == ["api", "datasets"]
        words = words[2:] if listing else words[1:]
        name, (kind, revision), rest = "/".join(words[:2]), words[2:4], "/".join(words[4:])
        if name in self.gated:
            return self._error(403, "GatedRepo")
        if name not in self.files:
            return self._error(404, "RepoNotFound")
        if revision not in (COMMIT, "main"):
            return self._error(404, "RevisionNotFound")
        if kind == "revision":
            return _json({"id": name, "sha": COMMIT, "siblings": []})
        if kind == "tree":
            return _json([self._entry(file, content) for file, content in self.files[name].items()])
        content = self.files[name][rest]
        headers = {"X-Repo-Commit": COMMIT, "ETag": _quoted(content)}
        if rest in self.large:
            digest = hashlib.sha256(content).hexdigest()
            headers |= {"X-Linked-Size": str(len(content)), "X-Linked-Etag": f'"{digest}"'}
            return 302, headers | {"Location": f"{self.elsewhere}/lfs/{name}/{rest}"}, b""
        return 200, headers, content

    def _entry(self, file: str, content: bytes) -> dict[str, Any]:
        found: dict[str, Any] = {
            "type": "file",
            "path": file,
            "size": len(content),
            "oid": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        }
        if file in self.large:
            digest = hashlib.sha256(content).hexdigest()
            found["lfs"] = {"oid": digest, "size": len(content), "pointerSize": 130}
        return found

    def _error(self, status: int, code: str) -> tuple[int, dict[str, str], bytes]:
        return status, {"X-Error-Code": code, "X-Error-Message": code}, b"{}"


def _quoted(content: bytes) -> str:
    return f'"{hashlib.sha1(content, usedforsecurity=False).hexdigest()}"'


def _json(tree: object) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(tree).encode()


@contextmanager
def served(hub: FakeHub) -> Iterator[FakeHub]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, content = hub.answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    hub.elsewhere = f"http://localhost:{server.server_port}"  # large files come from another host
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def released() -> Iterator[FakeHub]:
    data = {
        file.relative_to(TINY).as_posix(): file.read_bytes()
        for file in sorted(TINY.rglob("*"))
        if file.suffix in (".json", ".png")
    }
    large = frozenset(["unlok_vqa.json", sorted(data)[0]])
    unread = {"loader.py": b"raise SystemExit", "weights.pkl": b"\x80", "README.md": b"#"}
    files = {"o/unlok": {**data, **unread}, "o/code": {"loader.py": b""}}
    with served(FakeHub(files, large, frozenset(["o/gated"]))) as found:
        yield found


def load(endpoint: str, cache: Path, *specs: str) -> tuple[list[object], str]:
    """What a process of its own loads or is told, and what it says meanwhile."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(cache / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "UQS_CACHE": str(cache),
    }
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *specs],
        env=environment,
        cwd=cache,
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_a_release_is_fetched_once_by_its_commit(released: FakeHub, tmp_path: Path) -> None:
    spec = f"unlok_vqa:o/unlok@{COMMIT}"
    (first, *told), said = load(
        released.url,
        tmp_path,
        spec,
        "unlok_vqa:o/unlok@main",
        f"unlok_vqa:o/unlok@{'f' * 40}",
        f"unlok_vqa:o/gated@{COMMIT}",
        f"unlok_vqa:o/none@{COMMIT}",
        f"unlok_vqa:o/code@{COMMIT}",
        "unlok_vqa:o/unlok",
    )
    assert first == [f"o/unlok@{COMMIT}", benchmarks.load("unlok_vqa:tiny").data_hash]
    assert f"fetching o/unlok@{COMMIT[:7]}: 71 files, " in said
    fetched = {path for path in released.asked if "/resolve/" in path}
    assert not any(path.endswith((".py", ".pkl", ".md")) for path in fetched)
    assert any(path.startswith("/lfs/o/unlok/") for path in released.asked)
    moving, revision, gated, absent, code, unpinned = map(str, told)
    assert f"'main' may move; write the commit that it is now: o/unlok@{COMMIT}" in moving
    assert f"has no revision '{'f' * 40}'" in revision
    assert "terms to be accepted" in gated
    assert "no data set of the hub that you may read" in absent
    assert "holds no *.parquet" in code
    assert "no folder 'o/unlok'" in unpinned
    assert "OWNER/NAME@COMMIT" in unpinned
    assert not any("\n" in line for line in map(str, told))
    # without a network what was fetched is there, and what was not is one line
    (again, other), _ = load("http://127.0.0.1:9", tmp_path, spec, f"unlok_vqa:o/x@{COMMIT}")
    assert again == first
    assert "the hub does not give it" in str(other)
    assert "\n" not in str(other)
    assert sorted(path.name for path in (tmp_path / "benchmarks").iterdir()) == ["o--unlok"]


def test_names_of_releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_named(f"o/n@{COMMIT}")
    assert is_named("o/n@main")
    for other in ("tiny", "o/n", "data/a/b@main", "/o/n@main", "o/n@..", "o@main"):
        assert not is_named(other)
    assert to_fetch(f"o/n@{COMMIT}")
    Path("o").mkdir()  # the first part is a folder here: never the hub's
    assert not to_fetch(f"o/n@{COMMIT}")
    with pytest.raises(UserError, match="no folder"):
        benchmarks.load(f"unlok_vqa:o/n@{COMMIT}")


def test_a_release_lies_within_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UQS_CACHE", str(tmp_path))
    for edition in (f"o/n@{COMMIT}", f"o/..@{COMMIT}"):
        assert hub.place(edition).resolve().is_relative_to(tmp_path / "benchmarks")
