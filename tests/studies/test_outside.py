"""A small real study: the same whoever works at it, and its checkpoints are what plain libraries load."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from rich.console import Console

from uqs import benchmarks, results
from uqs.answers import is_right
from uqs.studies.run import RunOptions, plan_study, run_plan

STUDY = """
name: small
benchmarks: [unlok_vqa:tiny]
model: {name: tiny_llava, adapter: {r: 4, alpha: 8, targets: language.all}}
training: {max_steps: 40, lr: 4.0e-3, batch_size: 32, replay: 0.2}
gates: {accuracy: 0.0, entities: 1.0, share: 1.0}
methods: [{name: salun, steps: 2, batch_size: 8}]
seeds: [1]
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the study, run by two workers."""
    return run(tmp_path_factory.mktemp("two"), workers=2)


def run(folder: Path, workers: int) -> Path:
    file = folder / "small.yaml"
    file.write_text(STUDY)
    console = Console(file=io.StringIO())
    return run_plan(plan_study(file), RunOptions(folder / "runs", workers, plain=True), console)


def rows(run: Path) -> list[dict[str, object]]:
    return [
        {name: value for name, value in vars(row).items() if name != "seconds"}
        for row in results.read(run / "results.parquet")
    ]


def test_one_worker_makes_the_same_bits_as_two(finished: Path, tmp_path: Path) -> None:
    alone = run(tmp_path, workers=1)
    assert rows(alone) == rows(finished)
    for file in sorted((finished / "jobs").rglob("*")):
        if file.is_file() and file.name != "manifest.json":
            assert (alone / file.relative_to(finished)).read_bytes() == file.read_bytes()


def test_every_role_is_measured(finished: Path) -> None:
    table = results.read(finished / "results.parquet")
    assert {row.role for row in table} == {"original", "oracle", "unlearned"}
    # what is suppressed, and so can be recovered at all, is up to the models
    told = {row.status for row in table if not row.metric.startswith("KR")}
    assert told == {"ok", "too_few", "weak_original"}
    # 40 steps teach an original little: accuracies of what was unlearned from it have no value
    weak = [row for row in table if row.status == "weak_original"]
    assert {row.role for row in weak} == {"unlearned"}
    assert {row.metric for row in weak} <= {"FA", "RA", "KR", "KR_IMP"}
    assert {row.metric for row in table if row.status == "too_few"} <= {"UNREAD", "KR", "KR_IMP"}
    floor = [row for row in table if row.role == "oracle" and row.metric == "JS"]
    assert {(row.seed, row.oracle_seed) for row in floor} == {(0, 1), (1, 0)}


@pytest.mark.parametrize("role", ["original", "oracle", "unlearned"])
def test_plain_libraries_get_the_same_forget_accuracy(finished: Path, role: str) -> None:
    from peft import PeftModel
    from transformers import AutoProcessor, LlavaForConditionalGeneration

    split = (
        "holdout" if role == "unlearned" else "forget"
    )  # its original is too weak to compare with
    row = next(
        row
        for row in results.read(finished / "results.parquet")
        if (row.role, row.metric, row.split) == (role, "FA", split)
    )
    adapter = finished / "jobs" / row.config_hash
    base = finished / "jobs" / json.loads((adapter / "manifest.json").read_text())["inputs"]["base"]
    model = LlavaForConditionalGeneration.from_pretrained(base)
    model = PeftModel.from_pretrained(model, adapter)
    processor = AutoProcessor.from_pretrained(base)

    asked = benchmarks.load("unlok_vqa:tiny").evaluate[split].samples
    right = 0
    for sample in asked:
        assert sample.picture is not None
        inputs = processor(
            text=f"USER: <image>\n{sample.question} ASSISTANT:",
            images=Image.open(io.BytesIO(sample.picture.data)),
            return_tensors="pt",
        )
        with torch.no_grad():
            out = model.generate(**inputs, do_sample=False, max_new_tokens=8)
        answer = processor.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        right += is_right(sample.task, answer, sample.answer)
    assert row.n == len(asked)
    assert row.value == right / len(asked)


def test_a_finished_study_makes_nothing_again(finished: Path) -> None:
    def made() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (finished / "jobs").rglob("*")}

    before = made()
    run(finished.parent.parent, workers=2)
    assert made() == before
