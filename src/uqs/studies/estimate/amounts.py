"""How much work each job of a plan is: steps, questions, loads; nothing is timed here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from uqs.evaluation.splits import splits_of
from uqs.methods.cards.look_up import method_card
from uqs.methods.settings import TrainerSettings
from uqs.records import Benchmark, Need, Role, Sample, Split
from uqs.studies.estimate.ranges import NONE, Range
from uqs.studies.jobs import Job
from uqs.studies.references import taught
from uqs.studies.replay import replayed
from uqs.studies.shadows import SHADOW, TRACED, draw

FEWEST_PASSES, FEWEST_SHARE = 10, 0.5
"""Training ends at a criterion. It is taken to be reached, at the earliest, after so many passes over what is
taught, or this share of `max_steps` where that is less: tiny models needed 10 to 23 (perf/plan.md)."""
GUARDED = 16
"""Retain questions in a check of an unlearning run: `methods.unlearn.WATCHED`, whose module needs torch."""
CROSS = Range(0.3, 1.0)
"""Scoring given answers to a question, in traced questions: nothing is answered."""


class StepClass(NamedTuple):
    """What decides the cost of an optimizer step: the questions of a pass, the passes with and without
    gradients, and the share of a batch that is replayed."""

    batch: int
    training: int
    forward: int = 0
    replay: float = 0.0


@dataclass(frozen=True)
class Amount:
    """The work of a job.

    `steps` of the class `step`; before them, questions passed with gradients (`trained`); questions `looked`
    at without; `encoded` for training; `traced`; times that the base is read (`loads`); whether a
    `checkpoint` is written.
    """

    steps: Range = NONE
    step: StepClass | None = None
    trained: float = 0.0
    looked: Range = NONE
    encoded: int = 0
    traced: Range = NONE
    loads: Range = NONE
    checkpoint: bool = False


@dataclass(frozen=True)
class Questions:
    """The questions of a benchmark, by what is done with them."""

    data: Benchmark
    needs: frozenset[str]

    @cached_property
    def asked(self) -> Mapping[str, Split]:
        """The splits of a trace."""
        return splits_of(self.data, self.needs)

    @cached_property
    def number(self) -> int:
        return sum(map(len, self.asked.values()))

    @property
    def shuffled(self) -> int:
        """What an original is asked once more, under shuffled pictures."""
        return len(self.data.evaluate["forget"]) + len(self.data.evaluate["retain"])


def amount(job: Job, questions: Questions) -> Amount:
    """The work of one job on its benchmark."""
    match job.kind:
        case "train":
            return _trained(job, questions.data)
        case "unlearn":
            return _unlearned(job, questions.data)
        case "alter":
            return _altered(job, questions.data)
        case "trace":
            return _traced(job, questions)
        case "cross":
            both = 2 * len(job.params["oracle_seeds"]) * len(questions.data.evaluate["forget"])
            return Amount(traced=both * CROSS, loads=Range.exactly(1))
    return Amount()


def replay_of(job: Job) -> Sequence[Sample]:
    """What a train job replays."""
    return _replayed(job.source or None, "replay" in job.params)


@lru_cache(maxsize=1)
def _replayed(folder: str | None, user_base: bool) -> Sequence[Sample]:
    return replayed(folder, user_base)


def step_of(job: Job) -> StepClass | None:
    """The class of a job's optimizer steps; None for a job that takes none."""
    if job.kind == "train":
        training = job.params["training"]
        share = training["replay"] if replay_of(job) else 0.0
        return StepClass(training["batch_size"], 1, 0, share)
    if job.kind == "unlearn":
        card, settings = method_card(job.params["method"]), _settings(job)
        if "steps" not in settings or not card.passes.training:
            return None
        return StepClass(
            settings["batch_size"],
            math.ceil(card.passes.training),
            math.ceil(card.passes.forward),
        )
    if job.kind == "alter" and job.params["kind"] == "refusal":
        from uqs.studies.alter import REFUSAL

        return StepClass(REFUSAL.batch_size, 2)
    if job.kind == "trace" and Need.INTERVENTIONS in job.params.get("needs", ()):
        from uqs.interventions.traced import DEFAULT

        return StepClass(DEFAULT.batch_size, 1)
    return None


def _settings(job: Job) -> Mapping[str, Any]:
    """All hyperparameters of an unlearn job, defaults too."""
    settings = method_card(job.params["method"]).settings
    return settings(**job.params["hyperparameters"]).model_dump()


def _trained(job: Job, data: Benchmark) -> Amount:
    params, training = job.params, job.params["training"]
    if params["role"] == SHADOW:
        learn = len(draw(data, params["seed"]).learn) + len(data.learn["retain"])
    else:
        told = taught(data, params["share"], params["seed"], params["retain_missing"])
        learn = len(told.samples(data))
    fresh = training["batch_size"] * (1 - training["replay"] * bool(replay_of(job)))
    earliest = math.ceil(FEWEST_PASSES * learn / fresh / training["check_every"])
    most = training["max_steps"]
    steps = Range(min(FEWEST_SHARE * most, earliest * training["check_every"]), most)
    checked = min(training["check_questions"], learn) / training["check_every"]
    return Amount(
        steps=steps,
        step=step_of(job),
        looked=steps * checked,
        encoded=learn + len(replay_of(job)),
        loads=Range.exactly(1),
        checkpoint=True,
    )


def _unlearned(job: Job, data: Benchmark) -> Amount:
    card, settings = method_card(job.params["method"]), _settings(job)
    shadow = job.params.get("role") == SHADOW
    parts = draw(data, job.params["seed"]).unlearn if shadow else data.unlearn
    before = sum(len(parts[name]) for name in card.setup_over)
    steps, step = settings.get("steps", 0), step_of(job)
    checks = min(_trainer(job).checks, steps) + 1 if step else 0
    guarded = checks * min(GUARDED, len(parts["retain"]))
    return Amount(
        steps=Range.exactly(steps if step else 0),
        step=step,
        trained=before * card.setup_passes.training,
        looked=Range.exactly(guarded + before * card.setup_passes.forward),
        encoded=sum(len(parts[name]) for name in ("forget", "retain") if name in card.needs),
        loads=Range.exactly(1),
        checkpoint=True,
    )


def _trainer(job: Job) -> TrainerSettings:
    return TrainerSettings(**job.params.get("trainer", {}))


def _altered(job: Job, data: Benchmark) -> Amount:
    """A refusal is trained until it is learnt; the other alterations take no step."""
    if (step := step_of(job)) is None:
        return Amount(loads=Range.exactly(1), checkpoint=True)
    from uqs.studies.alter import CHECK_EVERY, REFUSAL

    forget = len(data.unlearn["forget"])
    steps = Range(CHECK_EVERY, REFUSAL.steps)
    return Amount(
        steps=steps,
        step=step,
        looked=steps * (forget / CHECK_EVERY),
        encoded=forget + len(data.unlearn["retain"]),
        loads=Range.exactly(1),
        checkpoint=True,
    )


def _traced(job: Job, questions: Questions) -> Amount:
    """A worker keeps a base in memory from one trace to the next, if nothing else came between."""
    loads, data = Range(0, 1), questions.data
    if job.params["role"] == SHADOW:
        shadow = sum(len(data.evaluate[name]) for name in TRACED)
        return Amount(traced=Range.exactly(shadow), loads=loads)
    number = questions.number
    if job.params["role"] == Role.ORIGINAL:
        number += questions.shuffled
    step = step_of(job)
    if step is None:
        return Amount(traced=Range.exactly(number), loads=loads)
    from uqs.interventions.quantisation import SCHEMES
    from uqs.interventions.traced import DEFAULT

    forget = len(questions.asked["forget"])
    again = forget * len(SCHEMES) + forget / 2 * len(DEFAULT.steps)
    return Amount(
        steps=Range.exactly(max(DEFAULT.steps)),
        step=step,
        traced=Range.exactly(number + again),
        loads=loads,
    )


def base_files(folder: Path) -> int:
    """Bytes of the weights in a model's folder; 0 if they are not there."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))
