"""The study file: what it may say, its defaults, and errors that name the key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from uqs import registry
from uqs.errors import DataError, UserError
from uqs.evaluation.splits import metric_names
from uqs.forms import ASKED, FORGOTTEN, Form
from uqs.methods.cards.card import MethodCard
from uqs.methods.cards.look_up import method_card
from uqs.methods.settings import DEFAULT_TRAINER, TrainerSettings
from uqs.metrics.catalogue import CORE, metric_card, refuse_doubles
from uqs.models.families import base_folder
from uqs.records import Need
from uqs.studies.arithmetic import Arithmetic
from uqs.studies.classifiers import check_classifier
from uqs.studies.model import Model
from uqs.studies.strengths import Strengths, read_strengths
from uqs.traces.settings import TraceSettings
from uqs.yamlfile import read_mapping

METHOD_KEYS = ("name", "strength")
FORMER = {
    "gates.confidence": "gates are limits and no tests; write accuracy, known, entities, share",
    "gates.margin": "gates are limits and no tests; write accuracy, known, entities, share",
    "training.steps": "training ends at a criterion; write criterion, max_steps, check_every",
    "training.init_seed": "every model starts from first weights of its own",
}
"""Keys of earlier versions, and what stands in their place."""

Seed = Annotated[int, Field(ge=0, lt=2**31)]
Seeds = Annotated[tuple[Seed, ...], Field(strict=False)]
Names = Annotated[tuple[str, ...], Field(strict=False)]
Share = Annotated[float, Field(ge=0, le=1)]
PartOf = Annotated[float, Field(gt=0, lt=1)]
Size = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TrainingOnBenchmark(_Part):
    """What a benchmark has otherwise, because it teaches more or less than the others."""

    max_steps: Annotated[int, Field(gt=0)] | None = None
    lr: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class Training(_Part):
    """How originals, oracles and references are trained.

    Training ends as soon as the share `criterion` of taught questions is answered right, looked at every
    `check_every` steps on `check_questions` of them that are drawn once per model, and at the latest
    after `max_steps` optimizer steps. `lr` is AdamW's peak learning rate, `batch_size` the samples per
    step, `replay` the share of each batch that replays what the base knows. `per_benchmark` gives single
    benchmarks another limit or rate.
    """

    criterion: Annotated[float, Field(gt=0, le=1)] = 0.98
    check_every: Annotated[int, Field(gt=0)] = 25
    check_questions: Annotated[int, Field(gt=0)] = 200
    max_steps: Annotated[int, Field(gt=0)] = 1000
    lr: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2e-3
    batch_size: Annotated[int, Field(gt=0)] = 64
    replay: Annotated[float, Field(ge=0, lt=1)] = 0.3
    per_benchmark: Mapping[str, TrainingOnBenchmark] = {}

    def on(self, benchmark: str) -> Training:
        """The training on one benchmark, given by its name."""
        own = self.per_benchmark.get(benchmark, TrainingOnBenchmark())
        return self.model_copy(update={"per_benchmark": {}, **own.model_dump(exclude_none=True)})


class Oracles(_Part):
    """Seeds of the retrained models; their spread is the noise floor."""

    seeds: Seeds = (0, 1)


class Damaged(_Part):
    """Models in which nothing was unlearned and something else broke.

    `noise` adds normal noise to each trained tensor of an original, of so many times the tensor's root mean
    square. `retain_missing` trains an original without so large a share of the retain entities.
    """

    noise: Annotated[tuple[Size, ...], Field(strict=False)] = ()
    retain_missing: Annotated[tuple[PartOf, ...], Field(strict=False)] = ()


class References(_Part):
    """Models whose knowledge of the forget set is known, because of how they are made.

    At each of `shares` a model is trained for every one of `seeds` on the retain set and that share of
    the forget entities: share 0 are further oracles, share 1 further originals. The entities of a share
    are among those of every larger share of the same seed. In `suppressed` models the knowledge is there
    and is not said, in `damaged` ones nothing was unlearned and something else broke; there is one of each
    kind for every seed.
    """

    shares: Annotated[tuple[Share, ...], Field(strict=False)] = ()
    seeds: Seeds = (0,)
    suppressed: Annotated[tuple[Literal["refusal", "guardrail"], ...], Field(strict=False)] = ()
    damaged: Damaged = Damaged()


class Gates(_Part):
    """`accuracy` that original and oracle must reach on what they were taught; `known`, the share of right
    answers from which an entity is known; `entities`, below which the share of known entities that were not
    taught must stay; `share`, below which must stay what an oracle has of the original's knowledge and what
    an original answers under shuffled pictures. `entities` or `share` of 1 asks for nothing."""

    accuracy: Share = 0.875
    known: Annotated[float, Field(gt=0, le=1)] = 0.75
    entities: Annotated[float, Field(gt=0, le=1)] = 0.125
    share: Annotated[float, Field(gt=0, le=1)] = 0.3


class Traces(TraceSettings):
    """How models are traced; the defaults are those of `uqs measure`. `precision` is that of the weights."""

    layers: Annotated[tuple[Annotated[int, Field(lt=0)], ...], Field(strict=False)] | None = None
    precision: Literal["float32", "bfloat16", "float16"] = "float32"

    def content(self) -> dict[str, Any]:
        return {**super().content(), "precision": self.precision}


class MethodChoice(_Part):
    """One method at one strength, with all its hyperparameters; `strength` is the word in tables."""

    name: str
    strength: str = ""
    hyperparameters: Mapping[str, Any]


class Study(_Part):
    """A study file with every default filled in.

    `benchmarks` are `name:tiny` or `name:FOLDER`. Methods start from originals: `originals: per_seed`
    trains one for every seed, `shared` one for all, from the first seed. `arithmetic: avx2` computes with
    the instructions that every x86-64 processor with AVX2 has, so that results are the same bits on all
    of them; `native` with whatever the processor has. `device: cuda` trains, alters and traces on a
    GPU, whose results are other bits than the CPU's. `shadows` is the number of shadow models for each
    benchmark and method, 0 or an even number from 4 on. `metrics: default` are the core metrics
    (docs/metrics.md), `all` every metric whose data the study makes; a metric may also be FILE.py:CLASS.
    `ask_by`: the forms of questions by which every model is measured once more, on benchmarks that ask each
    fact in several (`&forget_by=`); its rows have an edition of their own.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    benchmarks: Names
    model: Model
    training: Training = Training()
    trainer: TrainerSettings = DEFAULT_TRAINER
    arithmetic: Arithmetic = "avx2"
    device: Literal["cpu", "cuda"] = "cpu"
    oracles: Oracles = Oracles()
    references: References = References()
    originals: Literal["per_seed", "shared"] = "per_seed"
    methods: Annotated[tuple[MethodChoice, ...], Field(strict=False)]
    seeds: Seeds
    metrics: Names = CORE
    shadows: Annotated[int, Field(ge=0)] = 0
    traces: Traces = Traces()
    gates: Gates = Gates()
    ask_by: Annotated[tuple[Form, ...], Field(strict=False)] = ()

    @property
    def oracle_seeds(self) -> tuple[int, ...]:
        """Seeds of all oracles: those under `oracles`, and those of the references of share 0."""
        further = self.references.seeds if 0 in self.references.shares else ()
        return tuple(dict.fromkeys((*self.oracles.seeds, *further)))

    @property
    def start_seeds(self) -> tuple[int, ...]:
        """Seeds of the originals that methods start from."""
        return self.seeds if self.originals == "per_seed" else self.seeds[:1]

    @property
    def original_seeds(self) -> tuple[int, ...]:
        """Seeds of all originals: those that methods start from, and the references of share 1."""
        further = self.references.seeds if 1 in self.references.shares else ()
        return tuple(dict.fromkeys((*self.start_seeds, *further)))


def read_study(path: Path) -> Study:
    """Read and check a study file; DataError names the file, the key and what to do."""
    return _read(path, tuning=False)


def read_study_to_tune(path: Path) -> Study:
    """A study file whose strengths are still to be found: every method once, with what the file fixes."""
    return _read(path, tuning=True)


def _read(path: Path, tuning: bool) -> Study:
    raw = read_mapping(path)
    _refuse_former(raw, path)
    if raw.get("metrics") == "default":
        del raw["metrics"]
    if raw.get("metrics") == "all":
        raw["metrics"] = everything(shadows=bool(raw.get("shadows")))
    strengths = None if tuning else _strengths(raw.get("strengths"), path)
    raw.pop("strengths", None)
    if isinstance(raw.get("methods"), list):
        entries = [_entry(entry, i, path) for i, entry in enumerate(raw["methods"])]
        if tuning:
            entries = [entry.once() for entry in entries]
        raw["methods"] = [_method(e, s, strengths, path) for e in entries for s in e.strengths]
    try:
        study = Study.model_validate(raw)
    except ValidationError as error:
        raise described(error, Study, "", path) from None
    _check(study, path)
    if strengths is not None:
        _check_strengths(study, strengths, path)
    return study


def _refuse_former(raw: Mapping[str, Any], path: Path) -> None:
    for key, instead in FORMER.items():
        part, _, name = key.partition(".")
        if isinstance(raw.get(part), dict) and name in raw[part]:
            raise DataError(f"is gone: {instead}", file=path, field=key)


def _strengths(named: object, path: Path) -> Strengths | None:
    """The file of strengths that a study names, beside the study file."""
    if named is None:
        return None
    if not isinstance(named, str):
        raise DataError(f"{named!r} is no file", file=path, field="strengths")
    return read_strengths(path.parent / named)


def _check_strengths(study: Study, strengths: Strengths, path: Path) -> None:
    """Strengths hold for the model and the benchmarks that they were found on, and for other seeds."""
    try:
        model = Model.model_validate(strengths.model)
    except ValidationError as error:
        raise described(error, Model, "model", strengths.file) from None
    where = f"{strengths.file.name} was found"
    advice = f"search this study's own with 'uqs tune {path.name}'"
    if (theirs := _trained(model)) != (ours := _trained(study.model)):
        field = next(key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key))
        problem = f"{where} for {field} {theirs.get(field)!r}, this study has {ours.get(field)!r}"
        raise DataError(f"{problem}; {advice}", file=path, field="strengths")
    for name in study.benchmarks:
        if name not in strengths.benchmarks:
            problem = f"{where} on {', '.join(strengths.benchmarks)}, this study has {name!r}"
            raise DataError(f"{problem}; {advice}", file=path, field="strengths")
    if strengths.seed in study.seeds:
        problem = f"{where} with originals of seed {strengths.seed}; measure with other seeds"
        raise DataError(problem, file=path, field="seeds")


def _trained(model: Model) -> dict[str, Any]:
    """What decides how strong a setting is: the family and what of it is trained."""
    adapter = model.adapter.content()
    if model.adapter.kind == "full":
        adapter = {"kind": "full"}
    base = {"model.path": model.path} if model.path else {}
    return {"model.name": model.name} | base | {f"model.adapter.{k}": v for k, v in adapter.items()}


def everything(shadows: bool) -> list[str]:
    """All metrics; those that read shadow models only where the study has some."""
    left_out = set() if shadows else {Need.SHADOWS}
    return [name for name in metric_names("all") if not metric_card(name).needs & left_out]


def dump_study(study: Study) -> str:
    """The study as YAML that `read_study` reads back."""
    tree = study.model_dump(mode="json")
    tree["methods"] = [
        {"name": m["name"], "strength": m["strength"], **m["hyperparameters"]}
        for m in tree["methods"]
    ]
    text: str = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
    return text


class _Entry(NamedTuple):
    """An entry under `methods`: where it stands, its name, its strengths and what it fixes."""

    where: str
    name: str
    strengths: tuple[str, ...]
    fixed: Mapping[str, Any]

    def once(self) -> _Entry:
        """The same without strengths."""
        return self._replace(strengths=("",))


def _entry(entry: object, place: int, path: Path) -> _Entry:
    """`salun`, or `{name: salun, strength: [weak, strong], mask_share: 0.5}`."""
    where = f"methods[{place}]"
    given = {"name": entry} if isinstance(entry, str) else entry
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise DataError(
            f"{entry!r} is no method; write its name or {{name: NAME, ...}}", file=path, field=where
        )
    strengths = given.get("strength", "")
    listed = strengths if isinstance(strengths, list) else [strengths]
    if not listed or not all(isinstance(strength, str) for strength in listed):
        problem = f"must be a word or a list of words; it is {strengths!r}"
        raise DataError(problem, file=path, field=f"{where}.strength")
    fixed = {key: value for key, value in given.items() if key not in METHOD_KEYS}
    return _Entry(where, given["name"], tuple(listed), fixed)


def _method(
    entry: _Entry, strength: str, strengths: Strengths | None, path: Path
) -> dict[str, Any]:
    """One method at one strength in full; what the entry fixes goes before what was tuned."""
    with _located(entry.where, path):
        registry.check("method", entry.name)
        card = method_card(entry.name)
        if card.name == "retrain":
            raise UserError("'retrain' makes the oracles; write its seeds under oracles.seeds")
    tuned = _tuned(entry, strength, strengths, card, path) if strength else {}
    try:
        settings = card.settings.model_validate({**tuned, **entry.fixed})
    except ValidationError as error:
        raise described(error, card.settings, entry.where, path, also=METHOD_KEYS) from None
    return {
        "name": entry.name,
        "strength": strength,
        "hyperparameters": settings.model_dump(mode="json"),
    }


def _tuned(
    entry: _Entry, strength: str, strengths: Strengths | None, card: MethodCard, path: Path
) -> Mapping[str, Any]:
    """What the file of strengths says; nothing where the study file itself says what the word stands for."""
    if strengths is not None:
        found = strengths.of(entry.name, strength)
        if lacking := [f for f in card.settings.model_fields if f not in {**found, **entry.fixed}]:
            where = f"methods.{entry.name}.{strength}"
            raise DataError(f"lacks {', '.join(lacking)}", file=strengths.file, field=where)
        return found
    needed = (
        [card.tuned_hyperparameter.field]
        if card.tuned_hyperparameter
        else list(card.settings.model_fields)
    )
    if not any(field in entry.fixed for field in needed):
        problem = f"nothing says what {strength!r} is; name a file under 'strengths'"
        hint = f", or write {' or '.join(needed)} here" if needed else ", or leave the word out"
        raise DataError(problem + hint, file=path, field=f"{entry.where}.strength")
    return {}


@contextmanager
def _located(where: str, path: Path) -> Iterator[None]:
    """Make a UserError that is raised inside name file and key."""
    try:
        yield
    except UserError as error:
        raise DataError(str(error), file=path, field=where) from None


def _check(study: Study, path: Path) -> None:
    """What no single key can say."""
    variants = [f"{m.name}@{m.strength}" if m.strength else m.name for m in study.methods]
    for where, values, advice in (
        ("benchmarks", study.benchmarks, ""),
        ("seeds", study.seeds, ""),
        ("oracles.seeds", study.oracles.seeds, ""),
        ("references.seeds", study.references.seeds, ""),
        ("metrics", study.metrics, ""),
        ("methods", variants, "; give each variant its own `strength`"),
    ):
        if not values:
            raise DataError("is empty", file=path, field=where)
        _refuse_doubled(values, where, path, advice)
    _refuse_doubled(study.ask_by, "ask_by", path)
    if parts := [name for name in study.benchmarks if ASKED in name]:
        whole, _, form = parts[0].partition(ASKED)
        problem = (
            f"{parts[0]!r}: a study measures by one form with 'ask_by: [{form}]', beside {whole!r}"
        )
        raise DataError(problem, file=path, field="benchmarks")
    if study.ask_by and not any(FORGOTTEN in name for name in study.benchmarks):
        problem = (
            f"no benchmark asks a fact in several forms; write 'mllmu_bench:tiny{FORGOTTEN}picture'"
        )
        raise DataError(problem, file=path, field="ask_by")
    damaged = study.references.damaged
    for where, several in (
        ("references.shares", study.references.shares),
        ("references.suppressed", study.references.suppressed),
        ("references.damaged.noise", damaged.noise),
        ("references.damaged.retain_missing", damaged.retain_missing),
    ):
        _refuse_doubled(several, where, path)
    if all(method_card(choice.name).baseline for choice in study.methods):
        problem = "name baselines alone; add a method that unlearns, or there is nothing to compare"
        raise DataError(problem, file=path, field="methods")
    first: dict[tuple[str, str], MethodChoice] = {}
    for choice in study.methods:
        key = (choice.name, repr(sorted(choice.hyperparameters.items())))
        if (other := first.setdefault(key, choice)) is not choice:
            problem = (
                f"{choice.name!r} at {choice.strength!r} is the same model as at {other.strength!r}: "
                "all hyperparameters are equal"
            )
            raise DataError(problem, file=path, field="methods")
    if len(study.oracle_seeds) < 2:
        raise DataError(
            "one oracle gives no noise floor; write two seeds or more",
            file=path,
            field="oracles.seeds",
        )
    if study.shadows % 2 or study.shadows == 2:
        raise DataError(
            f"the number of shadow models must be 0 or an even number of at least 4; it is {study.shadows}",
            file=path,
            field="shadows",
        )
    for where, kind, known in (
        ("model.name", "model", [study.model.name]),
        ("benchmarks", "benchmark", [b.partition(":")[0] for b in study.benchmarks]),
        ("metrics", "metric", study.metrics),
    ):
        with _located(where, path):
            for name in known:
                registry.check(kind, name)
    with _located("metrics", path):
        refuse_doubles(study.metrics)
    _check_model(study.model, path)
    check_classifier(study, path)
    named = [b.partition(":")[0] for b in study.benchmarks]
    for name in study.training.per_benchmark:
        if name not in named:
            raise DataError(
                f"{name!r} is no benchmark of this study; {registry.nearest(name, named)}",
                file=path,
                field="training.per_benchmark",
            )


def _check_model(model: Model, path: Path) -> None:
    """Without a path the family must ship a base; what belongs to a path needs one."""
    if model.path is None:
        for field in ("revision", "replay"):
            if getattr(model, field) is not None:
                problem = "belongs to a base of your own; name it under model.path"
                raise DataError(problem, file=path, field=f"model.{field}")
        with _located("model.name", path):
            base_folder(model.name)
    if model.load_in and model.adapter.kind != "lora":
        problem = (
            f"adapter kind {model.adapter.kind!r} has no base in 8 bits; write kind lora, or leave "
            "load_in out"
        )
        raise DataError(problem, file=path, field="model.load_in")
    if (model.load_in or model.adapter.kind == "qlora") and find_spec("bitsandbytes") is None:
        field = "model.load_in" if model.load_in else "model.adapter.kind"
        problem = "needs the package bitsandbytes, which is not installed: pip install 'uqs[qlora]'"
        raise DataError(problem, file=path, field=field)
    if model.attention == "flash_attention_2" and find_spec("flash_attn") is None:
        problem = (
            "flash_attention_2 needs the package flash-attn, which is not installed; write sdpa"
        )
        raise DataError(problem, file=path, field="model.attention")


def _refuse_doubled(values: Sequence[object], where: str, path: Path, advice: str = "") -> None:
    if doubled := [v for i, v in enumerate(values) if v in values[:i]]:
        raise DataError(f"{doubled[0]!r} appears twice{advice}", file=path, field=where)


def described(
    error: ValidationError,
    model: type[BaseModel],
    prefix: str,
    path: Path,
    also: Sequence[str] = (),
) -> DataError:
    """The first of pydantic's findings as one line; a misspelt key before what is missing for it."""
    first, *others = sorted(
        error.errors(include_url=False), key=lambda found: found["type"] != "extra_forbidden"
    )
    field = _field(prefix, first["loc"])
    problem = _problem(first, model, also)
    if others:
        problem += f" (and {len(others)} more)"
    return DataError(problem, file=path, field=field)


def _problem(found: ErrorDetails, model: type[BaseModel], also: Sequence[str]) -> str:
    match found["type"]:
        case "extra_forbidden":
            known = [*_model_at(model, found["loc"][:-1]).model_fields, *also]
            return f"unknown key; {registry.nearest(str(found['loc'][-1]), known)}"
        case "missing":
            return "is missing"
        case "model_type" | "dict_type":
            return f"must hold keys and values, not {found['input']!r}"
        case "string_pattern_mismatch":
            return f"{found['input']!r} must be letters, digits, '.', '_' or '-'"
    message = found["msg"].replace("Input should", "should").replace("tuple", "list")
    return f"{message}; it is {found['input']!r}"


def _model_at(model: type[BaseModel], location: Sequence[int | str]) -> type[BaseModel]:
    for step in location:
        found = model.model_fields[str(step)].annotation
        if not (isinstance(found, type) and issubclass(found, BaseModel)):
            break
        model = found
    return model


def _field(prefix: str, location: Sequence[int | str]) -> str:
    field = prefix
    for step in location:
        field += f"[{step}]" if isinstance(step, int) else f".{step}" if field else step
    return field
