"""Base classes for methods that read one forget batch and one retain batch per step."""

from __future__ import annotations

import torch

from uqs.methods.base import Data, Method
from uqs.methods.streams import Stream
from uqs.models.reference import Reference
from uqs.models.vlm import VLM


class ForgetAndRetain(Method):
    """A method whose streams are `forget` and `retain`, with their true answers."""

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        return {
            name: Stream.of(vlm.encode(data[name].samples), self.settings.batch_size)
            for name in ("forget", "retain")
        }


class TeacherStudent(ForgetAndRetain):
    """A method that compares its model, the student, with a teacher, the frozen original."""

    teacher: Reference

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        self.teacher = Reference(vlm)
        return super().streams(vlm, data, generator)
