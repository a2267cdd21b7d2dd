"""Names are found, near misses are named, plug-ins come by entry point."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from uqs import registry
from uqs.cli.listing import entries, sheets
from uqs.errors import UserError
from uqs.methods.cards import CARDS as METHOD_CARDS
from uqs.methods.cards.look_up import method_class
from uqs.metrics.catalogue import CARDS
from uqs.report.terminal import write_sheets

GUEST = '''
from uqs.methods.base import Method
from uqs.methods.cards.card import MethodCard, Passes

FACTS = dict(title="Guest", source="its paper", fidelity="paper", protects=False)
FACTS |= dict(needs=frozenset({"forget"}), passes=Passes(training=1, forward=0.5))


class Guest(Method):
    """A guest's method."""

    card = MethodCard(name="guest", loss="-CE(guest)", **FACTS)


class Misnamed(Method):
    card = MethodCard(name="host", loss="-CE(guest)", **FACTS)


class Usurper(Method):
    card = MethodCard(name="salun", loss="-CE(guest)", **FACTS)


class Cardless(Method):
    pass


class Stranger:
    pass
'''


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
        (tmp_path / "guest.py").write_text(GUEST)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "guest", raising=False)
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
    with pytest.raises(UserError, match="unknown model 'xyz'; known: blip2, generic, "):
        registry.check("model", "xyz")


def test_a_plug_in_is_found(install: Callable[[str, str], None]) -> None:
    install("uqs.methods", "guest = guest:Guest")
    assert list(registry.names("method")) == sorted([*registry.BUILT_IN["method"], "guest"])
    assert registry.get("method", "guest").__name__ == "Guest"
    (found,) = [entry for entry in entries("method") if entry.name == "guest"]
    assert found.summary == "A guest's method."


def shown(kinds: str) -> str:
    """A table as it is printed, wide enough for one line a row."""
    buffer = io.StringIO()
    write_sheets(Console(file=buffer, width=1000, markup=False), sheets(kinds))
    return buffer.getvalue()


def row(name: str) -> list[str]:
    (line,) = [one for one in shown("methods").splitlines() if f"│ {name} " in one]
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_the_list_of_methods_is_that_of_the_cards(install: Callable[[str, str], None]) -> None:
    card = METHOD_CARDS["salun"]
    about = [card.loss, card.source, card.fidelity, "2 training", "forget, retain"]
    assert row("salun") == ["salun", *about]
    assert row("original")[-2:] == ["none", "nothing"]
    install("uqs.methods", "guest = guest:Guest")
    cells = ["guest", "-CE(guest)", "its paper", "paper", "1 training + 0.5 forward", "forget"]
    assert row("guest") == cells


def test_a_plug_in_that_does_not_load_is_listed_with_its_fault(
    install: Callable[[str, str], None],
) -> None:
    install("uqs.methods", "guest = guest:Nobody")
    assert row("guest")[1].startswith("method 'guest' cannot be loaded from guest:Nobody")
    assert row("salun")[1] == METHOD_CARDS["salun"].loss


def test_only_the_list_of_methods_loads_a_plug_in(install: Callable[[str, str], None]) -> None:
    install("uqs.methods", "guest = guest:Guest")
    for kind in registry.BUILT_IN:
        if kind != "method":
            list(sheets(f"{kind}s"))
    list(entries("method"))
    assert "guest" not in sys.modules
    list(sheets("methods"))
    assert "guest" in sys.modules


@pytest.mark.parametrize(
    ("class_name", "problem"),
    [
        ("Misnamed", "its card says 'host'"),
        ("Usurper", "its card takes the built-in method name 'salun'"),
        ("Cardless", r"it declares no `card`"),
        ("Stranger", r"it is not a subclass of uqs\.methods\.base\.Method"),
    ],
)
def test_a_plug_in_that_is_no_method_is_refused(
    install: Callable[[str, str], None], class_name: str, problem: str
) -> None:
    install("uqs.methods", f"guest = guest:{class_name}")
    with pytest.raises(UserError, match=f"cannot be loaded from guest:{class_name}: {problem}"):
        method_class("guest")


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
def test_ls_describes_everything(kind: str) -> None:
    found = list(entries(kind))
    assert [entry.name for entry in found] == list(registry.names(kind))
    assert all(entry.summary for entry in found)
    assert len(list(sheets(f"{kind}s"))) == 1


def test_an_unknown_kind_gets_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'methods'"):
        list(sheets("method"))


@pytest.mark.parametrize("width", [150, 100, 80])
def test_the_list_of_metrics_says_the_symbol_unbroken_at_any_width(width: int) -> None:
    buffer = io.StringIO()
    console = Console(file=buffer, width=width, markup=False)
    write_sheets(console, sheets("metrics", width))
    lines = buffer.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    first = {line.split("│")[1].strip() for line in lines if line.startswith("│")}
    assert first - {""} == set(CARDS)


def test_the_list_of_metrics_says_what_tables_and_studies_need() -> None:
    (line,) = [one for one in shown("metrics").splitlines() if "│ MIA_ref_AUC " in one]
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    card = CARDS["MIA_ref_AUC"]
    assert cells == [
        *("MIA_ref_AUC", "membership_reference_auc", "target", "forget", "oracle", card.source)
    ]


def test_a_metric_that_does_not_load_is_listed_with_its_fault(
    install: Callable[[str, str], None],
) -> None:
    install("uqs.metrics", "guest = guest:Nobody")
    (line,) = [one for one in shown("metrics").splitlines() if "│ guest " in one]
    assert "metric 'guest' cannot be loaded from guest:Nobody" in line
