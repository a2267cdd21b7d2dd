"""Measuring real checkpoints on a small benchmark: values, gaps, what fails and what stays."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import uqs
from uqs import benchmarks
from uqs.answers import is_right
from uqs.errors import DataError, UserError
from uqs.evaluation.run import Result
from uqs.results import Row
from uqs.traces import one_pass
from uqs.traces.settings import TraceSettings

SETTINGS = TraceSettings(max_new_tokens=4, batch_size=50)
METRICS = ("FA", "RA", "MIA_AUC", "JS", "oracle_distance", "EMPTY")


def pick(rows: Sequence[Row], role: str, metric: str, **more: object) -> Row:
    found = [
        row
        for row in rows
        if (row.role, row.metric) == (role, metric)
        and all(getattr(row, name) == value for name, value in more.items())
    ]
    assert len(found) == 1, found
    return found[0]


@pytest.fixture(scope="module")
def folders(make_adapter, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:  # type: ignore[no-untyped-def]
    top = tmp_path_factory.mktemp("checkpoints")
    names = ("original", "oracle0", "oracle1", "oracle2", "npo")
    return {name: make_adapter(top / name, seed) for seed, name in enumerate(names)}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def result(folders, small: str, cache: Path) -> Result:  # type: ignore[no-untyped-def]
    return uqs.measure(
        folders["original"],
        [f"npo@weak:3={folders['npo']}"],
        small,
        oracles=[folders[f"oracle{i}"] for i in range(3)],
        metrics=METRICS,
        settings=SETTINGS,
        cache=cache,
    )


def test_every_model_has_its_rows(result: Result) -> None:
    assert not result.failures
    row = pick(result.rows, "unlearned", "FA", split="forget")
    assert (row.method, row.strength, row.seed, row.edition) == ("npo", "weak", 3, row.edition)
    assert row.judge == "contains"
    assert pick(result.rows, "unlearned", "FA", split="forget/strict").judge == "strict"
    assert pick(result.rows, "unlearned", "MIA_AUC").judge is None
    for seed in range(3):
        assert pick(result.rows, "oracle", "FA", split="forget", seed=seed).status == "ok"
        pick(result.rows, "unlearned", "JS", split="forget", oracle_seed=seed)
    assert pick(result.rows, "oracle", "JS", split="forget", seed=0, oracle_seed=1).value


def test_values_are_those_of_plain_transformers_and_peft(
    result: Result, folders, base, small
) -> None:  # type: ignore[no-untyped-def]
    import io

    from peft import PeftModel
    from PIL import Image
    from transformers import AutoProcessor, LlavaForConditionalGeneration

    model = LlavaForConditionalGeneration.from_pretrained(base)
    model = PeftModel.from_pretrained(model, folders["npo"])
    processor = AutoProcessor.from_pretrained(base)
    asked = benchmarks.load(small).evaluate["retain"].samples
    right = 0
    for sample in asked:
        assert sample.picture is not None
        inputs = processor(
            text=f"USER: <image>\n{sample.question} ASSISTANT:",
            images=Image.open(io.BytesIO(sample.picture.data)),
            return_tensors="pt",
        )
        with torch.no_grad():
            out = model.generate(**inputs, do_sample=False, max_new_tokens=4)
        answer = processor.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        right += is_right(sample.task, answer, sample.answer)
    row = pick(result.rows, "unlearned", "RA", split="retain")
    assert (row.value, row.n) == (right / len(asked), len(asked))


def test_the_weight_distance_is_that_of_the_updates(result: Result, folders) -> None:  # type: ignore[no-untyped-def]
    def update(folder: Path) -> dict[str, np.ndarray]:
        factors = load_file(folder / "adapter_model.safetensors")
        return {
            name: 2.0 * (factors[name.replace("lora_A", "lora_B")] @ factors[name]).numpy()
            for name in factors
            if "lora_A" in name
        }

    mine, oracle = update(folders["npo"]), update(folders["oracle0"])
    expected = np.mean(
        [np.linalg.norm(mine[k] - oracle[k]) / np.linalg.norm(oracle[k]) for k in oracle]
    )
    found = pick(result.rows, "unlearned", "oracle_distance", oracle_seed=0)
    assert found.value == pytest.approx(expected, rel=1e-5)


def test_gaps_are_to_the_oracles_own_values(result: Result) -> None:
    own = [pick(result.rows, "oracle", "MIA_AUC", seed=seed).value for seed in range(3)]
    row = pick(result.rows, "unlearned", "MIA_AUC")
    assert row.gap == pytest.approx(row.value - np.mean(own))
    assert row.z == pytest.approx(row.gap / (np.std(own, ddof=1) * (1 + 1 / 3) ** 0.5))


def test_an_original_that_knows_nothing_is_an_error_and_no_baseline(
    result: Result, folders, small, cache, monkeypatch
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("uqs.metrics.baseline.LIMIT", 0.5)
    found = uqs.measure(
        folders["original"],
        [f"npo@weak:3={folders['npo']}"],
        small,
        oracles=[folders["oracle0"]],
        metrics=METRICS,
        settings=SETTINGS,
        cache=cache,
    )
    assert [one.label for one in found.failures] == ["oracle 0", "original", "original"]
    assert "of the retain questions right" in found.failures[0].reason
    for failure, split in zip(found.failures[1:], ("forget", "retain"), strict=True):
        own = pick(found.rows, "original", "FA" if split == "forget" else "RA", split=split)
        assert own.status == "ok"
        assert f"answers {own.value:.0%} of the {split} questions right" in failure.reason
        lost = pick(found.rows, "unlearned", own.metric, split=split)
        assert (lost.value, lost.status) == (None, "weak_original")
    assert pick(found.rows, "unlearned", "MIA_AUC").value is not None
    assert pick(found.rows, "unlearned", "FA", split="holdout").value is not None


def test_values_behind_means_are_kept(result: Result) -> None:
    row = pick(result.rows, "original", "FA", split="forget")
    values = [
        one.value
        for one in result.samples
        if (one.role, one.metric, one.split) == ("original", "FA", "forget")
    ]
    assert len(values) == row.n
    assert row.value == pytest.approx(np.mean(values))


def test_a_further_metric_costs_no_model_time(result, folders, small, cache, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    def forbidden(*_: object) -> None:
        raise AssertionError("a model was run")

    monkeypatch.setattr(one_pass, "_trace_rows", forbidden)
    again = uqs.measure(
        folders["original"],
        [folders["npo"]],
        small,
        metrics=[*METRICS, "CKA", "MIA_min_k_AUC"],
        settings=SETTINGS,
        cache=cache,
    )
    assert not again.failures
    before, after = (
        pick(rows, "unlearned", "FA", split="forget").value for rows in (result.rows, again.rows)
    )
    assert before == after


def test_without_an_oracle_the_rest_is_measured(folders, small, cache) -> None:  # type: ignore[no-untyped-def]
    found = uqs.measure(
        folders["original"],
        [folders["npo"]],
        small,
        metrics=METRICS,
        settings=SETTINGS,
        cache=cache,
    )
    assert pick(found.rows, "unlearned", "FA", split="forget").value is not None
    for metric in ("JS", "oracle_distance"):
        row = pick(found.rows, "unlearned", metric)
        assert (row.value, row.status) == (None, "missing_oracle")


def test_traces_stand_for_a_model(result, folders, small, cache, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from uqs.evaluation.write import write_model_traces

    out = tmp_path / "traces"
    counts = write_model_traces(
        folders["npo"], small, out, cache=cache, metrics=METRICS, settings=SETTINGS
    )
    assert counts["forget"] == pick(result.rows, "unlearned", "FA", split="forget").n
    found = uqs.measure(
        folders["original"],
        [f"npo={out}"],
        small,
        oracles=[folders["oracle0"]],
        metrics=METRICS,
        settings=SETTINGS,
        cache=cache,
    )
    for metric in ("FA", "JS"):
        same = [
            pick(rows, "unlearned", metric, split="forget", **more).value
            for rows, more in (
                (result.rows, {"oracle_seed": 0} if metric == "JS" else {}),
                (found.rows, {}),
            )
        ]
        assert same[0] == same[1]
    assert pick(found.rows, "unlearned", "oracle_distance").status == "missing_trace"


def test_broken_weights_fail_alone(folders, small, cache, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    broken = tmp_path / "broken"
    shutil.copytree(folders["npo"], broken)
    file = broken / "adapter_model.safetensors"
    factors = load_file(file)
    first = sorted(factors)[0]
    factors[first][0, 0] = float("nan")
    save_file(factors, file)
    found = uqs.measure(
        folders["original"],
        [broken, folders["npo"]],
        small,
        metrics=METRICS,
        settings=SETTINGS,
        cache=cache,
    )
    assert [failure.label for failure in found.failures] == ["broken seed 0"]
    assert "NaN or infinite weights" in found.failures[0].reason
    assert "lora_A" in found.failures[0].reason
    assert pick(found.rows, "unlearned", "FA", split="forget").method == "npo"


def test_an_adapter_of_another_base_is_refused(
    folders, base, small, make_adapter, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    other = tmp_path / "other_base"
    shutil.copytree(base, other)
    weights = load_file(other / "model.safetensors")
    weights = {name: tensor * 1.5 for name, tensor in weights.items()}
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    non_member = make_adapter(tmp_path / "other", 9, of=other)
    with pytest.raises(DataError, match=r"base_model_name_or_path'.*is an adapter of .*other_base"):
        uqs.measure(folders["original"], [non_member], small, metrics=METRICS)


def test_a_copy_of_the_base_is_no_other_base(folders, base, small, cache, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    copy, adapter = tmp_path / "copy", tmp_path / "adapter"
    shutil.copytree(base, copy)
    shutil.copytree(folders["npo"], adapter)
    about = adapter / "adapter_config.json"
    about.write_text(
        json.dumps(json.loads(about.read_text()) | {"base_model_name_or_path": str(copy)})
    )
    found = uqs.measure(
        folders["original"], [adapter], small, metrics=["FA"], settings=SETTINGS, cache=cache
    )
    assert not found.failures


def test_a_model_that_says_nothing_is_collapsed(folders, base, small, cache, tmp_path) -> None:  # type: ignore[no-untyped-def]
    mute = tmp_path / "mute"
    shutil.copytree(base, mute)
    weights = load_file(mute / "model.safetensors")
    from transformers import AutoProcessor

    end = AutoProcessor.from_pretrained(base).tokenizer.eos_token_id
    name = next(one for one in weights if one.endswith("embed_tokens.weight"))
    norm = next(
        one for one in weights if one.endswith(("language_model.norm.weight", "model.norm.weight"))
    )
    weights[norm] = torch.zeros_like(weights[norm])
    weights[name] = weights[name].clone()
    weights[name][end] = 0.0
    save_file(weights, mute / "model.safetensors", metadata={"format": "pt"})
    found = uqs.measure(
        folders["original"], [mute], small, metrics=METRICS, settings=SETTINGS, cache=cache
    )
    # every token is as likely as any other, and the first of them, the padding, is no word
    assert pick(found.rows, "unlearned", "EMPTY", split="retain").value == 1
    for metric in ("FA", "RA", "JS"):
        assert pick(found.rows, "unlearned", metric).status == "collapsed"


def test_what_cannot_be_asked_for_is_named(folders, small) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match="did you mean 'forget_accuracy'"):
        uqs.measure(folders["original"], [], small, metrics=["forget_acuracy"])
    with pytest.raises(UserError, match="unknown benchmark"):
        uqs.measure(folders["original"], [], "unlok_vqs")


def test_an_unlearned_model_may_bear_any_name(result: Result, folders, small, cache) -> None:  # type: ignore[no-untyped-def]
    found = uqs.measure(
        folders["original"],
        [f"retrain={folders['npo']}"],
        small,
        oracles=[folders["oracle0"]],
        metrics=METRICS,
        settings=SETTINGS,
        cache=cache,
    )
    for metric, more in (("FA", {}), ("oracle_distance", {"oracle_seed": 0})):
        split = "forget" if metric == "FA" else "weights"
        before = pick(result.rows, "unlearned", metric, split=split, **more)
        assert pick(found.rows, "unlearned", metric, split=split).value == before.value


def test_traces_of_other_questions_are_refused(folders, small, cache, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from uqs.evaluation.write import write_model_traces

    out = tmp_path / "traces"
    write_model_traces(
        folders["npo"], "unlok_vqa:tiny", out, cache=cache, metrics=["FA"], settings=SETTINGS
    )
    found = uqs.measure(
        folders["original"],
        [out, folders["npo"]],
        small,
        metrics=["FA"],
        settings=SETTINGS,
        cache=cache,
    )
    assert [failure.label for failure in found.failures] == ["traces seed 0"]
    assert "is of other data than the benchmark's" in found.failures[0].reason
    assert pick(found.rows, "unlearned", "FA", split="forget").method == "npo"
    index = json.loads((out / "trace.json").read_text())
    (out / "trace.json").write_text(json.dumps(index | {"about": {}}))  # another engine's
    foreign = uqs.measure(
        folders["original"], [out], small, metrics=["FA"], settings=SETTINGS, cache=cache
    )
    assert "are not those of the benchmark's split" in foreign.failures[0].reason


def test_damaged_traces_fail_alone(folders, small, cache, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from uqs.evaluation.write import write_model_traces

    out = tmp_path / "traces"
    write_model_traces(folders["npo"], small, out, cache=cache, metrics=["FA"], settings=SETTINGS)
    (out / "holdout" / "00000.safetensors").write_bytes(b"no numbers")
    found = uqs.measure(
        folders["original"],
        [out, folders["npo"]],
        small,
        metrics=["FA"],
        settings=SETTINGS,
        cache=cache,
    )
    assert "is not a readable safetensors file" in found.failures[0].reason
    assert pick(found.rows, "unlearned", "FA", split="forget").method == "npo"


def test_a_damaged_trace_in_the_cache_is_made_again(folders, small, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    arguments = {"metrics": ["FA"], "settings": SETTINGS, "cache": tmp_path}
    first = uqs.measure(folders["original"], [], small, **arguments)
    for file in tmp_path.rglob("*.safetensors"):
        file.write_bytes(b"no numbers")
    assert [row.value for row in uqs.measure(folders["original"], [], small, **arguments).rows] == [
        row.value for row in first.rows
    ]


def test_a_metric_that_fails_costs_no_other_its_rows(folders, small, cache, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from uqs.metrics.jensen_shannon import JensenShannon

    def broken(*_: object) -> None:
        raise ValueError("no such numbers")

    monkeypatch.setattr(JensenShannon, "measure", broken)
    found = uqs.measure(
        folders["original"], [], small, metrics=METRICS, settings=SETTINGS, cache=cache
    )
    assert [(one.label, one.reason) for one in found.failures] == [
        ("original", "jensen_shannon: ValueError: no such numbers")
    ]
    assert pick(found.rows, "original", "FA", split="forget").value is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"processor": Path("/nowhere")}, "no folder '/nowhere' with a processor"),
        ({"device": "cuda:99"}, "device 'cuda:99' cannot be used"),
        ({"device": "gpu"}, "device 'gpu' cannot be used"),
        ({"metrics": []}, "no metric is given"),
    ],
)
def test_what_cannot_be_used_is_told_before_anything_runs(folders, small, change, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match=message):
        uqs.measure(folders["original"], [], small, **change)


@pytest.mark.parametrize(
    ("broken", "metric", "said"),
    [
        (
            "uqs.interventions.traced.intervention_traces",
            "QUANT",
            "no interventions could be made on it",
        ),
        (
            "uqs.evaluation.gather.Gatherer._score",
            "FADE",
            "could not score the other models' answers",
        ),
    ],
)
def test_what_goes_beyond_the_pass_costs_no_row_of_it(
    folders, small, tmp_path, monkeypatch, broken: str, metric: str, said: str
) -> None:  # type: ignore[no-untyped-def]
    def fail(*_: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(broken, fail)
    found = uqs.measure(
        folders["original"],
        [],
        small,
        oracles=[folders["oracle0"]],
        metrics=["FA", metric],
        settings=SETTINGS,
        cache=tmp_path,
    )
    assert any(said in note and "original" in note and "luck" in note for note in found.notes)
    assert pick(found.rows, "original", "FA", split="forget").value is not None
    missing = [row for row in found.rows if row.role == "original" and row.metric == metric]
    assert {row.status for row in missing} == {"missing_trace"}
