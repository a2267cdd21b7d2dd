"""Frozen records that every room uses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from typing import Literal, get_args

from uqs.errors import nearest

Task = Literal["classification", "cloze", "generation", "short"]
Wording = Literal["original", "reworded"]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Status(StrEnum):
    """Why a number exists or does not, and what it is."""

    OK = "ok"
    LOWER_BOUND = "lower_bound"
    CONSTANT = "constant"
    UNRESOLVED = "unresolved"
    NO_SCALE = "no_scale"
    MISSING_ORACLE = "missing_oracle"
    TOO_FEW = "too_few"
    COLLAPSED = "collapsed"
    MISSING_TRACE = "missing_trace"
    MISSING_SHADOWS = "missing_shadows"
    GATE_FAILED = "gate_failed"
    WEAK_ORIGINAL = "weak_original"
    KNOWN_HOLDOUT = "known_holdout"


VALUED = frozenset({Status.OK, Status.LOWER_BOUND, Status.CONSTANT, Status.UNRESOLVED})
"""The statuses of what has a value."""


class Role(StrEnum):
    """What a measured model is.

    A reference is trained on the retain set and a known share of the forget entities. In a suppressed
    model the knowledge is there and is not said; in a damaged one nothing was unlearned and something
    else broke.
    """

    ORIGINAL = "original"
    ORACLE = "oracle"
    REFERENCE = "reference"
    SUPPRESSED = "suppressed"
    DAMAGED = "damaged"
    UNLEARNED = "unlearned"
    BASELINE = "baseline"


TRAINED = frozenset({Role.ORIGINAL, Role.ORACLE, Role.REFERENCE})
"""The roles of models that are trained from the base, all in the same way."""
FURTHER = frozenset({Role.REFERENCE, Role.SUPPRESSED, Role.DAMAGED})
"""The roles of models of known truth that metrics are judged by, and that nothing is compared with."""


@dataclass(frozen=True)
class Picture:
    """An encoded picture file and the name that errors call it by.

    `content` is a digest of the decoded pixels, empty where nobody has decoded them: the same picture may be
    encoded in several ways.
    """

    name: str
    data: bytes = field(repr=False)
    content: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True)
class Layout:
    """How a question is written for a model: `text` with `{question}` and, for a choice, `{options}`.

    `option` is a line of the options, with `{letter}` and `{option}`. `blank`, if it is not empty, stands for
    each gap of a question, which is written as two or more underscores.
    """

    text: str
    option: str = "{letter}. {option}"
    blank: str = ""

    def of(self, question: str, options: tuple[str, ...]) -> str:
        lines = [
            self.option.format(letter=letter, option=option)
            for letter, option in zip(LETTERS, options, strict=False)
        ]
        asked = _GAP.sub(self.blank, question) if self.blank else question
        return self.text.format(question=asked, options="\n".join(lines))


_GAP = re.compile("_{2,}")
OPEN, CHOICE = Layout("{question}"), Layout("{question}\n{options}")


@dataclass(frozen=True)
class Sample:
    """One question about one entity; the entity is the unit of removal and of clustering.

    For `classification`, `options` are the choices in order and `answer` is the letter of the right one.
    `wrong` are plausible wrong answers, as written where an answer stands; a model is asked how likely
    each is. `layout` is how the question is written, where it is not just the question with its options.
    """

    id: str
    entity: str
    task: Task
    question: str
    answer: str
    picture: Picture | None = None
    options: tuple[str, ...] = ()
    wording: Wording = "original"
    wrong: tuple[str, ...] = ()
    layout: Layout | None = None

    def __post_init__(self) -> None:
        for name in ("id", "entity", "question", "answer"):
            if not getattr(self, name).strip():
                raise ValueError(f"sample {self.id!r}: empty {name}")
        if self.task == "classification":
            if len(self.options) < 2:
                raise ValueError(f"sample {self.id!r}: a choice needs at least two options")
            if self.answer not in tuple(LETTERS[: len(self.options)]):
                raise ValueError(
                    f"sample {self.id!r}: answer {self.answer!r} is not the letter of an option"
                )
            options = [option.strip().casefold() for option in self.options]
            right = options[LETTERS.index(self.answer)]
            if options.count(right) > 1:
                raise ValueError(f"sample {self.id!r}: the right option ({right!r}) appears twice")
        if self.answer in self.wrong or not all(word.strip() for word in self.wrong):
            raise ValueError(f"sample {self.id!r}: a wrong answer is empty or equals the right one")

    @property
    def text(self) -> str:
        """The question as a model reads it, options included, without picture or chat marks."""
        layout = self.layout or (CHOICE if self.options else OPEN)
        return layout.of(self.question, self.options)


@dataclass(frozen=True)
class Split:
    """Named samples; ids are unique."""

    name: str
    samples: tuple[Sample, ...]

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for sample in self.samples:
            if sample.id in seen:
                raise ValueError(f"split {self.name!r}: duplicate sample id {sample.id!r}")
            seen.add(sample.id)

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def entities(self) -> frozenset[str]:
        return frozenset(sample.entity for sample in self.samples)


@dataclass(frozen=True)
class Benchmark:
    """A benchmark edition, loaded and checked.

    `learn` holds what the original is trained on (`forget`, `retain`; the oracle sees `retain` alone),
    `unlearn` what a method may see (`forget`, `retain`), `evaluate` what is measured: always `forget`,
    `retain` and `holdout` (entities that no model trains on), and what else the benchmark has, such as
    `forget_reworded`, `forget_views`, `neighbour`, `real_world`. `judges`: by task, the rule of the
    benchmark's own evaluation by which an answer counts as right (docs/judges.md); strict where none is.
    `generalises`: whether what is asked of one entity can be answered from what is learnt of others, as the
    class of a picture is; then a good model knows holdout, and that is no fault.
    `notes` say what was read in another way than it is written, what was left out, and what is to be known
    of these data.
    """

    name: str
    edition: str
    data_hash: str
    learn: Mapping[str, Split]
    unlearn: Mapping[str, Split]
    evaluate: Mapping[str, Split]
    judges: Mapping[str, str] = field(default_factory=dict)
    generalises: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for part, needed in (
            (self.learn, {"forget", "retain"}),
            (self.unlearn, {"forget", "retain"}),
            (self.evaluate, {"forget", "retain", "holdout"}),
        ):
            if missing := sorted(needed - set(part)):
                raise ValueError(f"{self.name}: missing split {missing[0]!r}")
            for name, split in part.items():
                if not split.samples:
                    raise ValueError(f"{self.name}: split {name!r} is empty")
        trained = self.learn["forget"].entities | self.learn["retain"].entities
        for first, second, shared in (
            ("forget", "retain", self.learn["forget"].entities & self.learn["retain"].entities),
            ("holdout", "trained", self.evaluate["holdout"].entities & trained),
        ):
            if shared:
                raise ValueError(
                    f"{self.name}: entity {min(shared)!r} is in both {first} and {second}"
                )


Better = Literal["lower", "higher", "target"]
Group = Literal["accuracy", "memorisation", "membership", "distance", "recoverability", "health"]


class Need(StrEnum):
    """What a metric reads beside traces of the benchmark's own splits (docs/traces.md).

    `probes`, `candidates` (wrong answers) and `fluent` (other texts) are further questions to the model;
    `interventions` are models made from it by relearning or quantisation, `weights` its weight matrices;
    `oracle` and `shadows` are other models;
    `cross_scored` are the answers of model and oracle, each scored by both.
    """

    ORACLE = "oracle"
    SHADOWS = "shadows"
    WEIGHTS = "weights"
    CANDIDATES = "candidates"
    PROBES = "probes"
    FLUENT = "fluent"
    INTERVENTIONS = "interventions"
    CROSS_SCORED = "cross_scored"


@dataclass(frozen=True, kw_only=True)
class MetricFacts:
    """What a table of results must know of a metric in it.

    `symbol` is the word in tables, `name` the one in code. `better`: `lower`, `higher`, or `target` (closer
    to the oracle's value is better). `bounds` are the least and the largest possible value. `split` is where
    the headline value is measured; further splits are further rows. `version` is raised when the headline
    value means something else; `formerly` are the headline splits of earlier versions. Raises ValueError for
    what cannot be.
    """

    symbol: str
    name: str
    better: Better
    bounds: tuple[float, float]
    split: str
    version: int = 1
    formerly: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field_name in ("symbol", "name", "split"):
            text = getattr(self, field_name)
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"metric {self.symbol!r}: {field_name} {text!r} must be a word")
        if self.better not in get_args(Better):
            known = ", ".join(get_args(Better))
            raise ValueError(
                f"metric {self.symbol!r}: better {self.better!r} is not one of {known}"
            )
        if len(self.bounds) != 2 or not all(isinstance(one, int | float) for one in self.bounds):
            raise ValueError(f"metric {self.symbol!r}: bounds {self.bounds!r} must be two numbers")
        low, high = self.bounds
        if not low < high:
            raise ValueError(
                f"metric {self.symbol!r}: the lower bound {low} is not below the upper bound {high}"
            )


@dataclass(frozen=True, kw_only=True)
class MetricCard(MetricFacts):
    """What a metric declares about itself.

    `needs`, each a `Need` or its word, is what it reads beside traces of the benchmark's own splits.
    `of_text`: whether it says something of a model that writes text, and nothing of one that names a class.
    `does_not_show`: what a good value leaves open. A metric of the group `health` is computed for a collapsed
    model too. Raises ValueError, with the nearest word, for a need that does not exist.
    """

    needs: frozenset[str] = frozenset()
    source: str
    does_not_show: str
    group: Group | None = None
    of_text: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.group is not None and self.group not in get_args(Group):
            hint = nearest(str(self.group), get_args(Group))
            raise ValueError(f"metric {self.symbol!r}: unknown group {self.group!r}; {hint}")
        if isinstance(self.needs, str):
            raise TypeError(f"metric {self.symbol!r}: needs must be a set of words")
        for word in sorted(self.needs):
            if word not in set(Need):
                raise ValueError(
                    f"metric {self.symbol!r}: unknown need {word!r}; {nearest(word, list(Need))}"
                )
        object.__setattr__(self, "needs", frozenset(map(Need, self.needs)))


@dataclass(frozen=True)
class Measurement:
    """A metric's value with its standard error, or the status that says why there is none.

    `bound`: the exact value lies within `value` plus or minus `bound`; None where `value` is exact, or with
    the status `lower_bound`, which says that the exact value is not smaller and may be any larger one. Raises
    ValueError where one of these is not finite.
    """

    metric: str
    split: str
    value: float | None
    se: float | None
    n: int
    status: Status = Status.OK
    bound: float | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.status in VALUED):
            raise ValueError(f"{self.metric}: value {self.value!r} with status {self.status!r}")
        for name in ("value", "se", "bound"):
            number = getattr(self, name)
            if number is not None and not isfinite(number):
                raise ValueError(f"{self.metric}: {name} {number!r} is not a finite number")


@dataclass(frozen=True)
class GateCheck:
    """One gate on one model: `value` must be `at least` or `below` the limit; None is undefined and fails."""

    gate: str
    model: str
    value: float | None
    limit: float
    rule: Literal["at least", "below"]
    passed: bool
