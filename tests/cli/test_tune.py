"""A search on real models of a few steps."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from uqs.studies.spec import read_study

STUDY = """
name: small
benchmarks: [mmubench:tiny]
model: {name: tiny_llava}
training: {max_steps: 2, batch_size: 4}
strengths: tuned.yaml
methods:
  - original
  - {name: gradient_ascent, steps: 1, batch_size: 4, strength: weak}
seeds: [1]
"""


def search(uqs, folder: Path, *targets: str, seed: int = 7):  # type: ignore[no-untyped-def]
    file = folder / "study.yaml"
    file.write_text(STUDY)
    return uqs(
        *("tune", file, "--out", folder / "tuned.yaml", "--page", folder / "page.md"),
        *("--trials", 4, "--seed", seed, "--questions", 6, "--workers", 2, "--tolerance", 1),
        *("--runs", folder / "runs", "--plain"),
        *(word for target in targets for word in ("--target", target)),
    )


def test_what_is_found_is_a_study_s_strengths_and_a_second_search_makes_nothing(
    uqs, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    said = search(uqs, tmp_path, "weak=0.9", "strong=0.1")
    assert said.code == 0, said.err
    assert said.out.startswith("gradient_ascent (lr): weak ")
    found = yaml.safe_load((tmp_path / "tuned.yaml").read_text())
    assert set(found["methods"]) == {"gradient_ascent"}
    do_nothing, weak = read_study(tmp_path / "study.yaml").methods
    assert (do_nothing.name, weak.strength) == ("original", "weak")
    assert set(found["methods"]["gradient_ascent"]) == {"weak", "strong"}
    assert weak.hyperparameters["steps"] == 1
    assert (tmp_path / "page.md").read_text().count("| gradient_ascent |") == 4
    before = (tmp_path / "tuned.yaml").read_bytes()
    assert "[" not in search(uqs, tmp_path, "weak=0.9", "strong=0.1").err  # no cell is made
    assert (tmp_path / "tuned.yaml").read_bytes() == before


@pytest.mark.parametrize("target", ["weak", "=0.5", "weak=much", "weak=1.5", "weak=0_5"])
def test_a_target_that_is_none_is_told(uqs, tmp_path: Path, target: str) -> None:  # type: ignore[no-untyped-def]
    said = search(uqs, tmp_path, target)
    assert said.code == 2
    assert "write STRENGTH=ACCURACY" in said.err
    assert not (tmp_path / "tuned.yaml").exists()


@pytest.mark.parametrize("seed", [0, 1])  # an oracle's, the study's own
def test_a_seed_that_the_study_uses_is_refused(uqs, tmp_path: Path, seed: int) -> None:  # type: ignore[no-untyped-def]
    said = search(uqs, tmp_path, seed=seed)
    assert said.code == 2
    assert f"seed {seed} is one of the study's own" in said.err
    assert not (tmp_path / "runs").exists()


def test_without_torch_it_says_what_to_install(
    uqs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("uqs.training_extra.find_spec", lambda name: None)
    said = search(uqs, tmp_path, "weak=much")
    assert (said.code, said.out) == (2, "")
    assert said.err == "error: torch is not installed; tuning needs: pip install 'uqs[run]'\n"
