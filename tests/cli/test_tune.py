"""A search on real models of a few steps."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from uqs.cli.tune import tune
from uqs.errors import UserError
from uqs.studies.spec import read_study

STUDY = """
name: small
benchmarks: [mmubench:tiny]
model: {name: tiny_llava}
training: {steps: 2, batch_size: 4}
strengths: tuned.yaml
methods:
  - original
  - {name: gradient_ascent, steps: 1, batch_size: 4, strength: [weak, strong]}
seeds: [1]
"""


def search(folder: Path, *targets: str, trials: int = 4) -> int:
    file = folder / "study.yaml"
    file.write_text(STUDY)
    return tune(
        file,
        folder / "tuned.yaml",
        folder / "page.md",
        trials,
        list(targets),
        seed=7,
        questions=6,
        workers=2,
        runs=folder / "runs",
        plain=True,
    )


def test_what_is_found_is_a_study_s_strengths_and_a_second_search_makes_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert search(tmp_path, "weak=0.9", "strong=0.1") == 0
    printed = capfd.readouterr()
    assert printed.out.startswith("gradient_ascent (lr): weak ")
    found = yaml.safe_load((tmp_path / "tuned.yaml").read_text())
    assert set(found["methods"]) == {"gradient_ascent"}
    do_nothing, weak, strong = read_study(tmp_path / "study.yaml").methods
    assert (do_nothing.name, weak.strength, strong.strength) == ("original", "weak", "strong")
    assert weak.hyperparameters["steps"] == 1
    assert (tmp_path / "page.md").read_text().count("| gradient_ascent |") == 4
    before = (tmp_path / "tuned.yaml").read_bytes()
    assert search(tmp_path, "weak=0.9", "strong=0.1") == 0
    assert "[" not in capfd.readouterr().err  # no cell is made
    assert (tmp_path / "tuned.yaml").read_bytes() == before


@pytest.mark.parametrize("target", ["weak", "=0.5", "weak=much", "weak=1.5"])
def test_a_target_that_is_none_is_told(tmp_path: Path, target: str) -> None:
    with pytest.raises(UserError, match="write STRENGTH=ACCURACY"):
        search(tmp_path, target)
    assert not (tmp_path / "tuned.yaml").exists()
