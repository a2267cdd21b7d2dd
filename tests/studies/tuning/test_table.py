from __future__ import annotations

from pathlib import Path

import yaml

from uqs.methods.cards.card import Knob
from uqs.methods.cards.labels import SalUnSettings
from uqs.studies.spec import MethodChoice, Model, Study
from uqs.studies.strengths import read_strengths
from uqs.studies.tuning.run import Tuned, TuneOptions, Tuning
from uqs.studies.tuning.search import Tried
from uqs.studies.tuning.table import page, strengths_file


def tuning() -> Tuning:
    study = Study(
        name="small",
        benchmarks=("mmubench:tiny",),
        model=Model(name="tiny_llava"),
        methods=(MethodChoice(name="salun", hyperparameters=SalUnSettings().model_dump()),),
        seeds=(1,),
    )

    def gave(forget: float | None, retain: float | None) -> Tried:
        return Tried({"mmubench:tiny": forget}, {"mmubench:tiny": retain})

    tried = {1e-4: gave(0.8, 0.95), 1e-3: gave(0.2, 0.6), 1e-2: gave(None, None)}
    options = TuneOptions({"weak": 0.75, "strong": 0.15}, trials=4)
    tuned = Tuned(study.methods[0], Knob(), tried)
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
