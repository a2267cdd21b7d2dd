"""What is refused or told before models are compared: other questions, broken oracles, one model twice."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

import uqs
from uqs.checkpoints.find import RECORDS, collapse_of, find
from uqs.checkpoints.trainable import ABOUT
from uqs.errors import UserError
from uqs.evaluation.oracles import unfit, untestable
from uqs.evaluation.run import Result
from uqs.evaluation.write import write_model_traces
from uqs.studies.work import TRAINING
from uqs.traces.file import read_index, read_trace
from uqs.traces.settings import TraceSettings
from uqs.traces.trace import Trace

SETTINGS = TraceSettings(max_new_tokens=4, batch_size=50)
NAMES = ("original", "oracle0", "oracle1", "npo")


@pytest.fixture(scope="module")
def folders(make_adapter, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:  # type: ignore[no-untyped-def]
    top = tmp_path_factory.mktemp("checkpoints")
    return {name: make_adapter(top / name, seed) for seed, name in enumerate(NAMES)}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def traces(folders, small: str, cache: Path, tmp_path_factory) -> dict[str, Path]:  # type: ignore[no-untyped-def]
    top = tmp_path_factory.mktemp("traces")
    for name in NAMES:
        write_model_traces(
            folders[name], small, top / name, cache=cache, metrics=["FA", "JS"], settings=SETTINGS
        )
    return {name: top / name for name in NAMES}


@pytest.fixture
def measured(folders, small: str, cache: Path) -> Callable[..., Result]:  # type: ignore[no-untyped-def]
    def measure(*unlearned: str, original: Path | None = None, **more: object) -> Result:
        arguments = {
            "benchmark": small,
            "metrics": ["FA", "JS", "EMPTY"],
            "settings": SETTINGS,
            "cache": cache,
            "oracles": [folders["oracle0"]],
        } | more
        return uqs.measure(original or folders["original"], unlearned, **arguments)  # type: ignore[arg-type]

    return measure


def reasons(found: Result) -> dict[str, str]:
    return {one.label: one.reason for one in found.failures}


def with_about(traces: Path, folder: Path, change: Callable[[dict[str, object]], object]) -> Path:
    """A copy of traces whose index says something else."""
    shutil.copytree(traces, folder)
    index = read_index(folder)
    change(index["about"])
    (folder / "trace.json").write_text(json.dumps(index))
    return folder


def test_traces_of_other_pictures_are_refused(measured, traces, small: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    other = tmp_path / "other"
    shutil.copytree(small.partition(":")[2], other)
    pictures = sorted((other / "images").iterdir())
    contents = [picture.read_bytes() for picture in pictures]
    for picture, content in zip(pictures, contents[1:] + contents[:1], strict=True):
        picture.write_bytes(content)
    found = measured(
        f"npo={traces['npo']}",
        original=traces["original"],
        oracles=[traces["oracle0"]],
        benchmark=f"unlok_vqa:{other}",
    )
    assert set(reasons(found)) == {"original", "oracle 0", "npo seed 0"}
    assert all("other data" in reason for reason in reasons(found).values())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda about: about["questions"].update(forget="0"), "other questions"),
        (lambda about: about.update(data_hash="0"), "other data"),
        (lambda about: about.pop("questions"), "does not name its questions"),
        (lambda about: about.update(questions=[]), "'questions': is not an object"),
        (
            lambda about: about["settings"].update(max_new_tokens=1),
            "traced with max_new_tokens 1, the other models with 4",
        ),
    ],
)
def test_traces_that_were_made_in_another_way_are_refused(
    measured, traces, tmp_path: Path, change, said: str
) -> None:  # type: ignore[no-untyped-def]
    other = with_about(traces["npo"], tmp_path / "other", change)
    (reason,) = reasons(measured(f"npo={other}")).values()
    assert "trace.json" in reason
    assert said in reason


def test_traces_alone_are_compared_with_the_originals_settings(
    measured, traces, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    given = {"original": traces["original"], "oracles": [traces["oracle0"]]}
    longer = TraceSettings(max_new_tokens=9)  # no model is run, so that the request's are not used
    assert not reasons(measured(f"npo={traces['npo']}", settings=longer, **given))
    short = with_about(
        traces["npo"], tmp_path / "s", lambda a: a["settings"].update(max_new_tokens=1)
    )
    found = measured(f"npo={short}", settings=longer, **given)
    assert list(reasons(found)) == ["npo seed 0"]


def test_of_another_engines_traces_a_note_says_what_could_not_be_checked(
    measured, traces, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    plain = with_about(traces["npo"], tmp_path / "plain", lambda about: about.clear())
    found = measured(f"npo={plain}")
    assert not reasons(found)
    (note,) = [note for note in found.notes if "npo seed 0" in note]
    assert "data_hash, settings" in note
    full = with_about(traces["npo"], tmp_path / "full", lambda about: about.pop("uqs"))
    assert not any("npo" in note for note in measured(f"npo={full}").notes)


def test_candidates_make_no_other_questions(measured, traces) -> None:  # type: ignore[no-untyped-def]
    """What is asked beside the questions depends on the metrics."""
    assert not reasons(measured(f"npo={traces['npo']}", metrics=["FA", "TR"]))


def test_one_oracle_given_twice_is_an_error(measured, folders, traces, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    copy = tmp_path / "copy"
    shutil.copytree(folders["oracle0"], copy)
    for again in (folders["oracle0"], copy, traces["oracle0"]):
        with pytest.raises(UserError, match="oracle 0 and oracle 2 have the same weights"):
            measured(oracles=[folders["oracle0"], folders["oracle1"], again])


def test_one_whole_model_in_two_divisions_is_one_oracle(measured, base, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    divided = tmp_path / "divided"
    shutil.copytree(base, divided)
    tensors = load_file(divided / "model.safetensors")
    (divided / "model.safetensors").unlink()
    for file, kept in (("a", True), ("b", False)):
        part = {name: t for name, t in tensors.items() if ("vision" in name) == kept}
        save_file(part, divided / f"{file}.safetensors", metadata={"format": "pt"})
    index = {name: "a" if "vision" in name else "b" for name in tensors}
    (divided / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {name: f"{file}.safetensors" for name, file in index.items()}})
    )
    with pytest.raises(UserError, match="oracle 0 and oracle 1 have the same weights"):
        measured(oracles=[base, divided])


def test_one_engines_traces_given_twice_are_one_oracle(measured, traces, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    plain = with_about(traces["oracle0"], tmp_path / "plain", lambda about: about.clear())
    copy, other = tmp_path / "copy", tmp_path / "other"
    shutil.copytree(plain, copy)
    with pytest.raises(UserError, match="oracle 0 and oracle 1 have the same weights"):
        measured(oracles=[plain, copy])
    with_about(traces["oracle1"], other, lambda about: about.clear())
    assert not reasons(measured(oracles=[plain, other]))


def test_a_model_is_not_held_against_its_own_weights(measured, folders) -> None:  # type: ignore[no-untyped-def]
    found = measured(f"same={folders['oracle0']}", oracles=[folders["oracle0"], folders["oracle1"]])
    seeds = {r.oracle_seed for r in found.rows if r.method == "same" and r.metric == "JS"}
    assert seeds == {1}
    assert any("same seed 0 has the weights of oracle 0" in note for note in found.notes)


def collapsed_copy(folder: Path, out: Path, file: str) -> Path:
    shutil.copytree(folder, out)
    (out / file).write_text(json.dumps({"collapse": "the loss is not finite at step 3 of 9"}))
    return out


@pytest.mark.parametrize("file", [ABOUT, TRAINING])
def test_a_run_that_collapsed_has_its_health_alone(
    measured, folders, tmp_path: Path, file: str
) -> None:  # type: ignore[no-untyped-def]
    dead = collapsed_copy(folders["npo"], tmp_path / "dead", file)
    found = measured(f"npo={dead}", f"npo:1={folders['npo']}")
    status = {(r.seed, r.metric): r.status for r in found.rows if r.role == "unlearned"}
    assert {m: status[0, m] for m in ("FA", "JS")} == {"FA": "collapsed", "JS": "collapsed"}
    assert status[0, "EMPTY"] == status[1, "FA"] == "ok"
    (note,) = [note for note in found.notes if "npo seed 0" in note]
    assert "the loss is not finite at step 3 of 9" in note


def test_traces_remember_that_their_model_collapsed(
    measured, folders, small, cache, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    dead = collapsed_copy(folders["npo"], tmp_path / "dead", ABOUT)
    out = tmp_path / "traces"
    write_model_traces(dead, small, out, cache=cache, metrics=["FA", "JS"], settings=SETTINGS)
    rows = measured(f"npo={out}").rows
    assert {r.status for r in rows if r.method == "npo" and r.metric == "FA"} == {"collapsed"}


def test_an_oracle_whose_training_collapsed_is_refused(measured, folders, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    dead = collapsed_copy(folders["oracle1"], tmp_path / "dead", TRAINING)
    found = measured(f"npo={folders['npo']}", oracles=[folders["oracle0"], dead])
    assert "is not an oracle: its training collapsed" in reasons(found)["oracle 1"]
    assert {r.oracle_seed for r in found.rows if r.metric == "JS" and r.method == "npo"} == {0}


def test_an_original_whose_training_collapsed_is_no_baseline(
    measured, folders, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    dead = collapsed_copy(folders["original"], tmp_path / "dead", TRAINING)
    found = measured(f"npo={folders['npo']}", original=dead)
    assert "is not a baseline: its training collapsed" in reasons(found)["original"]


def test_an_original_that_says_nothing_is_no_baseline(measured, traces, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    mute = with_about(traces["original"], tmp_path / "mute", lambda about: None)
    for words in mute.glob("retain/*.json"):
        held = json.loads(words.read_text())
        words.write_text(json.dumps(held | {"answers": [""] * len(held["answers"])}))
    found = measured(f"npo={traces['npo']}", original=mute)
    assert "is not a baseline: it is collapsed" in reasons(found)["original"]


def test_the_records_are_those_that_runs_write(tmp_path: Path, base: Path) -> None:
    assert {ABOUT, TRAINING} == set(RECORDS)
    assert collapse_of(find(base)) is None


def test_an_oracle_that_lost_the_retain_set_is_refused(
    measured, folders, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("uqs.metrics.baseline.LIMIT", 0.9)
    found = measured(f"npo={folders['npo']}")
    assert "of the retain questions right" in reasons(found)["oracle 0"]
    rows = [r for r in found.rows if r.method == "npo" and r.metric == "JS"]
    assert [(r.status, r.value) for r in rows] == [("missing_oracle", None)]


def knowing(make_trace, split: str, right: bool = True, **change: object):  # type: ignore[no-untyped-def]
    trace = make_trace(split, entities=20, each=5)
    golds = tuple(f"answer{i % 12}" for i in range(len(trace)))
    answers = golds if right else tuple(f"other {i}" for i in range(len(trace)))
    tasks = ("short",) * len(trace)
    return dataclasses.replace(trace, tasks=tasks, golds=golds, answers=answers, **change)


def test_an_oracle_must_work(make_trace, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("uqs.metrics.baseline.LIMIT", 0.5)
    good = {name: knowing(make_trace, name, name == "retain") for name in ("forget", "retain")}
    assert unfit(good) is None
    mute = good | {"retain": dataclasses.replace(good["retain"], answers=("",) * 100)}
    assert "collapsed" in (unfit(mute) or "")
    logits = np.full_like(good["forget"].gold_log_probs, np.nan)
    broken = good | {"forget": dataclasses.replace(good["forget"], gold_log_probs=logits)}
    assert "collapsed" in (unfit(broken) or "")
    lost = good | {"retain": knowing(make_trace, "retain", False)}
    assert "answers 0% of the retain questions right" in (unfit(lost) or "")


def test_one_entity_cannot_show_what_an_oracle_saw(make_trace) -> None:  # type: ignore[no-untyped-def]
    forget, holdout = knowing(make_trace, "forget"), knowing(make_trace, "holdout")
    one = ("somebody",) * len(forget)
    assert untestable(forget, holdout) is None
    few = dataclasses.replace(forget, entities=one)
    assert "all forget questions are about one entity" in (untestable(few, holdout) or "")
    few = dataclasses.replace(holdout, entities=one)
    assert "all holdout questions are about one entity" in (untestable(forget, few) or "")


def test_that_an_oracle_could_not_be_tested_is_told(
    measured, folders, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(
        "uqs.evaluation.gather.read_trace",
        lambda folder, split: about_one(read_trace(folder, split)),
    )
    notes = measured(f"npo={folders['npo']}").notes
    assert any("oracle 0 cannot be tested for training on" in note for note in notes)


def about_one(trace: Trace) -> Trace:
    return dataclasses.replace(trace, entities=("somebody",) * len(trace))
