"""What a study of an image classifier cannot have is one line that names the key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from uqs.errors import DataError
from uqs.evaluation.splits import metric_names
from uqs.methods.cards.look_up import method_card
from uqs.metrics.catalogue import metric_card
from uqs.records import Need
from uqs.registry import BUILT_IN
from uqs.studies.spec import read_study

STUDIES = Path(__file__).parents[2] / "studies"
SMALL: dict[str, Any] = {
    "name": "small",
    "benchmarks": ["fashion_mnist:tiny&forget=random:0.1"],
    "model": {"name": "resnet", "adapter": {"kind": "full"}},
    "training": {"replay": 0.0},
    "methods": ["gradient_ascent"],
    "seeds": [42],
    "metrics": ["forget_accuracy"],
}


def written(folder: Path, **other: Any) -> Path:
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump({**SMALL, **other}), encoding="utf-8")
    return file


def test_a_study_of_a_classifier_is_read(tmp_path: Path) -> None:
    assert read_study(written(tmp_path)).model.name == "resnet"


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        (
            {"model": {"name": "resnet"}},
            "field 'model.adapter': 'resnet' has no layers for adapters",
        ),
        ({"training": {}}, "field 'training.replay': the base of 'resnet' was trained on nothing"),
        ({"methods": ["idk"]}, "field 'methods': 'idk' needs a model that writes text"),
        ({"methods": ["npo", "rmu"]}, "field 'methods': 'rmu' needs a model that writes text"),
        (
            {"metrics": ["perplexity"]},
            "field 'metrics': 'perplexity' says something of a model that",
        ),
        ({"metrics": "default"}, "field 'metrics': 'knowledge_recoverability_explicit' says"),
        ({"references": {"suppressed": ["refusal"]}}, "field 'references.suppressed': suppressed"),
    ],
)
def test_what_a_classifier_has_not(tmp_path: Path, other: dict[str, Any], problem: str) -> None:
    with pytest.raises(DataError) as error:
        read_study(written(tmp_path, **other))
    said = str(error.value)
    assert "study.yaml" in said
    assert problem in said
    assert "\n" not in said


def test_language_models_may_have_all_of_it(tmp_path: Path) -> None:
    vlm = {"model": {"name": "tiny_llava"}, "training": {}}
    found = read_study(written(tmp_path, **vlm, methods=["idk", "npo"], metrics=["perplexity"]))
    assert found.metrics == ("perplexity",)


def test_what_asks_in_words_is_of_text() -> None:
    """Probes, fluent passages, answers scored crosswise and interventions on language layers."""
    asking = {Need.PROBES, Need.FLUENT, Need.CROSS_SCORED, Need.INTERVENTIONS}
    for name in metric_names("all"):
        card = metric_card(name)
        assert card.of_text or not card.needs & asking, name
    for name in BUILT_IN["method"]:
        card = method_card(name)
        assert card.of_text or "refusals" not in card.needs, name


@pytest.mark.parametrize("name", ["unimodal.yaml", "tiny_unimodal.yaml"])
def test_the_studies_of_the_arm_are_of_one_protocol(name: str, tmp_path: Path) -> None:
    text = (STUDIES / name).read_text(encoding="utf-8")
    file = tmp_path / name  # a base of one's own is looked for when the study is planned
    file.write_text(text, encoding="utf-8")
    study = read_study(file)
    assert [choice.name for choice in study.methods] == [
        "gradient_ascent",
        "random_labels",
        "finetune_retain",
        "salun",
    ]
    assert len(study.seeds) == 3
    assert len(study.oracles.seeds) == 3
    kinds = [one.partition("&forget=")[2].partition(":")[0] for one in study.benchmarks]
    assert kinds == ["class", "random"]
