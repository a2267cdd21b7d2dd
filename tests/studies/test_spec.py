"""The study file: its defaults, and one clear line for whatever is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from uqs.errors import DataError
from uqs.methods.cards.labels import SalUnSettings
from uqs.metrics.catalogue import CARDS, CORE
from uqs.records import Need
from uqs.studies.spec import dump_study, read_study, read_study_to_tune

SMALL: dict[str, Any] = {
    "name": "small",
    "benchmarks": ["mmubench:tiny"],
    "model": {"name": "tiny_llava"},
    "methods": [
        "gradient_ascent",
        {"name": "salun", "mask_share": 0.25, "lr": 2e-4, "strength": "weak"},
    ],
    "seeds": [42, 7],
}


def write(path: Path, text: str | dict[str, Any]) -> Path:
    file = path / "study.yaml"
    file.write_text(text if isinstance(text, str) else yaml.safe_dump(text))
    return file


def test_defaults_are_filled_in(tmp_path: Path) -> None:
    study = read_study(write(tmp_path, SMALL))
    assert study.oracles.seeds == (0, 1)
    assert study.originals == "per_seed"
    assert study.shadows == 0
    assert study.metrics == CORE
    assert study.model.adapter.kind == "lora"
    ascent, salun = study.methods
    assert (ascent.name, ascent.strength) == ("gradient_ascent", "")
    assert (salun.name, salun.strength) == ("salun", "weak")
    assert salun.hyperparameters == SalUnSettings(mask_share=0.25, lr=2e-4).model_dump()
    assert read_study(write(tmp_path, SMALL | {"metrics": "default"})) == study
    everything = read_study(write(tmp_path, SMALL | {"metrics": "all"})).metrics
    without = {card.name for card in CARDS.values() if Need.SHADOWS in card.needs}
    assert set(everything) == {card.name for card in CARDS.values()} - without


def test_the_resolved_file_reads_as_the_same_study(tmp_path: Path) -> None:
    study = read_study(write(tmp_path, SMALL))
    assert read_study(write(tmp_path, dump_study(study))) == study
    shadowed = read_study(write(tmp_path, SMALL | {"shadows": 8}))
    assert read_study(write(tmp_path, dump_study(shadowed))).shadows == 8


def test_numbers_may_be_written_as_people_write_them(tmp_path: Path) -> None:
    text = yaml.safe_dump(SMALL) + "training: {lr: 2e-3, replay: 0}\n"
    study = read_study(write(tmp_path, text))
    assert (study.training.lr, study.training.replay) == (0.002, 0)


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        ({"sedes": [1]}, "sedes", "unknown key; did you mean 'seeds'?"),
        ({"training": {"stepz": 1}}, "training.stepz", "unknown key; did you mean 'max_steps'?"),
        (
            {"model": {"name": "tiny_llava", "adapter": {"rank": 1}}},
            "model.adapter.rank",
            "known: ",
        ),
        ({"model": {"name": "tiny_lava"}}, "model.name", "did you mean 'tiny_llava'?"),
        ({"model": {"name": "llava"}}, "model.name", "ships no base that a study could train"),
        ({"model": "tiny_llava"}, "model", "must hold keys and values, not 'tiny_llava'"),
        ({"model": {"name": "tiny_llava", "adapter": {"r": 1.5}}}, "model.adapter.r", "1.5"),
        ({"benchmarks": ["mmubnech:tiny"]}, "benchmarks", "did you mean 'mmubench'?"),
        ({"benchmarks": []}, "benchmarks", "is empty"),
        ({"benchmarks": ["mmubench:tiny"] * 2}, "benchmarks", "'mmubench:tiny' appears twice"),
        ({"methods": []}, "methods", "is empty"),
        ({"methods": ["salum"]}, "methods[0]", "did you mean 'salun'?"),
        ({"methods": ["salun", {"name": "salun", "lr": 1.0}]}, "methods", "its own `strength`"),
        ({"methods": [{"lr": 1.0}]}, "methods[0]", "is no method; write its name"),
        ({"methods": [{"name": "salun", "mask": 1}]}, "methods[0].mask", "'mask_share'"),
        ({"methods": [{"name": "salun", "steps": "many"}]}, "methods[0].steps", "'many'"),
        ({"methods": [{"name": "salun", "lr": -1.0}]}, "methods[0].lr", "greater than 0"),
        ({"methods": [{"name": "salun", "strength": 3}]}, "methods[0].strength", "list of words"),
        ({"methods": [{"name": "salun", "strength": []}]}, "methods[0].strength", "list of words"),
        ({"methods": ["retrain"]}, "methods[0]", "write its seeds under oracles.seeds"),
        ({"methods": ["no_file.py:Mine"]}, "methods[0]", "no_file.py"),
        ({"trainer": {"precision": "int8"}}, "trainer.precision", "'float32' or 'bfloat16'"),
        ({"trainer": {"stop": {"at": 0.0}}}, "trainer.stop.at", "greater than 0"),
        ({"strengths": 3}, "strengths", "3 is no file"),
        ({"methods": "salun"}, "methods", "should be a valid list; it is 'salun'"),
        ({"seeds": []}, "seeds", "is empty"),
        ({"seeds": [1, 2, 1]}, "seeds", "1 appears twice"),
        ({"seeds": [-1]}, "seeds[0]", "greater than or equal to 0"),
        ({"seeds": [2**31]}, "seeds[0]", "less than"),
        ({"seeds": [True]}, "seeds[0]", "valid integer"),
        ({"seeds": "42"}, "seeds", "should be a valid list"),
        ({"oracles": {"seeds": [0]}}, "oracles.seeds", "two seeds or more"),
        ({"oracles": {"seeds": [0, 0]}}, "oracles.seeds", "0 appears twice"),
        ({"metrics": ["forget_acuracy"]}, "metrics", "did you mean 'forget_accuracy'?"),
        ({"metrics": "every"}, "metrics", "should be a valid list"),
        ({"shadows": 2}, "shadows", "must be 0 or an even number of at least 4"),
        ({"shadows": 5}, "shadows", "it is 5"),
        ({"shadows": -4}, "shadows", "greater than or equal to 0"),
        ({"shadows": 4.0}, "shadows", "valid integer"),
        ({"originals": "one"}, "originals", "'per_seed' or 'shared'"),
        ({"training": {"lr": float("nan")}}, "training.lr", "finite number"),
        ({"training": {"replay": 1.0}}, "training.replay", "less than 1"),
        ({"training": {"max_steps": 0, "lr": 0.0}}, "training.max_steps", "(and 1 more)"),
        ({"training": {"steps": 600}}, "training.steps", "is gone: training ends at a criterion"),
        ({"training": {"init_seed": 0}}, "training.init_seed", "is gone"),
        ({"references": {"shares": [1.5]}}, "references.shares[0]", "less than or equal to 1"),
        ({"references": {"shares": [0.5, 0.5]}}, "references.shares", "0.5 appears twice"),
        ({"references": {"shares": [0.5], "seeds": []}}, "references.seeds", "is empty"),
        ({"references": {"suppressed": ["sulking"]}}, "references.suppressed[0]", "'refusal'"),
        (
            {"references": {"damaged": {"noise": [0]}}},
            "references.damaged.noise[0]",
            "greater than 0",
        ),
        ({"methods": ["original", "guardrail"]}, "methods", "name baselines alone"),
        ({"arithmetic": "exact"}, "arithmetic", "'avx2' or 'native'"),
        ({"gates": {"entities": 0.0}}, "gates.entities", "greater than 0"),
        ({"gates": {"confidence": 0.99}}, "gates.confidence", "is gone"),
        ({"gates": {"margin": 0.05}}, "gates.margin", "is gone"),
        ({"name": "../up"}, "name", "must be letters, digits"),
        ({"name": ""}, "name", "must be letters, digits"),
        ({"name": 3}, "name", "valid string"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, change: dict[str, Any], field: str, problem: str
) -> None:
    file = write(tmp_path, SMALL | change)
    with pytest.raises(DataError) as caught:
        read_study(file)
    assert (caught.value.file, caught.value.field) == (str(file), field)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["name", "benchmarks", "model", "methods", "seeds"])
def test_what_has_no_default_must_be_there(tmp_path: Path, key: str) -> None:
    file = write(tmp_path, {name: value for name, value in SMALL.items() if name != key})
    with pytest.raises(DataError, match=f"field '{key}': is missing"):
        read_study(file)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: a\nseeds: [1\n", "line 3: "),
        ("name: a\nname: b\n", "line 2: duplicate key 'name'"),
        ("model: {name: a, name: b}\n", "line 1: duplicate key 'name'"),
        ("name: !!python/object/apply:os.getcwd []\n", "line 1: could not determine a constructor"),
        ("name: *other\n", "line 1: found undefined alias"),
        ("? [a]\n: b\n", "line 1: a key must be text, not ['a']"),
        ("- a\n", "must hold keys and values"),
        ("", "must hold keys and values"),
        ("1: a\n", "line 1: a key must be text, not 1"),
        ("name: a\n---\nname: b\n", "line 2: "),
        ("\t- x", "line 1: "),
        ("name: 2001-99-99\n", "is no YAML"),
        ("a: \x01\n", "is no YAML"),
    ],
)
def test_what_is_no_study_file_is_told(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(DataError) as caught:
        read_study(write(tmp_path, text))
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_study(tmp_path / "none.yaml")
    with pytest.raises(DataError, match="is not a readable text file"):
        read_study(tmp_path)
    (tmp_path / "b.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(DataError, match="is not a readable text file"):
        read_study(tmp_path / "b.yaml")


FOUND_ON = {
    "model": {"name": "tiny_llava"},
    "benchmarks": ["mmubench:tiny", "unlok_vqa:tiny"],
    "seed": 70,
}
REST = {"steps": 40, "batch_size": 32, "retain_weight": 1.0, "mask_share": 0.3}
STRENGTHS = FOUND_ON | {
    "methods": {"salun": {"weak": {"lr": 1e-4, **REST}, "strong": {"lr": 1e-2, **REST}}}
}


def write_strengths(path: Path, content: Any = STRENGTHS) -> None:
    (path / "tuned.yaml").write_text(yaml.safe_dump(content))


def test_a_list_of_strengths_is_that_many_settings(tmp_path: Path) -> None:
    write_strengths(tmp_path)
    entry = {"name": "salun", "strength": ["weak", "strong"], "steps": 5}
    study = read_study(
        write(tmp_path, SMALL | {"strengths": "tuned.yaml", "methods": ["gradient_ascent", entry]})
    )
    _, weak, strong = study.methods
    assert (weak.strength, strong.strength) == ("weak", "strong")
    assert weak.hyperparameters == SalUnSettings(lr=1e-4, mask_share=0.3, steps=5).model_dump()
    assert strong.hyperparameters["lr"] == 1e-2
    assert read_study(write(tmp_path, dump_study(study))) == study


def test_what_the_study_says_goes_before_what_was_tuned(tmp_path: Path) -> None:
    write_strengths(tmp_path)
    entry = {"name": "salun", "strength": "weak", "mask_share": 0.9}
    file = write(tmp_path, SMALL | {"strengths": "tuned.yaml", "methods": [entry]})
    assert read_study(file).methods[0].hyperparameters["mask_share"] == 0.9


def test_without_a_file_a_strength_is_a_word_for_tables(tmp_path: Path) -> None:
    entry = {"name": "salun", "strength": "weak", "lr": 0.5}
    (choice,) = read_study(write(tmp_path, SMALL | {"methods": [entry]})).methods
    assert (choice.strength, choice.hyperparameters["lr"]) == ("weak", 0.5)


@pytest.mark.parametrize(
    ("content", "strength", "problem"),
    [
        (STRENGTHS, "medium", r"field 'methods\.salun': has no 'medium'"),
        (FOUND_ON | {"methods": {"salum": {}}}, "weak", "has no 'salun'; did you mean 'salum'"),
        ({"methods": []}, "weak", "must hold methods with their strengths"),
        ({"methods": {"salun": 3}}, "weak", r"'methods\.salun': must hold strengths"),
        ({"methods": {"salun": {"weak": 3}}}, "weak", "must hold hyperparameters"),
        (
            FOUND_ON | {"methods": {"salun": {"weak": REST | {"lr": -1.0}}}},
            "weak",
            r"methods\[0\]\.lr.*greater than 0",
        ),
    ],
)
def test_strengths_that_are_not_there_are_told(
    tmp_path: Path, content: Any, strength: str, problem: str
) -> None:
    write_strengths(tmp_path, content)
    methods = [{"name": "salun", "strength": strength}]
    file = write(tmp_path, SMALL | {"strengths": "tuned.yaml", "methods": methods})
    with pytest.raises(DataError, match=problem):
        read_study(file)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"name": "salun", "strength": ["weak", "strong"]}, "nothing says what 'weak' is"),
        ({"name": "salun", "strength": "weak", "mask_share": 0.1}, "or write lr here"),
        ({"name": "manu", "strength": "weak"}, "or write share here"),
        ({"name": "original", "strength": "weak"}, "or leave the word out"),
    ],
)
def test_a_strength_that_nothing_defines_is_told(
    tmp_path: Path, entry: dict[str, Any], problem: str
) -> None:
    with pytest.raises(DataError, match=problem) as caught:
        read_study(write(tmp_path, SMALL | {"methods": [entry]}))
    assert caught.value.field == "methods[0].strength"


@pytest.mark.parametrize("with_file", [False, True])
def test_two_strengths_are_two_models(tmp_path: Path, with_file: bool) -> None:
    write_strengths(tmp_path)
    entry = {"name": "salun", "strength": ["weak", "strong"], "lr": 0.5}
    study = SMALL | {"methods": [entry]} | ({"strengths": "tuned.yaml"} if with_file else {})
    with pytest.raises(DataError, match="'salun' at 'strong' is the same model as at 'weak'"):
        read_study(write(tmp_path, study))


def tuned_for(tmp_path: Path, found_on: dict[str, Any], **study: Any) -> DataError:
    write_strengths(tmp_path, STRENGTHS | found_on)
    methods = [{"name": "salun", "strength": "weak"}]
    file = write(tmp_path, SMALL | {"strengths": "tuned.yaml", "methods": methods} | study)
    with pytest.raises(DataError) as caught:
        read_study(file)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("found_on", "problem"),
    [
        (
            {"model": {"name": "tiny_llava", "adapter": {"kind": "full"}}},
            "was found for model.adapter.kind 'full', this study has 'lora'; search this study's own",
        ),
        ({"model": {"name": "tiny_llava", "adapter": {"r": 8}}}, "model.adapter.r 8"),
        ({"model": {"name": "qwen_vl"}}, "model.name 'qwen_vl', this study has 'tiny_llava'"),
        ({"benchmarks": ["unlok_vqa:tiny"]}, "on unlok_vqa:tiny, this study has 'mmubench:tiny'"),
    ],
)
def test_strengths_of_another_model_or_benchmark_are_refused(
    tmp_path: Path, found_on: dict[str, Any], problem: str
) -> None:
    error = tuned_for(tmp_path, found_on)
    assert (error.field, error.file) == ("strengths", str(tmp_path / "study.yaml"))
    assert problem in str(error)


def test_a_study_does_not_measure_with_the_seed_of_the_search(tmp_path: Path) -> None:
    error = tuned_for(tmp_path, {}, seeds=[1, 70])
    assert error.field == "seeds"
    assert "with originals of seed 70" in str(error)


@pytest.mark.parametrize("key", ["model", "benchmarks", "seed"])
def test_strengths_say_what_they_were_found_on(tmp_path: Path, key: str) -> None:
    error = tuned_for(tmp_path, {key: None})
    assert (error.field, error.file) == (key, str(tmp_path / "tuned.yaml"))


@pytest.mark.parametrize("left_out", ["lr", "mask_share"])
def test_an_entry_of_strengths_is_whole(tmp_path: Path, left_out: str) -> None:
    values = {key: value for key, value in {"lr": 1e-4, **REST}.items() if key != left_out}
    error = tuned_for(tmp_path, {"methods": {"salun": {"weak": values}}})
    assert error.field == "methods.salun.weak"
    assert f"lacks {left_out}" in str(error)


def test_full_training_has_no_rank(tmp_path: Path) -> None:
    write_strengths(
        tmp_path,
        STRENGTHS | {"model": {"name": "tiny_llava", "adapter": {"kind": "full", "r": 4}}},
    )
    model = {"name": "tiny_llava", "adapter": {"kind": "full"}}
    entry = {"name": "salun", "strength": "weak"}
    study = SMALL | {"strengths": "tuned.yaml", "methods": [entry], "model": model}
    assert read_study(write(tmp_path, study)).methods[0].hyperparameters["lr"] == 1e-4


def test_a_target_that_the_search_missed_is_told(tmp_path: Path) -> None:
    missed = {"salun": {"medium": "no trial came near"}}
    write_strengths(tmp_path, STRENGTHS | {"missed": missed})
    methods = [{"name": "salun", "strength": "medium"}]
    with pytest.raises(DataError, match="has no 'medium'; no trial came near"):
        read_study(write(tmp_path, SMALL | {"strengths": "tuned.yaml", "methods": methods}))


@pytest.mark.parametrize("number", ["010", "1_2", "1:30", "0x1F", "0b11", "+1_0", "1_2.5"])
def test_a_number_that_readers_take_differently_is_refused(tmp_path: Path, number: str) -> None:
    text = yaml.safe_dump(SMALL | {"seeds": []}).replace("seeds: []", f"seeds: [{number}]")
    with pytest.raises(DataError, match="is no plain decimal number"):
        read_study(write(tmp_path, text))


def test_a_missing_file_of_strengths_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"tuned\.yaml: no such file"):
        read_study(write(tmp_path, SMALL | {"strengths": "tuned.yaml"}))


def test_to_tune_a_study_its_strengths_need_not_exist(tmp_path: Path) -> None:
    entry = {"name": "salun", "strength": ["weak", "strong"], "steps": 5}
    file = write(tmp_path, SMALL | {"strengths": "none.yaml", "methods": [entry]})
    (choice,) = read_study_to_tune(file).methods
    assert (choice.name, choice.strength, choice.hyperparameters["steps"]) == ("salun", "", 5)


def test_a_benchmark_may_be_trained_longer_than_the_others(tmp_path: Path) -> None:
    own = {"max_steps": 10, "lr": 1e-3, "per_benchmark": {"mmubench": {"max_steps": 25}}}
    study = read_study(write(tmp_path, SMALL | {"training": own}))
    assert (study.training.on("mmubench").max_steps, study.training.on("mmubench").lr) == (25, 1e-3)
    assert study.training.on("unlok_vqa").max_steps == 10
    wrong = SMALL | {"training": {"per_benchmark": {"mmubensh": {"max_steps": 25}}}}
    with pytest.raises(DataError, match=r"'training\.per_benchmark'.*did you mean 'mmubench'"):
        read_study(write(tmp_path, wrong))
