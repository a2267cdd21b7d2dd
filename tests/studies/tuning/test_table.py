from __future__ import annotations

from pathlib import Path

import yaml

from uqs.methods.cards.card import TunedHyperparameter
from uqs.methods.cards.labels import SalUnSettings
from uqs.studies.spec import MethodChoice, Model, Study
from uqs.studies.strengths import read_strengths
from uqs.studies.tuning.run import TunedMethod, TuneOptions, Tuning
from uqs.studies.tuning.search import TrialResult
from uqs.studies.tuning.table import page, strengths_file


def tuning(strong: float = 0.2) -> Tuning:
    study = Study(
        name="small",
        benchmarks=("mmubench:tiny",),
        model=Model(name="tiny_llava"),
        methods=(MethodChoice(name="salun", hyperparameters=SalUnSettings().model_dump()),),
        seeds=(1,),
    )

    def gave(forget: float | None, retain: float | None) -> TrialResult:
        return TrialResult({"mmubench:tiny": forget}, {"mmubench:tiny": retain})

    tried = {1e-4: gave(0.8, 0.95), 1e-3: gave(strong, 0.6), 1e-2: gave(None, None)}
    options = TuneOptions({"weak": 0.75, "strong": 0.15}, trials=4)
    tuned = TunedMethod(study.methods[0], TunedHyperparameter(), tried)
    return Tuning(study, options, gave(0.98, 0.99), [tuned])


def test_a_study_reads_what_was_found(tmp_path: Path) -> None:
    file = tmp_path / "tuned.yaml"
    file.write_text(strengths_file(tuning()))
    found = read_strengths(file)
    assert found.of("salun", "weak") == SalUnSettings(lr=1e-4).model_dump()
    assert found.of("salun", "strong")["lr"] == 1e-3
    assert yaml.safe_load(file.read_text())["targets"] == {"weak": 0.75, "strong": 0.15}


def test_the_page_shows_every_trial_and_marks_the_chosen() -> None:
    lines = page(tuning()).splitlines()
    assert "| salun | lr | **0.0001** | weak | 0.80 | 0.95 | 0.80 |" in lines
    assert "| salun | lr | **0.001** | strong | 0.20 | 0.60 | 0.20 |" in lines
    assert "| salun | lr | 0.01 |  | collapsed | collapsed | collapsed |" in lines
    assert "have 0.98 and 0.99" in page(tuning())
    assert "up to 120 questions" in page(tuning())


def test_what_was_reached_stands_beside_the_target_and_what_was_missed_has_no_value() -> None:
    tree = yaml.safe_load(strengths_file(tuning()))
    assert tree["tolerance"] == 0.15
    assert tree["reached"]["salun"] == {
        "weak": {"mmubench:tiny": 0.8},
        "strong": {"mmubench:tiny": 0.2},
    }
    assert tree["missed"] == {}
    sentence = (
        "no trial came within 0.15 of forget accuracy 0.15: the nearest (lr 0.001) reached 0.70, "
        "0.55 off as a mean over the benchmarks"
    )
    missing = tuning(strong=0.7)
    tree = yaml.safe_load(strengths_file(missing))
    assert set(tree["methods"]["salun"]) == set(tree["reached"]["salun"]) == {"weak"}
    assert tree["missed"] == {"salun": {"strong": sentence}}
    assert f"salun, strong: {sentence}." in page(missing).splitlines()


def test_the_shipped_file_says_of_its_strengths_what_its_page_says() -> None:
    root = Path(__file__).parents[3]
    tree = yaml.safe_load((root / "studies" / "tiny_strengths.yaml").read_text())
    marked: dict[tuple[str, str], list[str]] = {}
    for line in (root / "docs" / "strengths.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 9:
            for strength in cells[3].split(", "):
                if strength in tree["targets"]:
                    marked[cells[0], strength] = cells[6:]
    reached = {(m, s): tree["reached"][m][s] for m in tree["reached"] for s in tree["reached"][m]}
    assert marked.keys() == reached.keys()
    for (method, strength), by_benchmark in reached.items():
        assert [f"{by_benchmark[b]:.2f}" for b in tree["benchmarks"]] == marked[method, strength]
        target = round(100 * tree["targets"][strength])  # whole hundredths: no rounding decides
        off = sum(abs(round(100 * value) - target) for value in by_benchmark.values())
        missed = off > round(100 * tree["tolerance"]) * len(by_benchmark)
        assert (strength in tree["missed"].get(method, {})) == missed, (method, strength)
        assert set(tree["methods"][method]) == set(tree["targets"])
