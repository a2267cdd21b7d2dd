"""Names are found, near misses are named, plug-ins come by entry point."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from uqs import registry
from uqs.errors import UserError
from uqs.listing import entries, tables
from uqs.metrics.cards import CARDS


@pytest.fixture
def install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Callable[[str, str], None]:
    """Put a package with one entry point on the path, as pip would."""

    def put(group: str, entry: str) -> None:
        about = tmp_path / "guest-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: guest\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[{group}]\n{entry}\n")
        (tmp_path / "guest.py").write_text(
            'class Guest:\n    """A guest\'s method."""\n\n    source = "its paper"\n'
        )
        monkeypatch.syspath_prepend(tmp_path)
        registry.names.cache_clear()
        request.addfinalizer(registry.names.cache_clear)

    return put


@pytest.mark.parametrize("kind", registry.BUILT_IN)
def test_every_built_in_name_loads(kind: str) -> None:
    for name in registry.BUILT_IN[kind]:
        assert isinstance(registry.get(kind, name), type)


def test_metrics_are_registered_under_the_name_on_their_card() -> None:
    assert {card.name for card in CARDS.values()} == set(registry.BUILT_IN["metric"])
    for name in registry.BUILT_IN["metric"]:
        assert registry.get("metric", name).card.name == name


def test_a_typo_gets_the_nearest_name() -> None:
    with pytest.raises(UserError, match="unknown method 'salum'; did you mean 'salun'"):
        registry.get("method", "salum")
    with pytest.raises(
        UserError, match="unknown model 'xyz'; known: blip2, llava, qwen_vl, tiny_llava"
    ):
        registry.check("model", "xyz")


def test_a_plug_in_is_found(install: Callable[[str, str], None]) -> None:
    install("uqs.methods", "guest = guest:Guest")
    assert list(registry.names("method")) == sorted([*registry.BUILT_IN["method"], "guest"])
    assert registry.get("method", "guest").__name__ == "Guest"
    (found,) = [entry for entry in entries("method") if entry.name == "guest"]
    assert (found.summary, found.source) == ("A guest's method.", "its paper")


def test_a_plug_in_takes_no_built_in_name(install: Callable[[str, str], None]) -> None:
    install("uqs.methods", "salun = guest:Guest")
    with pytest.raises(UserError, match=r"\(guest:Guest\) takes the built-in method name 'salun'"):
        registry.names("method")


@pytest.mark.parametrize("place", ["guest:Nobody", "nowhere:Guest"])
def test_a_plug_in_that_does_not_load_is_named(
    install: Callable[[str, str], None], place: str
) -> None:
    install("uqs.methods", f"guest = {place}")
    with pytest.raises(UserError, match=f"method 'guest' cannot be loaded from {place}"):
        registry.get("method", "guest")


@pytest.mark.parametrize("kind", registry.BUILT_IN)
def test_the_listing_describes_everything(kind: str) -> None:
    found = list(entries(kind))
    assert [entry.name for entry in found] == list(registry.names(kind))
    assert all(entry.summary for entry in found)
    assert len(list(tables(f"{kind}s"))) == 1


def test_an_unknown_kind_gets_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'methods'"):
        list(tables("method"))
