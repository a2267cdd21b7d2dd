from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from uqs import benchmarks, registry
from uqs.benchmarks.cards import card_of
from uqs.errors import UserError
from uqs.records import Benchmark

NAMES = ["mllmu_bench", "mmubench", "unlok_vqa"]
CLASSES = "fashion_mnist"
"""The benchmark of classes that has an embedded edition (test_fashion_mnist.py)."""


RELEASED = ["cifar10", "clear", "fiubench", "own", "tofu", "umu_bench"]


def test_which_benchmarks_have_an_embedded_edition() -> None:
    assert list(registry.names("benchmark")) == sorted([*NAMES, CLASSES, *RELEASED])
    for name in (*NAMES, CLASSES):
        assert benchmarks.edition_path(name, "tiny").is_dir()
    for name in RELEASED:
        with pytest.raises(UserError, match=f"write '{name}:FOLDER'"):
            benchmarks.load(f"{name}:tiny")


@pytest.mark.parametrize("name", [*NAMES, CLASSES, *RELEASED])
def test_every_benchmark_has_a_card(name: str) -> None:
    card = card_of(name)
    assert card is not None
    for said in (card.title, card.paper, card.release, card.licence, card.measures, card.splits):
        assert said.strip()
    assert card.unlike(card.sizes) == []
    for size, number in card.sizes.items():
        assert card.unlike({size: number + 1}) == [
            f"{size}: {number + 1} here, {number} in the release"
        ]


@pytest.mark.parametrize("name", NAMES)
def test_loading_twice_gives_the_same(name: str) -> None:
    assert benchmarks.load(f"{name}:tiny") == benchmarks.load(f"{name}:tiny")


def test_a_folder_is_an_edition_and_hashes_alike_wherever_it_is() -> None:
    folder = benchmarks.edition_path("unlok_vqa", "tiny")
    found = benchmarks.load(f"unlok_vqa:{folder}")
    assert found.edition == str(folder)
    assert found.data_hash == benchmarks.load("unlok_vqa:tiny").data_hash


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("mmlubench:tiny", {}, "did you mean 'mmubench'"),
        ("mmubench", {}, "write 'mmubench:tiny'"),
        ("mmubench:/no/such/folder", {}, "no folder '/no/such/folder'"),
        ("mmubench:tiny", {"forgett": 5}, "did you mean 'forget'"),
        ("mmubench:tiny", {"forget": 0}, "forget is 0"),
        ("mmubench:tiny", {"holdout": "5"}, "holdout is '5'"),
        ("mmubench:tiny", {"seed": -1}, "seed is -1"),
        ("mmubench:tiny&forgett=5", {}, "did you mean 'forget'"),
        ("mmubench:tiny&forget=five", {}, "option forget=five: should be a valid integer"),
        ("mmubench:tiny&forget=none", {}, "option forget=none: should be a valid integer"),
        ("mmubench:tiny&forget=4&forget=5", {}, "gives the option 'forget' twice"),
        ("mmubench:tiny&forget=0", {}, "forget is 0"),
        ("mmubench:&forget=4", {}, "names no edition"),
        ("unlok_vqa:tiny&neighbour_picture=perhaps", {}, "option neighbour_picture=perhaps"),
        ("unlok_vqa:tiny", {"retain_limit": 0}, "retain_limit is 0"),
        ("unlok_vqa:tiny", {"forget": True}, "forget is True"),
        ("unlok_vqa:tiny", {"neighbour_picture": "yes"}, "not true or false"),
        ("mllmu_bench:tiny", {"forget": 0}, "forget is 0"),
        ("mllmu_bench:tiny", {"retain_limit": 1.5}, "retain_limit is 1.5"),
        ("mllmu_bench:tiny", {"holdout_seed": None}, "holdout_seed is None"),
    ],
)
def test_bad_names_and_options(spec: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        benchmarks.load(spec, options)


@pytest.mark.parametrize("name", NAMES)
def test_the_hash_follows_content_and_options(name: str, tmp_path: Path) -> None:
    known = {benchmarks.load(f"{name}:tiny").data_hash}
    known.add(benchmarks.load(f"{name}:tiny", {"retain_limit": 7}).data_hash)
    known.add(benchmarks.load(f"{name}:tiny", {"retain_limit": None}).data_hash)
    assert len(known) == 3
    assert all(len(value) == 64 for value in known)


@pytest.mark.parametrize("name", NAMES)
def test_the_retain_limit_draws_and_keeps_order(name: str) -> None:
    full = benchmarks.load(f"{name}:tiny", {"retain_limit": None}).evaluate["retain"].samples
    some = benchmarks.load(f"{name}:tiny", {"retain_limit": 50}).evaluate["retain"].samples
    places = [full.index(sample) for sample in some]
    assert len(some) == 50
    assert places == sorted(places)
    assert places != list(range(50))


@pytest.mark.parametrize("name", NAMES)
def test_what_the_splits_mean(name: str) -> None:
    found = benchmarks.load(f"{name}:tiny")
    forget, retain = found.learn["forget"].entities, found.learn["retain"].entities
    holdout = found.evaluate["holdout"].entities
    assert not forget & retain
    assert not holdout & (forget | retain)
    assert len(holdout) == len(forget)
    assert len(found.evaluate["forget"]) >= 100
    assert found.evaluate["forget"].entities == forget
    assert found.evaluate["retain"].entities <= retain
    assert found.unlearn["forget"].entities == forget
    assert set(found.unlearn["forget"].samples) <= set(found.learn["forget"].samples)
    learned = {sample.question for sample in found.learn["forget"].samples}
    reworded = found.evaluate["forget_reworded"].samples
    assert not learned & {sample.question for sample in reworded}
    assert {sample.wording for sample in reworded} == {"reworded"}
    assert {sample.entity for sample in reworded} == forget


@pytest.mark.parametrize("name", NAMES)
def test_every_evaluated_fact_about_trained_entities_was_taught(name: str) -> None:
    """The gate on the original model would be out of reach otherwise."""
    found = benchmarks.load(f"{name}:tiny", {"retain_limit": None})
    for split in ("forget", "retain"):
        taught = {(s.entity, s.text, s.answer) for s in found.learn[split].samples}
        asked = {(s.entity, s.text, s.answer) for s in found.evaluate[split].samples}
        assert asked <= taught


def test_overlapping_forget_and_holdout_are_an_error_of_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a loader of another package gives is checked too."""

    good = benchmarks.load("mmubench:tiny")

    @dataclass(frozen=True)
    class Overlapping:
        def load(self, path: Path, edition: str) -> Benchmark:
            return replace(good, evaluate={**good.evaluate, "holdout": good.evaluate["forget"]})

    monkeypatch.setattr(registry, "get", lambda kind, name: Overlapping)
    with pytest.raises(UserError, match=r"^mmubench:.*entity '.*' is in both holdout and trained"):
        benchmarks.load(f"mmubench:{tmp_path}")


def test_a_release_is_judged_by_its_rules_and_an_embedded_edition_strictly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = benchmarks.edition_path("unlok_vqa", "tiny")
    assert benchmarks.load(f"unlok_vqa:{folder}#20").judges == {"short": "contains"}
    assert benchmarks.load("unlok_vqa:tiny").judges == {}
    assert benchmarks.judges_of("mllmu_bench:tiny#4") == {}
    assert benchmarks.judges_of("mllmu_bench:folder")["classification"] == "choice"
    loader = registry.get("benchmark", "unlok_vqa")
    monkeypatch.setattr(loader, "judges", {"short": "contain"})
    with pytest.raises(UserError, match="unlok_vqa: unknown judge 'contain'; did you mean"):
        benchmarks.load(f"unlok_vqa:{folder}")


def test_an_edition_says_its_options() -> None:
    written = benchmarks.load("unlok_vqa:tiny&forget=3&neighbour_picture=true&retain_limit=none#2")
    given = {"forget": 3, "neighbour_picture": True, "retain_limit": None}
    assert written.edition == "tiny&forget=3&neighbour_picture=true&retain_limit=none#2"
    assert written.data_hash == benchmarks.load("unlok_vqa:tiny#2", given).data_hash
    assert written.data_hash != benchmarks.load("unlok_vqa:tiny#2").data_hash
    assert benchmarks.plain_edition(written.edition) == "tiny"
    assert written.judges == {}


def test_how_many_are_held_out_is_an_option_and_whose_holdout_is_none() -> None:
    found = benchmarks.load("unlok_vqa:tiny&holdout=4&forget=3&holdout=mmubench:tiny&holdout=3")
    assert found.edition == "tiny&holdout=4&forget=3&holdout=mmubench:tiny&holdout=3"
    assert len(found.evaluate["forget"].entities) == 3
    assert (
        found.evaluate["holdout"] == benchmarks.load("mmubench:tiny&holdout=3").evaluate["holdout"]
    )
