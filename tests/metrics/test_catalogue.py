"""Metrics are found by name, symbol, entry point and file; what is no metric is refused in one line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from uqs import registry
from uqs.errors import DataError, UserError
from uqs.evaluation.rows import measured
from uqs.evaluation.splits import metric_names, needs_of
from uqs.metrics.base import Evidence, MetricResult, References
from uqs.metrics.catalogue import (
    BUILT_IN,
    CARDS,
    CORE,
    chosen,
    in_order,
    metric_card,
    metric_class,
    symbol_of,
)
from uqs.records import Need, Status
from uqs.results.tables import read_table

MINE = '''
from uqs.metrics.base import MetricResult, Metric
from uqs.records import Measurement, MetricCard


class Mine(Metric):
    """A metric of one's own."""

    card = MetricCard(
        name="mine",
        symbol="MINE",
        better="higher",
        bounds=(0, 1),
        split="retain",
        needs=frozenset({"candidates"}),
        source="nowhere",
        does_not_show="that anything is shown",
    )

    def measure(self, model, references):
        yield MetricResult(Measurement(self.card.symbol, "retain", 0.5, None, 1))


class Half(Metric):
    card = Mine.card


class Cardless(Mine):
    card = None


class Stranger:
    pass
'''
Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of one's own with this text, as FILE.py:Mine."""

    def put(text: str, class_name: str = "Mine", file: str = "my_metric.py") -> str:
        (tmp_path / file).write_text(text)
        return f"{tmp_path / file}:{class_name}"

    return put


@pytest.fixture
def install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Callable[..., None]:
    """Put a package with these entry points on the path, as pip would."""

    def put(*entries: str, text: str = MINE) -> None:
        about = tmp_path / "guest-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: guest\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text("\n".join(["[uqs.metrics]", *entries, ""]))
        (tmp_path / "guest.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "guest", raising=False)
        registry.names.cache_clear()
        request.addfinalizer(registry.names.cache_clear)

    return put


def test_every_registered_metric_has_one_card_and_core_ones_stand_first() -> None:
    names = [card.name for card in CARDS.values()]
    assert names[: len(CORE)] == list(CORE)
    assert sorted(names) == sorted(registry.BUILT_IN["metric"])
    assert len(CARDS) == len(set(CARDS)) == len(BUILT_IN)
    assert all(card.group is not None for card in CARDS.values())
    for symbol, card in CARDS.items():
        assert CARDS[symbol] is card is metric_card(card.name)
    with pytest.raises(KeyError):
        CARDS["none"]


def modules(code: str) -> set[str]:
    """What a fresh process has imported after some code."""
    code += "; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_a_card_of_the_core_loads_no_further_metric_and_no_metric_loads_torch() -> None:
    some = modules("from uqs.metrics.catalogue import CARDS; CARDS['FA'], CARDS['oracle_distance']")
    assert "uqs.metrics.accuracy" in some
    assert "uqs.metrics.logit_lens" not in some
    every = modules("from uqs.metrics.catalogue import CARDS; list(CARDS)")
    assert "uqs.metrics.logit_lens" in every
    assert not every & {"torch", "transformers", "sklearn", "scipy", "rouge_score", "uqs.methods"}


def test_a_loop_over_the_cards_sees_all_though_others_are_asked_for_meanwhile() -> None:
    code = (
        "from uqs.metrics.catalogue import CARDS; seen = []\n"
        "for s in CARDS: CARDS['LENS']; seen.append(s)\n"
        "assert len(seen) == len(set(seen)) == len(CARDS), seen"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_order_of_symbols() -> None:
    assert in_order(["b", "LENS", "FA", "a", "JS"]) == ["FA", "JS", "LENS", "a", "b"]


def test_a_metric_in_a_file(write: Write) -> None:
    name = write(MINE)
    assert metric_card(name).symbol == "MINE"
    assert metric_card(name).needs == {Need.CANDIDATES}
    assert metric_class(name) is metric_class(name)
    assert metric_names([name, "FA", "rouge_recall", name]) == (
        *(name, "forget_accuracy", "rouge_recall"),
    )
    assert needs_of([name]) == {"candidates"}
    (row,) = measured([name], Evidence({}), References())
    assert isinstance(row, MetricResult)
    assert row.measurement.metric == "MINE"


@pytest.mark.parametrize(
    ("change", "class_name", "problem"),
    [
        (("", ""), "Stranger", "Stranger: it is not a subclass of uqs.metrics.base.Metric"),
        (("", ""), "Cardless", "Cardless: it declares no `card`, a uqs.records.MetricCard"),
        (("", ""), "Half", "Half: it does not define measure"),
        (('"mine"', '"perplexity"'), "Mine", "takes the built-in metric name 'perplexity'"),
        (('"MINE"', '"PPL"'), "Mine", "takes the symbol 'PPL' of a built-in metric"),
        (('"MINE"', '"perplexity"'), "Mine", "takes the symbol 'perplexity' of a built-in metric"),
        (('"candidates"', '"candidate"'), "Mine", "unknown need 'candidate'; did you mean 'candid"),
        (('"higher"', '"more"'), "Mine", "better 'more' is not one of lower, higher, target"),
        (("(0, 1)", "(1, 0)"), "Mine", "the lower bound 1 is not below the upper bound 0"),
        (("(0, 1)", "(1,)"), "Mine", "bounds (1,) must be two numbers"),
        (('symbol="MINE"', 'symbol=""'), "Mine", "symbol '' must be a word"),
        (("name=", 'group="helth", name='), "Mine", "unknown group 'helth'; did you mean 'health'"),
        (("name=", "nmae="), "Mine", "unexpected keyword argument 'nmae'"),
    ],
)
def test_a_fault_is_one_line_that_names_the_file(
    write, change: tuple[str, str], class_name: str, problem: str
) -> None:  # type: ignore[no-untyped-def]
    name = write(MINE.replace(*change), class_name)
    with pytest.raises(UserError) as raised:
        metric_card(name)
    assert str(raised.value).startswith(name.partition(":")[0])
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)


def test_two_metrics_of_one_symbol_or_name_are_refused(write) -> None:  # type: ignore[no-untyped-def]
    first = write(MINE)
    same_symbol = write(MINE.replace('"mine"', '"other"'), file="other.py")
    same_name = write(MINE.replace('"MINE"', '"OTHER"'), file="third.py")
    for second in (same_symbol, same_name):
        with pytest.raises(UserError, match=r"my_metric\.py.* are two metrics with the same name"):
            chosen([first, "FA", second])


def test_an_unknown_word_gets_the_nearest_name_or_symbol() -> None:
    with pytest.raises(UserError, match="unknown metric 'ROUGEL'; did you mean 'ROUGE'"):
        chosen(["ROUGEL"])
    with pytest.raises(UserError, match="did you mean 'forget_accuracy'"):
        chosen(["forget_acuracy"])


def test_a_plug_in_stands_behind_the_built_in_ones(install: Callable[..., None]) -> None:
    install("mine = guest:Mine")
    assert list(CARDS)[-1] == "MINE"
    assert len(CARDS) == len(list(CARDS)) == len(BUILT_IN) + 1
    assert metric_names("all")[-1] == "mine"
    assert symbol_of("mine") == "MINE"
    assert symbol_of("forget_accuracy") == "FA"
    assert symbol_of("else") == "else"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("other = guest:Mine", "its card says 'mine'"),
        ("mine = guest:Nobody", "has no attribute 'Nobody'"),
        ("mine = nowhere:Mine", "No module named 'nowhere'"),
        ("mine = guest:Half", "it does not define measure"),
    ],
)
def test_a_faulty_plug_in_costs_no_other_metric(
    install: Callable[..., None], tmp_path: Path, entry: str, problem: str
) -> None:
    install(entry)
    assert list(CARDS) == [metric_card(name).symbol for name in BUILT_IN]
    (fault,) = CARDS.faults()
    assert problem in fault
    with pytest.raises(UserError, match=entry.partition(" ")[0]):
        metric_card(entry.partition(" ")[0])
    table = tmp_path / "t.csv"
    table.write_text("benchmark,method,seed,MINE\nb,m,0,0.5\nb,n,0,0.6\n")
    assert read_table(table, {"MINE": "higher"}).better == {"MINE": "higher"}
    with pytest.raises(
        DataError, match=r"metric of unknown direction.*--direction MINE=lower"
    ) as e:
        read_table(table)
    assert problem in str(e.value)


def test_a_plug_in_whose_card_cannot_be_made_is_a_fault_and_no_crash(install) -> None:  # type: ignore[no-untyped-def]
    install("mine = guest:Mine", text=MINE.replace('"candidates"', '"oracel"'))
    with pytest.raises(UserError, match=r"metric 'mine' cannot be loaded .*did you mean 'oracle'"):
        metric_card("mine")


def test_of_two_plug_ins_of_one_symbol_the_second_is_a_fault(install) -> None:  # type: ignore[no-untyped-def]
    install("mine = guest:Mine", "twin = guest:Twin", text=f"{MINE}\n\n{TWIN}")
    assert CARDS["MINE"].name == "mine"
    assert CARDS.faults() == ["metric 'twin': 'mine' has its symbol 'MINE' too"]


TWIN = """
from dataclasses import replace


class Twin(Mine):
    card = replace(Mine.card, name="twin")
"""


def test_a_table_with_a_plug_ins_symbol_or_name_needs_no_direction(install, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    install("mine = guest:Mine")
    for word in ("MINE", "mine"):
        table = tmp_path / "t.csv"
        table.write_text(f"benchmark,method,seed,{word}\nb,m,0,0.5\nb,n,0,0.6\n")
        assert read_table(table).better == {"MINE": "higher"}


def test_only_a_metric_of_the_health_group_is_computed_of_a_dead_model(write) -> None:  # type: ignore[no-untyped-def]
    plain = write(MINE)
    health = write(MINE.replace("name=", 'group="health", name='), file="health.py")
    statuses = [
        row.measurement.status
        for name in (plain, health)
        for row in measured([name], Evidence({}), References(), dead=True)
        if isinstance(row, MetricResult)
    ]
    assert statuses == [Status.COLLAPSED, Status.OK]
