"""MIA-efficacy, as reported with SalUn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from uqs.metrics.base import Evidence, Floats, Metric, MetricResult, References
from uqs.records import MetricCard, Status
from uqs.traces.trace import Trace

SEED = 0


class MembershipEfficacy(Metric):
    """Share of forget samples that a classifier labels as data that the model was not trained on.

    The classifier, a support vector machine, learns to tell retain from holdout by the model's confidence in
    the gold answer, exp(-mean loss). It sees the smaller split and an equally large random part of the larger
    one (the same for every model). In the source a higher value is better; the SalUn paper reads the gap to
    the oracle. The standard error covers the forget samples only, with the fitted classifier fixed. `too_few`
    if the confidences differ so little that the classifier puts all its training data on one side: its label
    for the forget samples would then be arbitrary.
    Source: Jia et al. 2023 (arXiv 2304.04934), appendix C.3; Fan et al. 2024 (SalUn, arXiv 2310.12508).
    """

    card = MetricCard(
        name="membership_efficacy",
        symbol="MIA_EFF",
        group="membership",
        better="higher",
        bounds=(0, 1),
        split="forget",
        source="Jia et al. 2023 (arXiv 2304.04934); Fan et al. 2024 (SalUn, arXiv 2310.12508)",
        does_not_show=(
            "that the forgetting is unseen: confidence driven below any non-member's is perfect "
            "here and betrays it"
        ),
    )

    def measure(self, model: Evidence, references: References) -> Iterator[MetricResult]:
        if not {"forget", "retain", "holdout"} <= model.traces.keys():
            yield self.missing(Status.MISSING_TRACE)
            return
        forget, retain, holdout = (model.traces[s] for s in ("forget", "retain", "holdout"))
        if not (forget.finite and retain.finite and holdout.finite):
            yield self.missing(Status.COLLAPSED)
            return
        count = min(len(retain), len(holdout))
        members, non_members = (confidence(t)[chosen(t, count)] for t in (retain, holdout))
        called = called_members(members, non_members, confidence(forget))
        if called is None:
            yield self.missing(Status.TOO_FEW)
            return
        yield self.mean(self.card.split, forget, 1 - called)


def confidence(trace: Trace) -> Floats:
    """Geometric mean of the gold tokens' probabilities, (n,)."""
    return np.asarray(np.exp(-trace.gold_losses()), dtype=np.float64)


def chosen(trace: Trace, count: int) -> NDArray[np.intp]:
    """`count` random samples; the choice does not depend on the order of the samples."""
    by_id = np.argsort(np.asarray(trace.ids))
    return by_id[np.random.default_rng(SEED).permutation(len(trace))[:count]]


def called_members(members: Floats, non_members: Floats, asked: Floats) -> Floats | None:
    """1 where a classifier fitted on members and non-members calls one of `asked` a member; None if it gives
    all members and non-members the same label."""
    from sklearn.svm import SVC

    machine = SVC(C=3, kernel="rbf", gamma="auto")
    labels = np.repeat([1, 0], [len(members), len(non_members)])
    fitted = np.concatenate([members, non_members])[:, None]
    machine.fit(fitted, labels)
    if len(set(machine.predict(fitted).tolist())) < 2:
        return None
    return np.asarray(machine.predict(asked[:, None]), dtype=np.float64)
