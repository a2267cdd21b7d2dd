"""Which worker of a machine computes where: the environment that each one gets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from uqs.errors import UserError
from uqs.studies.executors.base import Device

VISIBLE = "CUDA_VISIBLE_DEVICES"


def default_workers() -> int:
    """Two where the machine has two cores: each worker computes with one thread."""
    return min(2, os.cpu_count() or 1)


def gpus(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The GPUs of this machine as the user leaves them to this process: numbers, or names such as `MIG-...`.

    Raises UserError where there is none.
    """
    given = environment.get(VISIBLE)
    if given is not None:
        found = [name.strip() for name in given.split(",")]
        # CUDA takes no notice of what comes after a name that is none
        end = next((i for i, name in enumerate(found) if name in ("", "-1")), len(found))
        found = found[:end]
        why = f"{VISIBLE} is {given!r}"
    else:
        import torch

        found = [str(number) for number in range(torch.cuda.device_count())]
        why = "torch finds none here"
    if not found:
        raise UserError(f"--device cuda: there is no GPU ({why})")
    return found


def placements(
    device: Device, workers: int | None, per_device: int, visible: Sequence[str] = ()
) -> list[dict[str, str]]:
    """The variables of each worker. On GPUs (`visible`) `per_device` workers share one, and `workers` is the
    most there are; the first ones are spread over all GPUs. On the CPU there are `workers`."""
    if device == "cpu":
        return [{} for _ in range(workers or default_workers())]
    places = [{VISIBLE: gpu} for _ in range(per_device) for gpu in visible]
    return places[:workers]
