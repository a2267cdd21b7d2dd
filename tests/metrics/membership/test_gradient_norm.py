from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from uqs.metrics.base import Evidence, References
from uqs.metrics.membership.gradient_norm import GradientNormAUC


def test_a_small_gradient_looks_like_a_member(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = {name: make_trace(name, seed) for seed, name in enumerate(("forget", "holdout"))}
    norms = np.concatenate([traces[s].gradient_norms for s in ("forget", "holdout")])
    row = next(GradientNormAUC().measure(Evidence(traces), References())).measurement
    assert row.value == pytest.approx(roc_auc_score(np.repeat([1, 0], 24), -norms))
