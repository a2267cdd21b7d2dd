"""The verb `uqs unlearn`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from uqs.cli.options import (
    BaseOption,
    BenchmarkOption,
    DeviceOption,
    PlainOption,
    ProcessorOption,
    interruptible,
)
from uqs.errors import UserError
from uqs.training_extra import require_training_extra

if TYPE_CHECKING:
    from uqs.methods.settings import TrainerSettings
    from uqs.models.settings import AdapterSettings

COLLAPSED = 3
"""The exit code of a run that collapsed: its last good weights are written."""
LARGEST_SEED = 2**32 - 1
Settings = TypeVar("Settings", "TrainerSettings", "AdapterSettings")
_OPTIONS = {"r": "rank", "kind": "adapter"}


def unlearn(
    original: Annotated[str, typer.Option(help="The model: folder, adapter or hub id.")],
    method: Annotated[
        str, typer.Option(help="A method's name (uqs ls methods), or FILE.py:CLASS.")
    ],
    benchmark: BenchmarkOption,
    out: Annotated[Path, typer.Option(help="The folder to write; it must be new or empty.")],
    base: BaseOption = None,
    processor: ProcessorOption = None,
    given: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            envvar="UQS_UNLEARN_SET",
            help="A hyperparameter, NAME=VALUE; may be repeated (docs/methods.md).",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="The other two seeds follow from it.")
    ] = 0,
    order_seed: Annotated[
        int | None,
        typer.Option(min=0, max=LARGEST_SEED, help="Seed of the batches; by default from --seed."),
    ] = None,
    init_seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=LARGEST_SEED,
            help="Seed of labels, directions and first weights; by default from --seed.",
        ),
    ] = None,
    adapter: Annotated[
        Literal["lora", "qlora", "full"] | None,
        typer.Option(help="What is trained if the original is a whole model; by default lora."),
    ] = None,
    rank: Annotated[int | None, typer.Option(help="Of the LoRA adapter; by default 16.")] = None,
    alpha: Annotated[float | None, typer.Option(help="Its scale; by default 32.")] = None,
    targets: Annotated[
        str | None, typer.Option(help="Layers of the adapter; by default language.attention.")
    ] = None,
    precision: Annotated[
        Literal["float32", "bfloat16"] | None,
        typer.Option(help="Precision of frozen weights and arithmetic; by default float32."),
    ] = None,
    accumulate: Annotated[
        int | None, typer.Option(help="Parts of a batch, one in memory at a time; by default 1.")
    ] = None,
    gradient_checkpointing: Annotated[
        bool, typer.Option("--gradient-checkpointing", help="Less memory, more time.")
    ] = False,
    checks: Annotated[
        int | None,
        typer.Option(
            help="Times that a run checks its model and keeps good weights; by default 5."
        ),
    ] = None,
    stop_at: Annotated[
        float | None,
        typer.Option(
            help="Stop at this loss (nats per token) on forget questions that no step reads."
        ),
    ] = None,
    stop_share: Annotated[
        float | None,
        typer.Option(help="Share of forget questions kept for --stop-at; by default 0.2."),
    ] = None,
    save_every: Annotated[
        float | None,
        typer.Option(
            "--save-every-minutes",
            help="Time between states that a killed run goes on from; by default 5.",
        ),
    ] = None,
    device: DeviceOption = None,
    plain: PlainOption = False,
) -> None:
    """Unlearn from a checkpoint of your own.

    Writes the unlearned model as a checkpoint. Exit code 3: the run collapsed, and its last good weights were
    written.
    """
    require_training_extra("unlearning")
    from uqs.methods.settings import TrainerSettings
    from uqs.models.settings import AdapterSettings

    how = {
        "precision": precision,
        "accumulate": accumulate,
        "gradient_checkpointing": gradient_checkpointing or None,
        "checks": checks,
        "stop": _stop(stop_at, stop_share),
        "save_every_minutes": save_every,
    }
    what = {"kind": adapter, "r": rank, "alpha": alpha, "targets": targets}
    trainer, trained = _settings(TrainerSettings, how), _settings(AdapterSettings, what)
    from uqs.cli.progress import StepProgress
    from uqs.evaluation.unlearn import is_first, seeds_of, unlearn_checkpoint
    from uqs.progress import Display

    with interruptible(lambda: _left(out)), Display(plain) as display:
        made = unlearn_checkpoint(
            original,
            method,
            benchmark,
            out,
            base=base,
            processor=processor,
            hyperparameters=_values(given or []),
            seeds=seeds_of(seed, order_seed, init_seed),
            adapter=trained if any(one is not None for one in what.values()) else None,
            trainer=trainer,
            device=device,
            progress=StepProgress(display, method) if is_first() else None,
            tell=lambda line: display.line(f"{method}: {line}"),
        )
    if is_first():
        _say(made.about, out)
    if made.training.collapse:
        raise typer.Exit(COLLAPSED)


def _left(out: Path) -> str:
    """What an interrupted run leaves."""
    from uqs.evaluation.unlearn import state_folder

    if state_folder(out).is_dir():
        return f"the same command goes on from its state in {state_folder(out)}"
    return "nothing is written"


def _say(about: Mapping[str, Any], out: Path) -> None:
    """The closing lines."""
    name, losses = about["method"], about["losses"]
    if losses:
        of = about["hyperparameters"]["steps"]
        first, last = ("not finite" if x is None else f"{x:.3g}" for x in (losses[0], losses[-1]))
        typer.echo(f"{name}: {len(losses)} of {of} steps; loss {first} at first, {last} at last")
    else:
        typer.echo(f"{name}: the method takes no steps")
    if about["stop"]:
        typer.echo(f"stopped: {about['stop']}")
    typer.echo(f"unlearned model: {out}")
    if about["collapse"]:
        kept = (
            f"the weights of step {about['steps']}" if about["steps"] else "the original's weights"
        )
        typer.echo(f"collapsed: {about['collapse']}; {out} holds {kept}", err=True)


def _values(given: Iterable[str]) -> dict[str, Any]:
    """Hyperparameters from NAME=VALUE; a value that is no JSON is text."""
    found: dict[str, Any] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not (name and sign):
            raise UserError(f"--set {text!r}: write NAME=VALUE")
        if name in found:
            raise UserError(f"--set {name!r} is given twice")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _stop(at: float | None, share: float | None) -> dict[str, float] | None:
    if at is None:
        if share is not None:
            raise UserError("--stop-share needs --stop-at")
        return None
    return {"at": at} if share is None else {"at": at, "share": share}


def _settings(made: type[Settings], values: Mapping[str, Any]) -> Settings:
    """Settings from options, those that were not given left out; UserError names the option."""
    from pydantic import ValidationError

    try:
        return made.model_validate({k: v for k, v in values.items() if v is not None})
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        names = [_OPTIONS.get(str(part), str(part)) for part in found["loc"]]
        option = "-".join(names).replace("_", "-")
        problem = found["msg"].replace("Input should", "should")
        raise UserError(f"--{option} {problem}; it is {found['input']!r}") from None
