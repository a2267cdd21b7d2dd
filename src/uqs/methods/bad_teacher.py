"""Bad teaching: an incompetent teacher for the forget set, the original for the retain set."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from uqs.methods.base import Batches, Step
from uqs.methods.cards.ascent import BAD_TEACHER
from uqs.methods.forget_and_retain import TeacherStudent
from uqs.methods.losses import answer_log_probs, kl_divergence, reference_log_probs
from uqs.models.vlm import VLM


class BadTeacher(TeacherStudent):
    """On forget answers the student follows a teacher that knows nothing, on retain answers the original.

    The teacher that knows nothing gives every token of the vocabulary the same probability.
    """

    card = BAD_TEACHER

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        student = answer_log_probs(vlm, batches["forget"])
        loss = kl_divergence(torch.full_like(student, -math.log(student.shape[1])), student)
        if self.settings.retain_weight:
            original = reference_log_probs(vlm, self.teacher, batches["retain"])
            student = answer_log_probs(vlm, batches["retain"])
            loss = loss + self.settings.retain_weight * kl_divergence(original, student)
        return loss
