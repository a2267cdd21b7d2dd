"""The audit of a table that has models of known truth and no unlearned ones: what its metrics are worth."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from uqs.audit.design import Design
from uqs.audit.findings import Audit
from uqs.audit.openunlearning import MetaEvaluation
from uqs.audit.short import in_short
from uqs.audit.structure import Clusters
from uqs.audit.told import Told
from uqs.audit.truth import Truth
from uqs.audit.verdicts import verdicts
from uqs.results.long_form import notes_of
from uqs.results.tables import with_variants


def of_references(
    long: pd.DataFrame,
    truth: Truth,
    told: tuple[Told, ...],
    extra: tuple[MetaEvaluation, ...],
    resamples: int,
) -> Audit:
    """What the models of known truth in a checked long form say; every part about methods is empty."""
    found = Audit(
        design=Design(
            rows=0,
            cells=0,
            methods=0,
            benchmarks=int(with_variants(long)["benchmark"].nunique()),
            strengths=0,
            seeds=0,
            arrangements=1,
            exact=True,
            resamples=resamples,
            min_p=None,
            testable=False,
            min_detectable_tau=None,
        ),
        in_short=(),
        verdicts=(),
        degenerate=(),
        resolution=(),
        level=(),
        agreement=(),
        reliability=(),
        comparisons=(),
        noise=(),
        clusters=Clusters(reason="no unlearned models"),
        concordance=(),
        separations=(),
        strengths=(),
        do_nothing=(),
        report_cards=truth.report_cards,
        known_shares=truth.known_shares,
        profiles=truth.profiles,
        told=told,
        meta_evaluation=extra,
    )
    return replace(found, in_short=in_short(found), verdicts=(*notes_of(long), *verdicts(found)))
