from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from uqs.errors import UserError
from uqs.methods.base import Method, trainable
from uqs.methods.cards.card import MethodCard, Passes
from uqs.methods.gradient_ascent import GradientAscent
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.original import Original
from uqs.methods.random_labels import RandomLabels
from uqs.methods.salun import SalUn
from uqs.methods.settings import MethodSettings, StopAtForgetLoss, TrainerSettings
from uqs.methods.streams import Stream
from uqs.methods.unlearn import WATCHED, Seeds, check_data, unlearn
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.records import Split

LORA = AdapterSettings(r=4, targets="language.all+projector")
LEVEL = TrainerSettings(schedule="constant", warmup=0.0)


def card(*needs: str) -> MethodCard:
    return MethodCard(
        name="spy",
        title="Spy",
        loss="CE(forget) with labels from the generator",
        source="this test",
        fidelity="paper",
        needs=frozenset(needs),  # type: ignore[arg-type]
        protects=False,
        passes=Passes(training=1),
    )


class Spy(Method):
    """Random labels on forget beside retain; keeps labels, batches, and what else happened."""

    card = card("forget", "retain")

    def __init__(self, settings, nan_at: int | None = None) -> None:  # type: ignore[no-untyped-def]
        super().__init__(settings)
        self.nan_at, self.order, self.finished = nan_at, [], 0

    def streams(self, vlm, data, generator):  # type: ignore[no-untyped-def]
        inner = RandomLabels(RandomLabels.card.settings(batch_size=self.settings.batch_size))
        self.given = data["forget"]
        streams = inner.streams(vlm, data, generator)
        self.labels = streams["forget"].encoded.answers
        return streams

    def loss(self, vlm, batches, step):  # type: ignore[no-untyped-def]
        self.order.append([tuple(batches.indices(name)) for name in ("forget", "retain")])
        loss = answer_cross_entropy(vlm, batches["forget"])
        return loss * float("nan") if step.number == self.nan_at else loss

    def finish(self, vlm, data) -> None:  # type: ignore[no-untyped-def]
        self.finished += 1
        self.finished_with = data["forget"]


def parts(samples) -> dict[str, Split]:  # type: ignore[no-untyped-def]
    return {
        "forget": Split("forget", tuple(samples[:9])),
        "retain": Split("retain", tuple(samples[9:])),
    }


def original(make, settings: AdapterSettings = LORA):  # type: ignore[no-untyped-def]
    vlm = make()
    attach(vlm, settings, seed=0)
    return vlm


def weights(vlm) -> list[torch.Tensor]:  # type: ignore[no-untyped-def]
    return [p.detach().clone() for p in trainable(vlm).values()]


def spied(make, samples, seeds: Seeds, **settings):  # type: ignore[no-untyped-def]
    spy = Spy(MethodSettings(steps=4, batch_size=4))
    vlm = original(make)
    unlearn(vlm, spy, parts(samples), seeds, TrainerSettings(**settings))
    return spy, weights(vlm)


def test_each_seed_moves_its_own_draws(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    first, one = spied(make_vlm, samples, Seeds(order=1, init=1))
    again, two = spied(make_vlm, samples, Seeds(order=1, init=1))
    assert (first.order, first.labels) == (again.order, again.labels)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    other_order, _ = spied(make_vlm, samples, Seeds(order=2, init=1))
    assert other_order.order != first.order
    assert other_order.labels == first.labels
    other_init, _ = spied(make_vlm, samples, Seeds(order=1, init=2))
    assert other_init.order == first.order
    assert other_init.labels != first.labels


@pytest.mark.parametrize("settings", [LORA, AdapterSettings(kind="full")])
@pytest.mark.parametrize("method_class", [GradientAscent, RandomLabels, SalUn])
def test_adapter_and_full_weights_are_unlearned_alike(  # type: ignore[no-untyped-def]
    make_vlm, samples, method_class, settings
) -> None:
    vlm = original(make_vlm, settings)
    before = weights(vlm)
    method = method_class(method_class.card.settings(steps=2, batch_size=6, lr=1e-5))
    done = unlearn(vlm, method, parts(samples), Seeds(0, 0))
    assert (done.steps, done.collapse) == (2, None)
    assert any(not torch.equal(a, b) for a, b in zip(weights(vlm), before, strict=True))


def test_what_has_no_streams_takes_no_step(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = original(make_vlm)
    before = weights(vlm)
    done = unlearn(vlm, Original(Original.card.settings()), parts(samples), Seeds(0, 0))
    assert (done.losses, done.steps, done.collapse, done.stop) == ([], 0, None, None)
    assert all(torch.equal(a, b) for a, b in zip(weights(vlm), before, strict=True))


def test_finish_comes_once_and_not_after_a_collapse(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    spy, _ = spied(make_vlm, samples, Seeds(0, 0))
    assert spy.finished == 1
    broken = Spy(MethodSettings(steps=4, batch_size=4), nan_at=0)
    vlm = original(make_vlm)
    before = weights(vlm)
    done = unlearn(vlm, broken, parts(samples), Seeds(0, 0))
    assert done.collapse == "the loss is nan at step 1 of 4"
    assert broken.finished == 0
    assert all(torch.equal(a, b) for a, b in zip(weights(vlm), before, strict=True))


def test_the_watch_is_over_retain_answers(make_vlm, samples, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    import uqs.methods.unlearn as module

    seen = []

    def train(vlm, method, streams, schedule, order, settings, watched, progress, states):  # type: ignore[no-untyped-def]
        seen.append((schedule, watched))
        return module.Training()

    monkeypatch.setattr(module, "train", train)
    settings = TrainerSettings(schedule="linear", warmup=0.25)
    spy = Spy(MethodSettings(steps=7, lr=3e-4, batch_size=4))
    many = {"forget": Split("forget", tuple(samples)), "retain": Split("retain", tuple(samples))}
    vlm = original(make_vlm)
    unlearn(vlm, spy, many, Seeds(0, 0), settings)
    schedule, watched = seen[0]
    assert (schedule.steps, schedule.lr, schedule.decay, schedule.warmup) == (
        7,
        3e-4,
        "linear",
        0.25,
    )
    assert watched.answers.answers == vlm.encode(samples[:WATCHED]).answers
    assert watched.withheld is None


@pytest.mark.parametrize("retain", [None, ()])
def test_ascent_needs_no_retain_set_to_be_watched(make_vlm, samples, retain) -> None:  # type: ignore[no-untyped-def]
    data = {"forget": Split("forget", tuple(samples))}
    if retain is not None:
        data["retain"] = Split("retain", retain)
    method = GradientAscent(MethodSettings(steps=1, batch_size=4))
    assert unlearn(original(make_vlm), method, data, Seeds(0, 0)).steps == 1


# questions withheld to decide when to stop


def test_no_step_reads_withheld_questions(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    stop = StopAtForgetLoss(at=1e6, share=0.34)
    spy, _ = spied(make_vlm, samples, Seeds(order=3, init=5), stop=stop)
    seen = [s.id for s in spy.given.samples]
    assert len(seen) == 9 - round(0.34 * 9)
    assert spy.finished_with == spy.given
    assert seen == [s.id for s in samples[:9] if s.id in seen]  # in their order, and no others
    assert {i for forget, _ in spy.order for i in forget} <= set(range(len(seen)))
    same, _ = spied(make_vlm, samples, Seeds(order=4, init=5), stop=stop)
    assert same.given == spy.given
    drawn = {
        tuple(s.id for s in spied(make_vlm, samples, Seeds(3, k), stop=stop)[0].given.samples)
        for k in range(6, 10)
    }
    assert len(drawn) > 1


def test_a_run_stops_by_the_loss_of_withheld_questions(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    """The loss in the message is that of the questions that the method was not given."""

    class Watchful(GradientAscent):
        def streams(self, vlm, data, generator):  # type: ignore[no-untyped-def]
            self.given = data["forget"].samples
            return super().streams(vlm, data, generator)

    vlm = original(make_vlm)
    method = Watchful(MethodSettings(steps=40, lr=1e-2, batch_size=8))
    stop = StopAtForgetLoss(at=6.0, share=0.4)
    trainer = LEVEL.model_copy(update={"stop": stop, "checks": 40})
    everything = tuple(samples)
    data = {"forget": Split("forget", everything)}
    done = unlearn(vlm, method, data, Seeds(0, 0), trainer)
    withheld = [s for s in everything if s not in method.given]
    assert len(withheld) == 7
    encoded, total, count = vlm.encode(withheld), 0.0, 0
    with torch.no_grad():
        for i, answer in enumerate(encoded.answers):
            loss = answer_cross_entropy(vlm, vlm.batch(encoded, [i]))
            total, count = total + float(loss) * len(answer), count + len(answer)
    assert total / count >= 6.0
    assert done.stop == f"forget loss {total / count:.3g} of 6 nats after step {done.steps}"
    assert done.steps == len(done.losses) < 40
    assert done.collapse is None


def test_too_few_to_withhold_is_an_error(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    data = {"forget": Split("forget", tuple(samples[:2]))}
    method = GradientAscent(MethodSettings(steps=1, batch_size=1))
    trainer = TrainerSettings(stop=StopAtForgetLoss(at=1.0, share=0.1))
    with pytest.raises(
        UserError, match=r"a share of 0\.1 of 2 forget questions cannot be withheld"
    ):
        unlearn(original(make_vlm), method, data, Seeds(0, 0), trainer)


# what the data must hold


class Needy(Method):
    def __init__(self, *needs: str, **settings) -> None:  # type: ignore[no-untyped-def]
        super().__init__(MethodSettings(**settings))
        self.card = card(*needs)  # type: ignore[misc]


def test_data_that_is_not_what_a_method_needs_is_an_error(samples) -> None:  # type: ignore[no-untyped-def]
    whole, empty = parts(samples), Split("forget", ())
    both = Needy("forget", "retain", batch_size=9)
    check_data(both, whole)
    for data in ({**whole, "forget": empty}, {"retain": whole["retain"]}):
        with pytest.raises(UserError, match=r"^spy: the forget set is empty$"):
            check_data(both, data)
    for data in ({**whole, "retain": Split("retain", ())}, {"forget": whole["forget"]}):
        with pytest.raises(UserError, match=r"^spy: the retain set is empty$"):
            check_data(both, data)
    with pytest.raises(
        UserError,
        match=r"^spy: the retain set has 9 questions, fewer than a batch \(10\); lower batch_size$",
    ):
        check_data(Needy("forget", "retain", batch_size=10), whole)
    check_data(Needy("forget", batch_size=10), {"forget": whole["forget"]})


def test_a_forget_entity_without_a_picture_is_an_error(samples) -> None:  # type: ignore[no-untyped-def]
    whole = parts(samples)
    method = Needy("forget", "pictures")
    check_data(method, whole)  # every entity shows one in some question
    blind = [replace(s, picture=None) if s.entity == "thing1" else s for s in samples[:9]]
    one = {**whole, "forget": Split("forget", tuple(blind))}
    with pytest.raises(
        UserError, match=r"^spy needs a picture of every forget entity; 'thing1' has none$"
    ):
        check_data(method, one)
    none = {"forget": Split("forget", tuple(replace(s, picture=None) for s in samples[:9]))}
    with pytest.raises(UserError, match=r"'thing0' has none, nor have 2 more$"):
        check_data(method, none)
    check_data(Needy("forget"), none)


def test_bad_data_is_found_before_anything_is_touched(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = original(make_vlm)
    before = weights(vlm)
    with pytest.raises(UserError, match="the forget set is empty"):
        unlearn(vlm, Spy(MethodSettings()), {"forget": Split("forget", ())}, Seeds(0, 0))
    assert all(torch.equal(a, b) for a, b in zip(weights(vlm), before, strict=True))


def test_a_small_forget_set_is_all_of_its_batch(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    method = GradientAscent(MethodSettings(batch_size=32))
    streams = method.streams(
        original(make_vlm), {"forget": Split("forget", tuple(samples[:5]))}, torch.Generator()
    )
    assert isinstance(streams["forget"], Stream)
    assert streams["forget"].counts == (5,)
