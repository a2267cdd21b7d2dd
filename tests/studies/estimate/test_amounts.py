"""The work of jobs, by sizes of the tiny editions (docs/data.md) and by what methods really do."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from uqs import benchmarks
from uqs.benchmarks.limit import limited
from uqs.evaluation.splits import TRACED, needs_of
from uqs.methods.cards import CARDS
from uqs.methods.cards.look_up import method_class
from uqs.methods.unlearn import WATCHED, Seeds, unlearn
from uqs.models import adapter
from uqs.models.settings import AdapterSettings
from uqs.models.tiny_llava import TinyLlava
from uqs.studies.estimate.amounts import GUARDED, Questions, StepClass, amount, step_of
from uqs.studies.estimate.ranges import Range
from uqs.studies.jobs import Job
from uqs.studies.plan import make_plan
from uqs.studies.spec import read_study

STUDY = """
name: counted
benchmarks: [unlok_vqa:tiny]
model: {name: tiny_llava}
training: {max_steps: 100, check_every: 10, check_questions: 50, batch_size: 20}
references: {shares: [0.5], seeds: [0], suppressed: [refusal], damaged: {noise: [0.1]}}
methods:
  - {name: npo, steps: 7, batch_size: 4}
  - {name: salun, steps: 40}
  - {name: manu}
  - guardrail
seeds: [1]
metrics: [forget_accuracy, relearning_recovery]
shadows: 4
"""


@pytest.fixture(scope="module")
def questions() -> Questions:
    needs = needs_of(["forget_accuracy", "relearning_recovery"]) & TRACED
    return Questions(benchmarks.load("unlok_vqa:tiny"), needs)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory, questions: Questions) -> dict[str, Job]:
    file = tmp_path_factory.mktemp("study") / "study.yaml"
    file.write_text(STUDY)
    plan = make_plan(read_study(file), {"unlok_vqa:tiny": questions.data.data_hash}, "base")
    return {job.label.replace(" unlok_vqa:tiny", ""): job for job in plan.jobs}


def test_training(jobs: dict[str, Job], questions: Questions) -> None:
    original = amount(jobs["train original seed 1"], questions)
    replayed = original.encoded - 600  # 240 forget and 360 retain questions
    assert replayed > 10_000
    assert original.steps == Range(50, 100)  # 10 passes of 600 by 14 a step are more than half
    assert original.step == StepClass(20, 1, 0, 0.3)
    assert original.looked == Range(250, 500)  # 50 questions every 10 steps
    assert original.checkpoint
    oracle = amount(jobs["train oracle seed 0"], questions)
    assert oracle.encoded - replayed == 360
    few = replace(jobs["train oracle seed 0"], params={**jobs["train oracle seed 0"].params})
    few.params["training"] = {**few.params["training"], "max_steps": 1000}  # type: ignore[index]
    assert amount(few, questions).steps == Range(260, 1000)  # 257.1 steps, and a check every 10
    assert amount(jobs["train reference 0.5 seed 0"], questions).encoded - replayed == 480
    # half of 20 forget and 20 holdout pictures, of 12 questions each, and retain
    assert amount(jobs["train shadow 0"], questions).encoded - replayed == 240 + 360


def test_unlearning(jobs: dict[str, Job], questions: Questions) -> None:
    npo = amount(jobs["unlearn npo seed 1"], questions)
    assert npo.step == StepClass(4, 2, 1)
    assert npo.steps == Range(7, 7)
    assert npo.looked == Range(96, 96)  # 16 at the start and at 5 checks
    assert npo.encoded == 600
    assert npo.trained == 0
    salun = amount(jobs["unlearn salun seed 1"], questions)
    assert salun.trained == 240  # the gradient of forget, before the first step
    manu = amount(jobs["unlearn manu seed 1"], questions)
    assert manu.step is None
    assert manu.looked == Range(1200, 1200)  # both sets with and without pictures
    guardrail = amount(jobs["unlearn guardrail seed 1"], questions)
    assert (guardrail.encoded, guardrail.step) == (240, None)


def test_alterations(jobs: dict[str, Job], questions: Questions) -> None:
    refusal = amount(jobs["alter refusal seed 0"], questions)
    assert (refusal.steps, refusal.step) == (Range(10, 300), StepClass(32, 2))
    assert amount(jobs["alter noise 0.1 seed 0"], questions).steps == Range(0, 0)


def test_tracing(jobs: dict[str, Job], questions: Questions) -> None:
    # forget and holdout 240 each, retain 320, forget reworded 240, neighbours 117; forget three times more by
    # quantisation, and half of its 20 pictures at five moments of relearning
    further = 3 * 240 + 5 * 120
    asked = 240 + 240 + 320 + 240 + 117
    oracle = amount(jobs["trace oracle seed 0"], questions)
    assert oracle.traced == Range(asked + further, asked + further)
    assert (oracle.steps, oracle.step) == (Range(40, 40), StepClass(16, 1))
    original = amount(jobs["trace original seed 1"], questions)
    assert original.traced.low == oracle.traced.low + 240 + 320  # under shuffled pictures
    shadow = amount(jobs["trace npo shadow 0"], questions)
    assert shadow.traced == Range(480, 480)


def test_jobs_that_measure_take_no_model(jobs: dict[str, Job], questions: Questions) -> None:
    assert amount(jobs["gates"], questions).traced == Range(0, 0)
    assert step_of(jobs["gates"]) is None


def test_it_knows_how_many_questions_a_check_looks_at() -> None:
    assert GUARDED == WATCHED


def test_what_is_computed_before_the_first_step_is_counted() -> None:
    assert {name for name, card in CARDS.items() if card.setup} == {
        name for name, card in CARDS.items() if card.setup_over
    }


@pytest.mark.parametrize("name", [n for n, card in CARDS.items() if card.setup])
def test_a_setup_takes_the_passes_of_its_card(name: str) -> None:
    """Every question of the sets is passed at most as often as the card says, with and without gradients."""
    data = limited(benchmarks.load("mmubench:tiny"), 2).unlearn
    vlm = TinyLlava.load(TinyLlava.base_folder())
    adapter.attach(vlm, AdapterSettings(r=2, targets="language.all"), seed=0)
    seen = {True: 0, False: 0}

    def count(_: object, given: tuple[torch.Tensor, ...]) -> None:
        seen[torch.is_grad_enabled()] += len(given[0])

    vlm.decoder.layers[0].register_forward_pre_hook(count)
    made = method_class(name)
    settings = {"steps": 1, "batch_size": 1} if "steps" in made.card.settings.model_fields else {}
    given = {"side": "picture"} if name == "mmunlearner" else {}
    method = made(made.card.settings(**settings, **given))
    if settings:
        method.streams(vlm, data, torch.Generator().manual_seed(0))
    else:
        unlearn(vlm, method, data, Seeds(0, 0))
    asked = sum(len(data[part]) for part in made.card.setup_over)
    passes = made.card.setup_passes
    if passes.training:
        assert seen[True] == passes.training * asked
    most = (passes.training + passes.forward) * asked
    assert most / 2 <= sum(seen.values()) <= most + 1  # rmu looks once where a layer's states are
