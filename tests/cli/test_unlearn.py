"""`uqs unlearn` as a user runs it: from the checkpoint of an original to one that `uqs measure` measures."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from uqs import results
from uqs.checkpoints.find import Checkpoint, find
from uqs.checkpoints.open import Models
from uqs.checkpoints.trainable import load_trainable, save_unlearned
from uqs.errors import UserError
from uqs.evaluation.plan import load_benchmark
from uqs.evaluation.unlearn import ABOUT, UnlearningResult, seeds_of, unlearn_checkpoint
from uqs.methods.gradient_ascent import GradientAscent
from uqs.methods.retrain import Retrain
from uqs.methods.settings import MethodSettings
from uqs.methods.trainer import Schedule, train
from uqs.methods.unlearn import unlearn
from uqs.models import adapter
from uqs.models.llava import Llava
from uqs.models.settings import BASES, AdapterSettings
from uqs.records import Split

DATA = Path(__file__).parents[2] / "src/uqs/benchmarks/tiny/unlok_vqa"
BASE = BASES["tiny_llava"]
WEIGHTS = "adapter_model.safetensors"
NAN = """
import dataclasses

from uqs.methods.cards.ascent import GRADIENT_ASCENT
from uqs.methods.gradient_ascent import GradientAscent


class Broken(GradientAscent):
    card = dataclasses.replace(GRADIENT_ASCENT, name="broken")

    def loss(self, vlm, batches, step):
        return super().loss(vlm, batches, step) * float("nan")


class Looking(GradientAscent):
    card = dataclasses.replace(GRADIENT_ASCENT, name="looking", needs=frozenset({"forget", "pictures"}))
"""


Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_model_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transformers.utils.logging.disable_progress_bar", lambda: None)


@pytest.fixture(scope="module")
def original(small: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter on a copy of the shipped base that was trained on forget and retain set, a little."""
    top = tmp_path_factory.mktemp("models")
    shutil.copytree(BASE, top / "base")
    learn = load_benchmark(small).learn
    vlm = Llava.load(top / "base")
    adapter.attach(vlm, AdapterSettings(r=4, targets="language.all"), seed=0)
    both = (*learn["forget"].samples, *learn["retain"].samples)
    parts = {"learn": Split("learn", both), "replay": Split("replay", ())}
    method, generator = Retrain(16, 0.0), torch.Generator().manual_seed(0)
    train(vlm, method, method.streams(vlm, parts, generator), Schedule(12, 3e-3), generator)
    adapter.save(vlm, top / "original")
    return top / "original"


@pytest.fixture
def ask(original: Path, small: str) -> list[object]:
    """The arguments of a run that takes three steps."""
    return [
        *("unlearn", "--original", original, "--benchmark", small, "--device", "cpu"),
        *("--set", "steps=3", "--set", "batch_size=8", "--set", "lr=1e-3"),
    ]


def about(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / ABOUT).read_text())
    return found


@pytest.mark.usefixtures("ignorant_originals")
def test_what_it_writes_is_measured(uqs: Run, ask, original, small, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    before = {file.name: file.read_bytes() for file in original.iterdir()}
    out = tmp_path / "new" / "ascended"
    ask[ask.index("steps=3")] = "steps=16"  # one pass over the forget set has 30
    done = uqs(*ask, "--method", "gradient_ascent", "--out", out)
    assert done.code == 0, done.err
    assert "gradient_ascent: 16 of 16 steps" in done.out
    assert f"unlearned model: {out}" in done.out
    assert "step 16 of 16" in done.err
    assert {file.name: file.read_bytes() for file in original.iterdir()} == before
    assert sorted(path.name for path in out.iterdir()) == ["adapter_config.json", WEIGHTS, ABOUT]
    assert [path.name for path in out.parent.iterdir()] == ["ascended"]
    table = tmp_path / "r.parquet"
    done = uqs(
        *("measure", "--original", original, "--unlearned", f"ga:3={out}", "--benchmark", small),
        *("--metrics", "answer_probability", "--max-new-tokens", 4, "--out", table),
    )
    assert done.code == 0, done.err
    values = {row.method: row.value for row in results.read(table) if row.split == "forget"}
    assert values["ga"] < 0.5 * values["original"]


def test_it_says_how_it_was_made(uqs: Run, ask, original, small, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "out"
    out.mkdir()  # an empty folder will do
    done = uqs(*ask, "--method", "gradient_ascent", "--out", out, "--seed", 5, "--checks", 2)
    assert done.code == 0, done.err
    found = about(out)
    assert found["status"] == "ok"
    assert (found["method"], found["file"]) == ("gradient_ascent", None)
    assert found["hyperparameters"] == {"steps": 3, "batch_size": 8, "lr": 1e-3}
    assert found["original"]["name"] == str(original)
    assert found["base"]["name"] == "base"
    assert found["benchmark"]["data_hash"] == load_benchmark(small).data_hash
    assert (found["benchmark"]["forget"], found["benchmark"]["retain"]) == (240, 48)
    assert found["seeds"]["order"] != found["seeds"]["init"]
    assert found["trainer"]["checks"] == 2
    assert found["adapter"] == {"kind": "lora"}
    assert found["steps"] == len(found["losses"]) == 3
    assert {"python", "torch", "transformers", "peft"} <= set(found["versions"])
    # the seeds that are told bring back the same weights
    seeds = ("--order-seed", found["seeds"]["order"], "--init-seed", found["seeds"]["init"])
    assert uqs(*ask, "--method", "gradient_ascent", "--out", tmp_path / "b", *seeds).code == 0
    assert (tmp_path / "b" / WEIGHTS).read_bytes() == (out / WEIGHTS).read_bytes()
    assert uqs(*ask, "--method", "gradient_ascent", "--out", tmp_path / "c").code == 0
    assert (tmp_path / "c" / WEIGHTS).read_bytes() != (out / WEIGHTS).read_bytes()


def test_it_is_what_the_trainer_does(original: Path, small: str, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    made = unlearn_checkpoint(
        original,
        "gradient_ascent",
        small,
        tmp_path / "out",
        hyperparameters={"steps": 3, "batch_size": 8},
        seeds=seeds_of(1),
        device="cpu",
        progress=lambda done, of, loss: told.append((done, of)),
    )
    assert isinstance(made, UnlearningResult)
    assert told == [(1, 3), (2, 3), (3, 3)]
    vlm = adapter.load(Llava, original.parent / "base", original, trainable=True)
    settings = MethodSettings(steps=3, batch_size=8)
    unlearn(vlm, GradientAscent(settings), load_benchmark(small).unlearn, seeds_of(1))
    adapter.save(vlm, tmp_path / "plain")
    assert (tmp_path / "plain" / WEIGHTS).read_bytes() == (tmp_path / "out" / WEIGHTS).read_bytes()


def test_a_whole_model_gets_an_adapter_or_is_trained_whole(
    uqs: Run, ask, original, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    base = original.parent / "base"
    ask[ask.index(original)] = base
    ask += ["--method", "gradient_ascent"]
    chosen = ("--rank", 2, "--alpha", 8, "--targets", "language.all")
    assert uqs(*ask, "--out", tmp_path / "lora", *chosen).code == 0
    assert about(tmp_path / "lora")["adapter"] == {
        "kind": "lora",
        "r": 2,
        "alpha": 8.0,
        "targets": "language.all",
        "dropout": 0.0,
    }
    found = find(tmp_path / "lora")
    assert (found.kind, found.base) == ("adapter", base.resolve())
    assert load_file(tmp_path / "lora" / WEIGHTS).popitem()[1].shape.count(2) == 1
    assert uqs(*ask, "--out", tmp_path / "full", "--adapter", "full").code == 0
    assert about(tmp_path / "full")["adapter"]["kind"] == "full"
    whole = find(tmp_path / "full")
    assert whole.kind == "model"
    models = Models("cpu")
    with models.opened(whole) as vlm:  # tokenizer and picture processor came along
        trained = vlm.model.lm_head.weight.detach().clone()
    with models.opened(find(base)) as vlm:
        assert not torch.equal(vlm.model.lm_head.weight, trained)


def test_a_base_of_the_hub_is_named_as_on_the_hub(tmp_path: Path) -> None:
    start = Checkpoint(BASE, "model", "owner/name")
    vlm = load_trainable(start, None, 0, "float32", torch.device("cpu"))
    save_unlearned(vlm, start, None, tmp_path)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "owner/name"


def test_only_what_is_trained_is_float32(original: Path) -> None:
    cpu = torch.device("cpu")
    for start, settings in ((find(original), None), (find(BASE), AdapterSettings())):
        vlm = load_trainable(start, settings, 0, "bfloat16", cpu)
        for name, parameter in vlm.model.named_parameters():
            assert parameter.requires_grad == ("lora_" in name), name
            expected = torch.float32 if parameter.requires_grad else torch.bfloat16
            assert parameter.dtype == expected, name
    vlm = load_trainable(find(BASE), AdapterSettings(kind="full"), 0, "bfloat16", cpu)
    assert {(p.dtype, p.requires_grad) for p in vlm.model.parameters()} == {(torch.float32, True)}


def test_half_precision_comes_near(uqs: Run, ask, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for name, more in (("single", ()), ("half", ("--precision", "bfloat16"))):
        done = uqs(*ask, "--method", "salun", "--out", tmp_path / name, *more)
        assert done.code == 0, done.err
    single, half = (about(tmp_path / name)["losses"] for name in ("single", "half"))
    assert half != single
    assert half == pytest.approx(single, rel=0.05)


def test_an_instruction_is_written_and_goes_on(uqs: Run, ask, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    plain = [word for word in ask if word != "--set" and "=" not in str(word)]
    told = ("--set", "general=Say nothing", "--method", "guardrail", "--out", tmp_path / "told")
    done = uqs(*plain, *told)
    assert done.code == 0, done.err
    assert "guardrail: the method takes no steps" in done.out
    original = ask[ask.index("--original") + 1]
    assert (tmp_path / "told" / WEIGHTS).read_bytes() == (original / WEIGHTS).read_bytes()
    ask[ask.index(original)] = tmp_path / "told"
    assert uqs(*ask, "--method", "gradient_ascent", "--out", tmp_path / "on").code == 0
    for folder in ("told", "on"):
        with Models("cpu").opened(find(tmp_path / folder)) as vlm:
            assert vlm.system_prompt == "Say nothing"


def test_a_run_may_stop_early(uqs: Run, ask, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    done = uqs(
        *(*ask, "--method", "gradient_ascent", "--out", tmp_path / "out"),
        *("--checks", 3, "--stop-at", 0.001, "--stop-share", 0.5),
    )
    assert done.code == 0, done.err
    assert "stopped: forget loss" in done.out
    found = about(tmp_path / "out")
    assert (found["status"], found["steps"]) == ("stopped", 1)
    assert found["trainer"]["stop"] == {"at": 0.001, "share": 0.5}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "broken.py"
    path.write_text(NAN)
    return path


def test_a_loss_that_is_not_finite_keeps_the_last_good_weights(
    uqs: Run, ask, original, file, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "out"
    done = uqs(*ask, "--method", f"{file}:Broken", "--out", out)
    assert done.code == 3
    last = done.err.splitlines()[-1]
    assert last == f"collapsed: the loss is nan at step 1 of 3; {out} holds the original's weights"
    found = about(out)
    assert (found["status"], found["steps"], found["losses"]) == ("collapsed", 0, [None])
    assert found["collapse"] == "the loss is nan at step 1 of 3"
    assert found["method"] == "broken"
    assert found["file"]["name"] == f"{file}:Broken"
    assert len(found["file"]["sha256"]) == 64
    kept, were = load_file(out / WEIGHTS), load_file(original / WEIGHTS)
    assert all(torch.equal(kept[name], were[name]) for name in were)


def test_what_collapses_later_keeps_a_later_check(uqs: Run, ask, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    ask[ask.index("lr=1e-3")] = "lr=1e9"
    done = uqs(*ask, "--method", "gradient_ascent", "--out", tmp_path / "out")
    assert done.code == 3
    assert "collapsed: " in done.err.splitlines()[-1]
    assert about(tmp_path / "out")["losses"][0] is not None


MISTAKES = [
    (("--method", "gradient_asent"), "unknown method 'gradient_asent'; did you mean 'gradient_a"),
    (("--method", "retrain"), "it makes oracles, from a base and in a study"),
    (("--set", "stps=1"), "gradient_ascent: no hyperparameter 'stps'; did you mean 'steps'?"),
    (("--set", "lr=-1"), "--set 'lr' is given twice"),
    (("--set", "lr"), "--set 'lr': write NAME=VALUE"),
    (("--method", "none.py:Mine"), "none.py: no such file"),
    (("--method", "none.py"), "none.py: name the class in the file too"),
    (("--original", "nowhere"), "no folder 'nowhere'"),
    (("--benchmark", "unlok_vpa"), "did you mean 'unlok_vqa'?"),
    (("--device", "abacus"), "device 'abacus' cannot be used"),
    (("--rank", 4), "is an adapter and is trained further as it is"),
    (("--adapter", "full"), "is an adapter and is trained further as it is"),
    (("--rank", 0), "--rank should be greater than 0; it is 0"),
    (("--accumulate", 0), "--accumulate should be greater than 0; it is 0"),
    (("--accumulate", 9), "a batch of 8 forget questions cannot be split into 9 parts"),
    (("--stop-at", 0), "--stop-at should be greater than 0; it is 0"),
    (("--stop-at", 1, "--stop-share", 1), "--stop-share should be less than 1; it is 1"),
    (("--stop-share", 0.5), "--stop-share needs --stop-at"),
    (("--seed", -1), "Invalid value for '--seed'"),
    (("--wrok", 1), "No such option: --wrok"),
]


@pytest.mark.parametrize(("more", "problem"), MISTAKES)
def test_a_mistake_is_one_line(uqs: Run, ask, tmp_path: Path, more, problem: str) -> None:  # type: ignore[no-untyped-def]
    done = uqs(*ask, "--method", "gradient_ascent", "--out", tmp_path / "out", *more)
    check_refused(done, problem, tmp_path)


def check_refused(done: Any, problem: str, tmp_path: Path) -> None:
    assert done.code == 2
    assert problem in done.err
    assert done.err.splitlines()[-1].startswith("error: ")
    assert sum(line.startswith("error: ") for line in done.err.splitlines()) == 1
    assert done.out == ""
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".part-*"))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("lr=0", "gradient_ascent: lr must be a number > 0; it is 0"),
        ("lr=NaN", "gradient_ascent: lr must be a number > 0; it is nan"),
        ("lr=high", "gradient_ascent: lr must be a number > 0; it is 'high'"),
    ],
)
def test_bounds_are_told(uqs: Run, ask, tmp_path: Path, change: str, problem: str) -> None:  # type: ignore[no-untyped-def]
    ask[ask.index("lr=1e-3")] = change
    done = uqs(*ask, "--method", "gradient_ascent", "--out", tmp_path / "out")
    check_refused(done, problem, tmp_path)


def test_data_that_the_method_cannot_work_on(
    uqs: Run, ask, small, file, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    plain = [word for word in ask if word != "--set" and "=" not in str(word)]
    big = ("--set", "batch_size=64")
    done = uqs(*plain, *big, "--method", "finetune_retain", "--out", tmp_path / "out")
    check_refused(done, "the retain set has 48 questions, fewer than a batch (64)", tmp_path)
    data = load_benchmark(small).unlearn
    text = tuple(
        type(s)(s.id, s.entity, "short", s.question, s.answer) for s in data["forget"].samples
    )
    for samples, problem in (
        ((), "looking: the forget set is empty"),
        (text, "looking needs a picture of every forget entity"),
    ):
        unlearned = {**data, "forget": Split("forget", samples)}
        found = SimpleNamespace(unlearn=unlearned)
        monkeypatch.setattr("uqs.evaluation.unlearn.load_benchmark", lambda _, found=found: found)
        done = uqs(*ask, "--method", f"{file}:Looking", "--out", tmp_path / "out")
        check_refused(done, problem, tmp_path)


def test_originals_that_are_none(uqs: Run, ask, original, small, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    ask += ["--method", "gradient_ascent", "--out", tmp_path / "out"]
    broken = Path(shutil.copytree(original, tmp_path / "broken"))
    weights = load_file(broken / WEIGHTS)
    save_file({name: w * float("inf") for name, w in weights.items()}, broken / WEIGHTS)
    ask[ask.index(original)] = broken
    with_base = [*ask, "--base", original.parent / "base"]
    check_refused(uqs(*with_base), "holds NaN or infinite weights", tmp_path)
    (tmp_path / "traces").mkdir()
    (tmp_path / "traces" / "trace.json").write_text("{}")
    ask[ask.index(broken)] = tmp_path / "traces"
    check_refused(uqs(*ask), "has traces, not a model", tmp_path)


def test_a_folder_that_holds_something_is_left_alone(uqs: Run, ask, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("mine")
    done = uqs(*ask, "--method", "gradient_ascent", "--out", out)
    assert (done.code, done.out) == (2, "")
    assert "already exists; name a new folder" in done.err
    assert [path.name for path in out.iterdir()] == ["thesis.tex"]


def test_what_fails_on_the_way_leaves_nothing(
    original: Path, small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(vlm: object, start: object, processor: object, folder: Path) -> None:
        (folder / WEIGHTS).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr("uqs.evaluation.unlearn.save_unlearned", fail)
    values = {"steps": 1, "batch_size": 4}
    with pytest.raises(UserError, match=r"out: cannot be written \(no space left"):
        unlearn_checkpoint(
            original, "gradient_ascent", small, tmp_path / "out", hyperparameters=values
        )
    assert not list(tmp_path.iterdir())


def test_an_interrupted_run_leaves_nothing(uqs: Run, ask, monkeypatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    def interrupt(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("uqs.evaluation.unlearn.unlearn", interrupt)
    done = uqs(*ask, "--method", "gradient_ascent", "--out", tmp_path / "out")
    assert (done.code, done.out) == (130, "")
    assert done.err.splitlines()[-1] == "interrupted; nothing is written"
    assert not (tmp_path / "out").exists()


def test_an_interrupted_run_goes_on(uqs: Run, ask, monkeypatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """The checkpoint is that of a run that was left alone; another seed does not use the state."""
    asked = [*ask, "--method", "npo"]
    asked += ["--save-every-minutes", 1e-9]
    assert uqs(*asked, "--out", tmp_path / "alone").code == 0
    state = tmp_path / "out.state"
    with monkeypatch.context() as patched:

        def interrupt(self: object, done: int, of: int, loss: float) -> None:
            if done == 3:
                raise KeyboardInterrupt

        patched.setattr("uqs.cli.progress.StepProgress.__call__", interrupt)
        done = uqs(*asked, "--out", tmp_path / "out")
    assert done.code == 130
    said = f"interrupted; the same command goes on from its state in {state}"
    assert done.err.splitlines()[-1] == said
    assert state.is_dir()
    assert not (tmp_path / "out").exists()
    shutil.copytree(state, tmp_path / "other.state")
    done = uqs(*asked, "--out", tmp_path / "out")
    assert (done.code, state.exists()) == (0, False)
    assert "npo: goes on after step 2 of 3" in done.err
    one, other = (load_file(tmp_path / name / WEIGHTS) for name in ("out", "alone"))
    assert all(torch.equal(one[name], other[name]) for name in {**one, **other})
    done = uqs(*asked, "--seed", 5, "--out", tmp_path / "other")
    assert done.code == 0
    assert "npo: the state of a killed training is not used: it belongs to another" in done.err


def test_without_torch_it_says_what_to_install(uqs: Run, ask, monkeypatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("uqs.training_extra.find_spec", lambda name: None)
    done = uqs(*ask, "--method", "npo", "--out", tmp_path / "out")
    check_refused(done, "torch is not installed; unlearning needs: pip install", tmp_path)


def test_the_verb_itself_loads_no_torch() -> None:
    code = "import sys, uqs.cli.unlearn; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
