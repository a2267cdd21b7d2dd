"""A training that is killed and goes on ends bit for bit as one that was left alone."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from uqs import registry
from uqs.methods.base import Method, trainable
from uqs.methods.cards.look_up import method_class
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.retrain import Retrain
from uqs.methods.settings import StopAtForgetLoss, TrainerSettings
from uqs.methods.state_files import StateFolder
from uqs.methods.streams import Stream
from uqs.methods.trainer import NOTHING, Criterion, MonitoredQuestions, Schedule, Training, train
from uqs.methods.unlearn import Seeds, unlearn
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.records import Split

STEPS = 3
LONGER = {"npo": 6, "dpo": 6}
"""Steps until batches come again whose likelihoods under the original are known."""
LATE = 4
TRAINER = TrainerSettings(checks=2)
WITHOUT_STEPS = ("manu", "original", "guardrail")


class KilledError(Exception):
    """The process ends here."""


class Outcome(NamedTuple):
    """What a run left, and the lines that it printed."""

    weights: dict[str, torch.Tensor]
    prompt: str
    training: Training
    told: list[str]


def shallow(vlm):  # type: ignore[no-untyped-def]
    """The model with one language layer: enough, in less time."""
    del vlm.decoder.layers[1:]
    return vlm


def original(make_vlm) -> Any:  # type: ignore[no-untyped-def]
    """A model of few layers whose adapter is not 0, with dropout: its draws must go on too."""
    vlm = shallow(make_vlm())
    attach(vlm, AdapterSettings(r=4, targets="language.all+projector", dropout=0.2), seed=0)
    vlm.model.eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_(torch.randn(parameter.shape, generator=generator) / 20)
    return vlm


@pytest.fixture(scope="module")
def start() -> list[Any]:
    """The original, once made."""
    return []


@pytest.fixture
def model(start, make_vlm):  # type: ignore[no-untyped-def]
    """Fresh copies of one original."""
    if not start:
        start.append(original(make_vlm))

    def make() -> Any:
        vlm = copy.copy(start[0])
        vlm.model = copy.deepcopy(vlm.model)
        return vlm

    return make


def killed_at(step: int | None) -> Any:
    """Ends a run within that step (from 1), after its gradient and before its update."""

    def progress(done: int, of: int, loss: float) -> None:
        if done == step:
            raise KilledError

    return progress


def method(name: str) -> Method:
    made = method_class(name)
    if name in WITHOUT_STEPS:
        own = {"guardrail": {"instruction": "What is it"}, "manu": {"batch_size": 9}}
        return made(made.card.settings(**own.get(name, {})))
    return made(made.card.settings(steps=LONGER.get(name, STEPS), batch_size=4, lr=1e-3))


def outcome(vlm, training: Training, told: list[str]) -> Outcome:  # type: ignore[no-untyped-def]
    weights = {name: p.detach().clone() for name, p in trainable(vlm).items()}
    return Outcome(weights, vlm.system_prompt, training, told)


def states(folder: Path, told: list[str], key: str = "k", minutes: float = 0.0) -> StateFolder:
    return StateFolder(folder, key, minutes, told.append)


def same_weights(one: Outcome, other: Outcome) -> bool:
    return one.weights.keys() == other.weights.keys() and all(
        torch.equal(one.weights[name], other.weights[name]) for name in one.weights
    )


def same(one: Outcome, other: Outcome) -> bool:
    return same_weights(one, other) and (one.prompt, one.training) == (other.prompt, other.training)


def unlearnt(  # type: ignore[no-untyped-def]
    model, name: str, data, folder: Path | None = None, kill: int | None = None, trainer=TRAINER
) -> Outcome:
    vlm, told = model(), []
    kept = states(folder, told) if folder else None
    training = unlearn(vlm, method(name), data, Seeds(3, 4), trainer, killed_at(kill), kept)
    return outcome(vlm, training, told)


@pytest.mark.parametrize("name", sorted(set(registry.BUILT_IN["method"]) - {"retrain"}))
def test_every_method_goes_on(model, halves, tmp_path: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    undisturbed = unlearnt(model, name, halves)
    steps = len(undisturbed.training.losses)
    assert steps == (0 if name in WITHOUT_STEPS else LONGER.get(name, STEPS))
    if steps:
        with pytest.raises(KilledError):
            unlearnt(model, name, halves, tmp_path / "s", kill=steps // 2 + 1)
    resumed = unlearnt(model, name, halves, tmp_path / "s")
    assert resumed.told == ([f"goes on after step {steps // 2} of {steps}"] if steps else [])
    assert same(resumed, undisturbed)


@pytest.mark.parametrize("name", LONGER)
def test_likelihoods_under_the_original_are_kept(model, halves, tmp_path: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    """They are not computed again, which could differ in the last bits: those of the state are used."""

    def run(kill: int) -> dict[str, torch.Tensor]:
        made, kept = method(name), states(tmp_path / "s", [])
        with pytest.raises(KilledError):
            unlearn(model(), made, halves, Seeds(3, 4), TRAINER, killed_at(kill), kept)
        return dict(made.changing())

    run(kill=2)
    told: list[str] = []
    left = states(tmp_path / "s", told)
    index = json.loads((left.folder / "state.json").read_text())
    (file,) = left.folder.glob("*.safetensors")
    tensors = load_file(file)
    for field in [field for field in tensors if field.startswith("method/")]:
        tensors[field] += 1000
    left.write(1, index["identity"], index["numbers"], tensors.items())
    found = run(kill=2)
    assert found
    assert all(bool((known[~known.isnan()] > 500).any()) for known in found.values())


def trained(model, samples, folder: Path | None, *kills: int, **more: Any) -> Outcome:  # type: ignore[no-untyped-def]
    """A model taught by `retrain` in two parts a step, killed in each of these steps in turn, then left."""
    settings = {"at": 1.0, "lr": 1e-3, "steps": 4, **more}
    trainer = TrainerSettings(checks=2, accumulate=2)
    for kill in (*kills, None):
        vlm, told = model(), []
        teach = Retrain(batch_size=5, replay=0.4)
        parts = {
            "learn": Split("learn", tuple(samples[:11])),
            "replay": Split("replay", tuple(samples[11:])),
        }
        order = torch.Generator().manual_seed(7)
        streams = teach.streams(vlm, parts, order)
        watched = MonitoredQuestions(
            criterion=Criterion(vlm.encode(samples[:2]), settings["at"], 2)
        )
        schedule = Schedule(settings["steps"], settings["lr"])
        kept = states(folder, told) if folder else None
        try:
            done = train(
                vlm, teach, streams, schedule, order, trainer, watched, killed_at(kill), kept
            )
        except KilledError:
            continue
        return outcome(vlm, done, told)
    raise AssertionError


@pytest.fixture(scope="module")
def alone() -> list[Outcome]:
    """The undisturbed training, once made."""
    return []


@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(1, 4), st.integers(1, 4))
def test_killed_in_any_step_twice(  # type: ignore[no-untyped-def]
    model, samples, alone, tmp_path_factory, first: int, second: int
) -> None:
    """The second kill may come in the first step that is taken again, or in a step that is past."""
    if not alone:
        alone.append(trained(model, samples, None))
    folder = tmp_path_factory.mktemp("states") / "s"
    assert same(trained(model, samples, folder, first, second), alone[0])


def test_all_weights_are_kept_too(make_vlm, samples, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("uqs.methods.state_files.SHARD", 2**20)

    def whole() -> Any:
        vlm = shallow(make_vlm())
        attach(vlm, AdapterSettings(kind="full"), seed=0)
        return vlm

    resumed = trained(whole, samples, tmp_path / "s", 2, steps=2)
    assert len(list((tmp_path / "s").glob("*.safetensors"))) > 5
    assert same(resumed, trained(whole, samples, None, steps=2))


def test_an_end_at_a_criterion_is_the_same(model, samples, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    resumed = trained(model, samples, tmp_path / "s", 2, at=0.0)
    assert resumed.training.stop
    assert resumed.training.steps == 2
    assert same(resumed, trained(model, samples, None, at=0.0))


class FailsLate(Method):
    """Its loss is not finite in its last step."""

    def streams(self, vlm, data, generator):  # type: ignore[no-untyped-def]
        return {"forget": Stream.of(vlm.encode(data["forget"].samples), 4)}

    def loss(self, vlm, batches, step):  # type: ignore[no-untyped-def]
        loss = answer_cross_entropy(vlm, batches["forget"])
        return loss * float("nan") if step.number == LATE - 1 else loss


def test_a_collapse_after_a_kill_gives_back_the_same_weights(model, halves, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Those of the last check, which is earlier than the state."""

    def run(folder: Path | None, kill: int | None = None) -> Outcome:
        vlm, made, told, order = model(), FailsLate(None), [], torch.Generator().manual_seed(5)
        streams, kept = made.streams(vlm, halves, order), states(folder, told) if folder else None
        schedule, progress = Schedule(LATE, 1e-3), killed_at(kill)
        done = train(vlm, made, streams, schedule, order, TRAINER, NOTHING, progress, kept)
        return outcome(vlm, done, told)

    undisturbed = run(None)
    assert undisturbed.training.steps == LATE - 2
    with pytest.raises(KilledError):
        run(tmp_path / "s", kill=LATE)
    resumed = run(tmp_path / "s")
    assert resumed.told
    assert resumed.training.collapse == undisturbed.training.collapse
    assert str(resumed.training.losses) == str(undisturbed.training.losses)  # the last is NaN
    assert same_weights(resumed, undisturbed)


def test_a_stop_at_a_forget_loss_is_the_same(model, halves, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    stopped = TRAINER.model_copy(update={"stop": StopAtForgetLoss(at=1e-3)})
    undisturbed = unlearnt(model, "npo", halves, trainer=stopped)
    assert undisturbed.training.stop
    with pytest.raises(KilledError):
        unlearnt(model, "npo", halves, tmp_path / "s", kill=2, trainer=stopped)
    assert same(unlearnt(model, "npo", halves, tmp_path / "s", trainer=stopped), undisturbed)


def damaged(folder: Path) -> None:
    """One bit of a weight is another one."""
    file = next(folder.glob("*.safetensors"))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def truncated(folder: Path) -> None:
    file = next(folder.glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-5])


def without_tensors(folder: Path) -> None:
    next(folder.glob("*.safetensors")).unlink()


def half_an_index(folder: Path) -> None:
    index = folder / "state.json"
    index.write_text(index.read_text()[:40])


def without_an_index(folder: Path) -> None:
    (folder / "state.json").unlink()


def of_an_earlier_version(folder: Path) -> None:
    index = folder / "state.json"
    index.write_text(index.read_text().replace('"unlearning": ', '"unlearning": 1'))


@pytest.fixture(scope="module")
def one_state(tmp_path_factory) -> Path:  # type: ignore[no-untyped-def]
    """The folder of a state that a killed run left; made by the first test that asks."""
    folder: Path = tmp_path_factory.mktemp("killed") / "s"
    return folder


@pytest.fixture
def left(model, halves, one_state: Path, tmp_path: Path) -> Path:  # type: ignore[no-untyped-def]
    """A copy of that state."""
    if not one_state.exists():
        with pytest.raises(KilledError):
            unlearnt(model, "grad_diff", halves, one_state, kill=3)
    shutil.copytree(one_state, tmp_path / "s")
    return tmp_path / "s"


NOT_USED = "the state of a killed training is not used"


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (damaged, "is damaged or missing"),
        (truncated, "is damaged or missing"),
        (without_tensors, "is damaged or missing"),
        (half_an_index, "state.json cannot be read"),
        (without_an_index, "state.json cannot be read"),
        (of_an_earlier_version, "it belongs to another training or version"),
    ],
)
def test_a_state_that_is_not_whole_is_not_used(left: Path, harm, reason: str) -> None:  # type: ignore[no-untyped-def]
    told: list[str] = []
    identity = json.loads((left / "state.json").read_text())["identity"]
    del identity["key"]
    whole = states(left, told).read(identity)
    assert whole is not None
    assert whole.numbers["training"]["losses"][2:] == []
    harm(left)
    assert states(left, told).read(identity) is None
    assert len(told) == 1
    assert told[0].startswith(f"{NOT_USED}: ")
    assert told[0].endswith(f"{reason}; it starts anew") or reason in told[0]
    assert not left.exists()


def test_after_a_damaged_state_the_training_starts_anew(model, halves, left: Path) -> None:  # type: ignore[no-untyped-def]
    damaged(left)
    anew = unlearnt(model, "grad_diff", halves, left)
    assert len(anew.told) == 1
    assert same(anew, unlearnt(model, "grad_diff", halves))


def test_a_state_of_another_training_is_not_used(model, halves, left: Path) -> None:  # type: ignore[no-untyped-def]
    told: list[str] = []
    kept = states(left, told, key="other")
    with pytest.raises(KilledError):
        unlearn(model(), method("grad_diff"), halves, Seeds(3, 4), TRAINER, killed_at(1), kept)
    assert told == [f"{NOT_USED}: it belongs to another training or version; it starts anew"]


def test_a_state_of_another_model_is_not_used(model, make_vlm, halves, left: Path) -> None:  # type: ignore[no-untyped-def]
    vlm, told = make_vlm(), []
    attach(vlm, AdapterSettings(r=2, targets="language.all+projector"), seed=0)
    with pytest.raises(KilledError):
        unlearn(
            vlm,
            method("grad_diff"),
            halves,
            Seeds(3, 4),
            TRAINER,
            killed_at(1),
            states(left, told),
        )
    assert told == [f"{NOT_USED}: its weights are those of another model; it starts anew"]


def test_a_state_is_kept_after_so_many_minutes_alone(model, halves, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder: Path = tmp_path / "s"
    kept = states(folder, [], minutes=5)
    assert not kept.is_due
    unlearn(model(), method("grad_diff"), halves, Seeds(3, 4), TRAINER, None, kept)
    assert not folder.exists()
