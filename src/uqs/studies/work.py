"""What each kind of job does; runs inside worker processes, where torch lives.

`run(job, inputs, out, state)` reads the folders of the input jobs by role and writes its files into `out`.
A training keeps its state in the folder `state`, and goes on from what is there.
"""

from __future__ import annotations

import json
import math
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers.utils import logging as transformers_logging

from uqs import benchmarks, registry
from uqs.benchmarks.in_forms import by_picture_alone
from uqs.checkpoints.find import Checkpoint
from uqs.checkpoints.open import Models
from uqs.errors import UserError
from uqs.evaluation.by_form import evidence_by, references_by, traces_by
from uqs.evaluation.cross import Places, read_cross_scores, relabelled, scored, write_cross_scores
from uqs.evaluation.evaluate import evaluate
from uqs.evaluation.record import Recording, record
from uqs.evaluation.splits import splits_of
from uqs.evaluation.tracer import Tracer
from uqs.methods.base import Method
from uqs.methods.cards.look_up import method_class
from uqs.methods.retrain import Retrain
from uqs.methods.settings import TrainerSettings
from uqs.methods.state_files import StateFolder
from uqs.methods.trainer import Criterion, MonitoredQuestions, Schedule, Training, train
from uqs.methods.unlearn import Seeds, unlearn
from uqs.metrics.base import Evidence, References, Shadow
from uqs.models import adapter
from uqs.models.families import base_folder
from uqs.models.settings import AdapterSettings
from uqs.models.update import effective_update
from uqs.models.vlm import VLM
from uqs.records import Benchmark, Need, Role, Sample, Split
from uqs.studies.alter import alter
from uqs.studies.alterations import Alteration, Kind
from uqs.studies.base import put_base
from uqs.studies.gates import (
    SHUFFLED,
    Limits,
    judge,
    knowledge,
    majority_rate,
    shuffled_pictures,
)
from uqs.studies.jobs import TRAINING, Job
from uqs.studies.references import TAUGHT, Taught, taught
from uqs.studies.replay import replayed
from uqs.studies.shadows import SHADOW, TRACED, draw
from uqs.studies.verdict import GATES, dropped_models
from uqs.traces.settings import TraceSettings
from uqs.traces.store import Identity, TraceStore

Inputs = Mapping[str, Path]
SHADOWED = "shadow.json"


def run(job: Job, inputs: Inputs, out: Path, state: Path | None = None) -> None:
    """Do one job."""
    quiet(device_of(job))
    if job.kind in TRAININGS:
        TRAININGS[job.kind](job, inputs, out, state)
    else:
        WORK[job.kind](job, inputs, out)


def quiet(device: torch.device) -> None:
    """Torch deterministic, and libraries without bars and known warnings.

    Where an operation has no deterministic form on a GPU, torch warns and goes on.
    """
    torch.use_deterministic_algorithms(True, warn_only=device.type != "cpu")
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    # peft 0.21 asks transformers 5.23 by the old name
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)


def base(job: Job, _: Inputs, out: Path) -> None:
    """Put the base model beside everything that stands on it."""
    source = Path(job.source) if job.source else base_folder(job.params["model"])
    put_base(source, out, link=bool(job.source))


def train_job(job: Job, inputs: Inputs, out: Path, state: Path | None = None) -> None:
    """Train an original, an oracle, a reference or a shadow model from the base."""
    data = benchmark_of(job)
    if job.params["role"] == SHADOW:
        learn = (*draw(data, job.params["seed"]).learn, *data.learn["retain"].samples)
    else:
        told = told_of(data, job.params)
        learn = told.samples(data)
        about = {"share": told.share, "retain_share": told.retain_share}
        (out / TAUGHT).write_text(json.dumps({**about, "forget": sorted(told.forget)}))
    settings, training = AdapterSettings(**job.params["adapter"]), job.params["training"]
    free_memory(job)
    vlm = _family(job).load(inputs["base"], **_loading(job))
    # drawn on the CPU, whatever the device
    adapter.attach(vlm, settings, seed=job_seed(job, "init"))
    vlm.first_weights(job_seed(job, "init"))
    placed(vlm, job)
    again = replayed(job.source or None, user_base="replay" in job.params)
    method = Retrain(training["batch_size"], training["replay"] if again else 0.0)
    parts = {"learn": Split("learn", learn), "replay": Split("replay", again)}
    generator = torch.Generator().manual_seed(job_seed(job))
    streams = method.streams(vlm, parts, generator)
    schedule = Schedule(training["max_steps"], training["lr"])
    watched = MonitoredQuestions(criterion=_criterion(vlm, learn, training, generator))
    trainer = TrainerSettings(**job.params.get("trainer", {}))
    trained = train(
        vlm, method, streams, schedule, generator, trainer, watched, states=_states(job, state)
    )
    if trained.collapse:
        raise UserError(f"{trained.collapse}; lower training.lr ({schedule.lr:g})")
    written(vlm, trained, out)


def _states(job: Job, folder: Path | None) -> StateFolder | None:
    """The state of a job's training; lines about it go to the worker's standard error."""

    def tell(line: str) -> None:
        print(f"{job.label}: {line}", file=sys.stderr, flush=True)

    return None if folder is None else StateFolder(folder, job.key, job.save_every_minutes, tell)


def _criterion(
    vlm: VLM, learn: Sequence[Sample], training: Mapping[str, Any], generator: torch.Generator
) -> Criterion:
    """Answers to some of the taught questions, by which training ends."""
    order = torch.randperm(len(learn), generator=generator)[: training["check_questions"]]
    asked = [learn[i] for i in sorted(order.tolist())]
    return Criterion(vlm.encode(asked), training["criterion"], training["check_every"])


def told_of(data: Benchmark, params: Mapping[str, Any]) -> Taught:
    """What the model of a train job is taught."""
    return taught(data, params["share"], params["seed"], params["retain_missing"])


def unlearn_job(job: Job, inputs: Inputs, out: Path, state: Path | None = None) -> None:
    """Turn an original into an unlearned model; a shadow model unlearns its members."""
    data = benchmark_of(job)
    shadow = job.params.get("role") == SHADOW
    parts = draw(data, job.params["seed"]).unlearn if shadow else data.unlearn
    made = unlearned(job, inputs, parts, state)
    written(made.vlm, made.training, out)


def alter_job(job: Job, inputs: Inputs, out: Path, state: Path | None = None) -> None:
    """Make a suppressed or a damaged model of an original."""
    vlm = _loaded(job, inputs, "original", trainable=True)
    trainer = TrainerSettings(**job.params.get("trainer", {}))
    seeds = Seeds(job_seed(job, "order"), job_seed(job, "init"))
    kind: Kind = job.params["kind"]
    alteration = Alteration(kind, job.params["size"])
    training = alter(vlm, alteration, benchmark_of(job), seeds, trainer, _states(job, state))
    written(vlm, training, out)


class UnlearnedModel(NamedTuple):
    """A model and what came of the run that made it."""

    vlm: VLM
    training: Training


def unlearned(
    job: Job, inputs: Inputs, data: Mapping[str, Split], state: Path | None = None
) -> UnlearnedModel:
    """What the job's method makes of the original among `inputs`."""
    vlm = _loaded(job, inputs, "original", trainable=True)
    made: type[Method] = method_class(job.params["method"])
    method = made(made.card.settings(**job.params["hyperparameters"]))
    seeds = Seeds(job_seed(job, "order"), job_seed(job, "init"))
    trainer = TrainerSettings(**job.params.get("trainer", {}))
    training = unlearn(vlm, method, data, seeds, trainer, states=_states(job, state))
    return UnlearnedModel(vlm, training)


def written(vlm: VLM, training: Training, out: Path) -> None:
    """The checkpoint and what came of its run; a loss that is not finite is null."""
    adapter.save(vlm, out)
    losses = [loss if math.isfinite(loss) else None for loss in training.losses]
    assumed = {"assumed": list(vlm.assumptions)} if vlm.assumptions else {}
    (out / TRAINING).write_text(json.dumps({**asdict(training), "losses": losses, **assumed}))


def trace(job: Job, inputs: Inputs, out: Path) -> None:
    """One pass over every split that is measured; for an original also with shuffled pictures.

    Without pictures there is no such split. Of a shadow model the splits of its members, and who they are.
    """
    data = benchmark_of(job)
    needs = frozenset(job.params.get("needs", ()))
    asked = dict(_asked(job.params["benchmark"], job.params["data_hash"], needs))
    if job.params["role"] == Role.ORIGINAL and (shuffled := _shuffled(data)) is not None:
        asked[SHUFFLED] = shuffled
    if job.params["role"] == SHADOW:
        asked = {name: Split(name, data.evaluate[name].samples) for name in TRACED}
        about = {
            "members": sorted(draw(data, job.params["seed"]).members),
            "collapsed": _collapsed(inputs["model"]),
        }
        (out / SHADOWED).write_text(json.dumps(about))
    with tracer(job, inputs["model"], inputs["base"], out) as traced:
        record(traced, asked, needs).write(out)


def tracer(job: Job, model: Path, base: Path, out: Path) -> Tracer:
    """Traces a model as the study says, into a store in the folder `out`."""
    traces = dict(job.params["traces"])
    precision = traces.pop("precision")
    checkpoint = _checkpoint(model, base)
    models = _Models(job, base, precision)
    # folders of a study are named by all that their content depends on
    found = Identity(base.name, model.name, "", precision, str(device_of(job)))
    settings = TraceSettings(**{**traces, "layers": _layers(traces["layers"])})
    return Tracer(checkpoint, found, models, TraceStore(out), settings, lambda *_: None)


def _layers(given: Sequence[int] | None) -> tuple[int, ...] | None:
    return None if given is None else tuple(given)


def _checkpoint(model: Path, base: Path) -> Checkpoint:
    """The checkpoint in a job's folder; an adapter stands on the study's base, whatever it names."""
    if (model / "model.safetensors").exists():
        return Checkpoint(model, "model", model.name)
    return Checkpoint(model, "adapter", model.name, base)


@dataclass(frozen=True)
class _Models:
    """Opens the models of a study; one base stays in memory, but for one in few bits."""

    job: Job
    base: Path
    precision: str

    @contextmanager
    def opened(self, checkpoint: Checkpoint) -> Iterator[VLM]:
        loading = _loading(self.job)
        if loading.keys() & {"options", "load_in"}:
            yield self._alone(checkpoint, {**loading, "dtype": getattr(torch, self.precision)})
            return
        with _shared(self.base, self.precision, str(device_of(self.job))).opened(checkpoint) as vlm:
            yield vlm

    def _alone(self, checkpoint: Checkpoint, loading: Mapping[str, Any]) -> VLM:
        """A model with a base of its own."""
        free_memory(self.job)
        found = adapter.load(
            _family(self.job), self.base, checkpoint.folder, trainable=False, **loading
        )
        return placed(found, self.job)


@lru_cache(maxsize=1)
def _shared(base: Path, precision: str, device: str) -> Models:
    return Models(device, getattr(torch, precision), base)


def device_of(job: Job) -> torch.device:
    """Where a job computes; a worker on a GPU sees no other."""
    return torch.device(job.params.get("device", "cpu"))


def placed(vlm: VLM, job: Job) -> VLM:
    """The model, moved to where its job computes."""
    device = device_of(job)
    if vlm.model.device.type != device.type:
        vlm.model.to(device)
    return vlm


def free_memory(job: Job) -> None:
    """Before a model is opened on a GPU: let go of the base that is kept there for traces."""
    if device_of(job).type != "cpu":
        _shared.cache_clear()
        torch.cuda.empty_cache()


def gates(job: Job, inputs: Inputs, out: Path) -> None:
    """Judge the originals and oracles of a benchmark before anything is unlearned."""
    data = benchmark_of(job)
    limits = Limits(**job.params["limits"])
    shuffled = _shuffled(data)
    majority = None if shuffled is None else majority_rate(shuffled.samples)
    known = {}
    for name, folder in sorted(inputs.items()):
        told = told_of(data, job.params["taught"][name])
        traces = Recording.read(folder).evidence(None, judges=data.judges).traces
        if form := job.params.get("ask_by"):
            traces = traces_by(traces, form)
        known[name] = knowledge(traces, limits, told.forget, told.retain)
    verdict = judge(known, job.params["starts"], majority, limits)
    (out / GATES).write_text(json.dumps(verdict.tree(), indent=1, allow_nan=False))


def measure(job: Job, inputs: Inputs, out: Path) -> None:
    """All metrics of one model against the oracles that stand: functions of traces and weight updates."""
    dropped = dropped_models(inputs["gates"] / GATES)
    judges = tuple(sorted(job.params.get("judges", {}).items()))
    seeds = [s for s in job.params["oracle_seeds"] if f"{Role.ORACLE}_{s}" not in dropped]
    oracles = {
        int(seed): _reference(
            inputs[f"oracle_{seed}_trace"], inputs[f"oracle_{seed}"], inputs["base"], judges
        )
        for seed in seeds
    }
    original = (
        _reference(inputs["original_trace"], inputs["original"], inputs["base"], judges)
        if "original" in inputs
        else None
    )
    recorded = Recording.read(inputs["trace"])
    cross_scores = {}
    if "cross" in inputs:
        cross_scores = {
            s: one for s, one in read_cross_scores(inputs["cross"]).items() if s in oracles
        }
    update = effective_update(inputs["model"], inputs["base"])
    model = recorded.evidence(update, cross_scores, judges=dict(judges))
    references = References(oracles, original, shadows(inputs))
    if form := job.params.get("ask_by"):
        model, references = evidence_by(model, form), references_by(references, form)
    found = evaluate(
        job.params["metrics"],
        model,
        references,
        role=Role(job.params["role"]),
        dead=_collapsed(inputs["model"]),
        generalises=job.params.get("generalises", False),
    )
    found.write(out)


def cross(job: Job, inputs: Inputs, out: Path) -> None:
    """A model and each oracle score the other's greedy answers."""
    asked = benchmark_of(job).evaluate["forget"]
    own = Recording.read(inputs["trace"]).evidence(None, judges={}).traces["forget"].answers
    places: dict[int, Places] = {}
    for seed in job.params["oracle_seeds"]:
        theirs = _reference(
            inputs[f"oracle_{seed}_trace"], inputs[f"oracle_{seed}"], inputs["base"]
        )
        splits = relabelled(asked, own, theirs.traces["forget"].answers)
        places[seed] = Places(splits)
    for role, by_oracle in (("model", False), *((f"oracle_{seed}", True) for seed in places)):
        with tracer(job, inputs[role], inputs["base"], out) as scoring:
            scoring.settings = scored(scoring.settings)
            for seed, one in places.items():
                if not by_oracle or role == f"oracle_{seed}":
                    one.score(scoring, by_oracle=by_oracle)
    write_cross_scores(places, out)


def _collapsed(checkpoint: Path) -> bool:
    """Whether the run that made a checkpoint had to be ended."""
    file = checkpoint / TRAINING
    return file.is_file() and json.loads(file.read_text()).get("collapse") is not None


TRAININGS: Mapping[str, Callable[[Job, Inputs, Path, Path | None], None]] = {
    "train": train_job,
    "unlearn": unlearn_job,
    "alter": alter_job,
}
WORK: Mapping[str, Callable[[Job, Inputs, Path], None]] = {
    "base": base,
    "trace": trace,
    "gates": gates,
    "cross": cross,
    "measure": measure,
}


def job_seed(job: Job, *use: str) -> int:
    """A seed from what the job is and what it is used for, so that no two models share their draws.

    32 bits: torch's generator on the CPU takes no notice of higher ones.
    """
    words = [
        job.kind,
        job.params["benchmark"],
        job.params.get("role"),
        job.params.get("method"),
        job.params.get("kind"),
        job.params.get("size"),
        job.params.get("share"),
        job.params.get("retain_missing"),
        job.params["seed"],
        *use,
    ]
    return zlib.crc32(json.dumps(words).encode())


@lru_cache(maxsize=4)
def _load(name: str, data_hash: str) -> Benchmark:
    found = benchmarks.load(name)
    if found.data_hash != data_hash:
        raise ValueError(f"{name} changed while the study ran")
    return found


@lru_cache(maxsize=4)
def _asked(name: str, data_hash: str, needs: frozenset[Need]) -> Mapping[str, Split]:
    """The splits to trace; the same samples for every model of a worker, whose encodings are kept."""
    return splits_of(_load(name, data_hash), needs)


def benchmark_of(job: Job) -> Benchmark:
    """The benchmark that a job is about."""
    return _load(job.params["benchmark"], job.params["data_hash"])


def _loaded(job: Job, inputs: Inputs, role: str, *, trainable: bool) -> VLM:
    """The model of an input job, on its base as the study loads it."""
    free_memory(job)
    found = adapter.load(
        _family(job),
        inputs["base"],
        inputs[role],
        trainable=trainable,
        **_loading(job),
    )
    return placed(found, job)


def _loading(job: Job) -> dict[str, Any]:
    """How a study loads its base, where it says so, as arguments of `VLM.load`."""
    given = job.params.get("loading", {})
    found: dict[str, Any] = {}
    if job.params.get("quantised", False):
        found["load_in"] = "4bit"
    if "load_in" in given:
        found["load_in"] = given["load_in"]
    if "dtype" in given:
        found["dtype"] = getattr(torch, given["dtype"])
    if "attention" in given:
        found["options"] = {"attn_implementation": given["attention"]}
    return found


def _family(job: Job) -> Any:
    return registry.get("model", job.params["model"])


def _shuffled(data: Benchmark) -> Split | None:
    """The picture questions with others' pictures; None where the benchmark asks in text alone."""
    both = (*data.evaluate["forget"].samples, *data.evaluate["retain"].samples)
    if all(one.picture is None for one in both):
        return None
    return shuffled_pictures(Split(SHUFFLED, by_picture_alone(both)), np.random.default_rng(0))


@lru_cache(maxsize=8)
def _reference(
    traces: Path, checkpoint: Path, start: Path, judges: tuple[tuple[str, str], ...] = ()
) -> Evidence:
    """What is recorded of an oracle or an original; read once a worker, for all models that need it."""
    return Recording.read(traces).evidence(effective_update(checkpoint, start), judges=dict(judges))


def shadows(inputs: Inputs) -> list[Shadow]:
    """The shadow models of a job; one whose unlearning collapsed was put back: it is not unlearned."""
    folders = [folder for role, folder in sorted(inputs.items()) if role.startswith(SHADOW)]
    return [_shadow(folder) for folder in folders]


def _shadow(folder: Path) -> Shadow:
    about = json.loads((folder / SHADOWED).read_text())
    return Shadow(
        frozenset(about["members"]),
        unlearned=not about["collapsed"],
        traces=Recording.read(folder).evidence(None, judges={}).traces,
    )
