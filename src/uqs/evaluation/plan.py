"""The plan of a measurement, checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uqs import benchmarks
from uqs.checkpoints.content import same_weights
from uqs.checkpoints.hub import folder_of
from uqs.errors import DataError, UserError
from uqs.evaluation import named
from uqs.evaluation.named import NamedCheckpoint
from uqs.evaluation.splits import metric_names, needs_of, splits_of
from uqs.metrics.catalogue import metric_card
from uqs.models.families import family_of
from uqs.models.settings import CLASSIFIERS
from uqs.models.weight_files import ADAPTER_CONFIG
from uqs.records import Benchmark, Split

DEFAULT_EDITION = "tiny"


@dataclass(frozen=True)
class EvaluationPlan:
    """Models, questions and metrics.

    `start`: the model relative to which weight updates are computed: the base of the adapters, or the
    original itself if it is a whole model; None if only its traces are known. `left_out`: the metrics that
    say nothing of a classifier, where all or the default ones are asked for.
    """

    benchmark: Benchmark
    metrics: Sequence[str]
    needs: frozenset[str]
    splits: Mapping[str, Split]
    original: NamedCheckpoint
    oracles: Sequence[NamedCheckpoint]
    unlearned: Sequence[NamedCheckpoint]
    start: Path | None
    left_out: Sequence[str] = ()

    @property
    def models(self) -> Sequence[NamedCheckpoint]:
        """All models, oracles first, because the others need their results."""
        return (*self.oracles, self.original, *self.unlearned)

    @classmethod
    def of(
        cls,
        original: str | Path,
        unlearned: Sequence[str | Path],
        oracles: Sequence[str | Path],
        benchmark: str,
        metrics: str | Sequence[str],
        base: str | Path | None,
        known: Path | None = None,
    ) -> EvaluationPlan:
        """Find and check everything. Raises UserError for problems. `known` stores hashes of files."""
        data = load_benchmark(benchmark)
        first = named.original(original, base)
        names, left_out = _fitting(metric_names(metrics), first, metrics)
        needs = needs_of(names)
        plan = cls(
            data,
            names,
            needs,
            splits_of(data, needs),
            first,
            named.oracles(oracles, base),
            named.unlearned(unlearned, base),
            _start(first, base),
            left_out,
        )
        for model in plan.unlearned:
            _check_base(model, first, plan.start, known)
        return plan


def load_benchmark(spec: str) -> Benchmark:
    """`name[:edition]`; without an edition the tiny one."""
    return benchmarks.load(spec if ":" in spec else f"{spec}:{DEFAULT_EDITION}")


def _fitting(
    names: Sequence[str], original: NamedCheckpoint, asked: str | Sequence[str]
) -> tuple[Sequence[str], Sequence[str]]:
    """The metrics that say something of the original's kind of model, and the others.

    Raises UserError if one of the others was asked for by name.
    """
    if original.checkpoint.kind == "traces":
        return names, ()
    family = family_of(original.checkpoint.start).name
    unfit = [name for name in names if family in CLASSIFIERS and metric_card(name).of_text]
    if unfit and asked not in ("default", "all"):
        raise UserError(
            f"{unfit[0]!r} says something of a model that writes text, and {family!r} names a class"
        )
    return [name for name in names if name not in unfit], unfit


def _start(original: NamedCheckpoint, base: str | Path | None) -> Path | None:
    if base:
        return folder_of(base)
    return None if original.checkpoint.kind == "traces" else original.checkpoint.start


def _check_base(
    model: NamedCheckpoint, original: NamedCheckpoint, start: Path | None, known: Path | None
) -> None:
    """Check that an unlearned adapter has the original, or the original's base, as its base."""
    mine = model.checkpoint.base
    if mine is None or start is None or original.checkpoint.kind == "traces":
        return
    allowed = {original.checkpoint.start, start}
    if not any(same_weights(mine, one, known) for one in allowed):
        raise DataError(
            f"is an adapter of {mine}, while the original stands on {original.checkpoint.start}",
            file=model.checkpoint.folder / ADAPTER_CONFIG,
            field="base_model_name_or_path",
        )
