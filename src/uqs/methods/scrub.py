"""SCRUB: a student that disobeys its teacher, the original, only on the forget set."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import log_softmax, nll_loss

from uqs.methods.base import Batches, Step
from uqs.methods.cards.ascent import SCRUB, ScrubSettings
from uqs.methods.forget_and_retain import TeacherStudent
from uqs.methods.losses import answer_log_probs, kl_divergence, reference_log_probs
from uqs.models.vlm import IGNORED, VLM


class Scrub(TeacherStudent):
    """Rounds of max steps (away from the original on forget answers), then min steps (back on retain
    answers).

    Only the first rounds have max steps; the later ones repair the damage.
    """

    card = SCRUB

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        settings: ScrubSettings = self.settings
        maximise = is_max_step(settings, step)
        batch = batches["forget" if maximise else "retain"]
        teacher = reference_log_probs(vlm, self.teacher, batch)
        student = answer_log_probs(vlm, batch)
        divergence = softened_kl(teacher, student, settings.temperature)
        if maximise:
            return -divergence
        cross_entropy = nll_loss(student, batch.labels[batch.labels != IGNORED])
        return settings.gamma * cross_entropy + settings.alpha * divergence


def is_max_step(settings: ScrubSettings, step: Step) -> bool:
    """Whether the step is in the first part of a round with max steps."""
    finished, into = divmod(step.number * settings.rounds, step.of)
    return finished < settings.max_rounds and into < settings.max_share * step.of


def softened_kl(teacher: Tensor, student: Tensor, temperature: float) -> Tensor:
    """T^2 KL(teacher || student) at temperature T, the mean over rows.

    Both are log-probabilities at temperature 1, (rows, vocabulary).
    """
    p, q = (log_softmax(one / temperature, dim=-1) for one in (teacher, student))
    return temperature**2 * kl_divergence(p, q)
