"""Models that cannot be had or loaded: every verb says so in one line, ends with 2 and writes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

VERBS = ("measure", "trace", "unlearn", "run")
STUDY = """
name: refused
benchmarks: [unlok_vqa:tiny]
model: {MODEL}
oracles: {seeds: [0, 1]}
methods: [{name: gradient_ascent, steps: 1, lr: 1.0e-4}]
seeds: [1]
"""


@pytest.fixture
def asked(uqs: Any, small: str, tmp_path: Path) -> Any:
    """Ask a verb for a model, and check that it refuses; returns its line."""

    def ask(verb: str, model: str | Path, *more: object, fields: str = "") -> str:
        out, cache = tmp_path / "out.parquet", ("--cache", tmp_path / "cache")
        benchmark = ("--benchmark", small)
        if verb == "run":
            name, _, revision = str(model).partition("@")
            at = f"path: {name}, revision: {revision}" if revision else f"path: {name}"
            file = tmp_path / "study.yaml"
            file.write_text(STUDY.replace("MODEL", f"name: tiny_llava, {at}{fields}"))
            words: tuple[object, ...] = (file, "--runs", out)
        elif verb == "measure":
            words = ("--original", model, *benchmark, "--out", out, *cache, *more)
        elif verb == "trace":
            words = ("--model", model, *benchmark, "--out", out, *cache, *more)
        else:
            method = ("--method", "gradient_ascent")
            words = ("--original", model, *method, *benchmark, "--out", out, *more)
        done = uqs(verb, *words)
        errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
        assert done.code == 2
        assert len(errors) == 1
        assert done.err.splitlines()[-1] == errors[0]
        assert not out.exists()
        return str(errors[0])

    return ask


@pytest.mark.parametrize("verb", VERBS)
def test_a_hub_id_without_a_network(asked, nothing_fetched: None, verb: str) -> None:  # type: ignore[no-untyped-def]
    assert "no folder 'someone/model', and the hub does not give it (" in asked(
        verb, "someone/model"
    )


@pytest.mark.parametrize("verb", VERBS)
def test_a_gated_model(asked, hub_answers, verb: str) -> None:  # type: ignore[no-untyped-def]
    hub_answers(403, "GatedRepo")
    assert "the hub's 'a/gated' asks for its terms to be accepted on its page" in asked(
        verb, "a/gated"
    )


@pytest.mark.parametrize("verb", ["measure", "run"])
def test_a_revision_that_is_missing(asked, hub_answers, verb: str) -> None:  # type: ignore[no-untyped-def]
    hub_answers(404, "RevisionNotFound")
    assert "the hub's 'a/b' has no revision 'old'" in asked(verb, "a/b@old")


@pytest.mark.parametrize("verb", ["measure", "run"])
def test_a_model_that_is_not_there(asked, hub_answers, verb: str) -> None:  # type: ignore[no-untyped-def]
    hub_answers(404, "RepoNotFound")
    assert "the hub has no such model that you may read" in asked(verb, "a/none")


@pytest.mark.parametrize(
    ("verb", "more", "fields"),
    [
        ("measure", ("--load-in", "8bit"), ""),
        ("measure", ("--load-in", "4bit"), ""),
        ("trace", ("--load-in", "8bit"), ""),
        ("unlearn", ("--adapter", "qlora"), ""),
        ("run", (), ", adapter: {kind: qlora}"),
        ("run", (), ", load_in: 8bit"),
    ],
)
def test_few_bits_without_bitsandbytes(  # type: ignore[no-untyped-def]
    asked, base: Path, monkeypatch, verb: str, more: tuple[str, ...], fields: str
) -> None:
    for module in ("uqs.models.low_bit", "uqs.studies.spec"):
        monkeypatch.setattr(f"{module}.find_spec", lambda name: None)
    line = asked(verb, base, *more, fields=fields)
    assert "bitsandbytes" in line
    assert "is not installed" in line
    assert "pip install 'uqs[qlora]'" in line


@pytest.mark.parametrize("verb", ["trace", "unlearn"])
def test_the_processor_of_another_model(asked, base: Path, tmp_path: Path, verb: str) -> None:  # type: ignore[no-untyped-def]
    """Its tokenizer writes another token where the model expects a picture."""
    other = tmp_path / "processor"
    shutil.copytree(base, other, ignore=shutil.ignore_patterns("*.safetensors"))
    file = other / "tokenizer.json"
    told = json.loads(file.read_text())
    words = told["model"]["vocab"]
    words["<image>"], words["the"] = words["the"], words["<image>"]
    for added in told["added_tokens"]:
        if added["content"] == "<image>":
            added["id"] = words["<image>"]
    file.write_text(json.dumps(told))
    line = asked(verb, base, "--processor", other)
    assert f"{other}: is the processor of another model: its mark of a picture" in line


@pytest.mark.parametrize(
    ("verb", "more", "said"),
    [
        ("unlearn", ("--device", "auto"), "a model is trained on one device: --device auto is for"),
        ("trace", ("--device", "auto", "--load-in", "8bit"), "is not spread over devices"),
    ],
)
def test_what_cannot_be_spread(asked, base: Path, verb: str, more, said: str) -> None:  # type: ignore[no-untyped-def]
    assert said in asked(verb, base, *more)


@pytest.mark.parametrize("kind", ["full", "qlora"])
def test_eight_bits_carry_a_lora_adapter(asked, base: Path, kind: str) -> None:  # type: ignore[no-untyped-def]
    line = asked("run", base, fields=f", load_in: 8bit, adapter: {{kind: {kind}}}")
    assert f"'model.load_in': adapter kind '{kind}' has no base in 8 bits" in line
