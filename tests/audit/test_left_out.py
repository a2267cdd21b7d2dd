"""No verdict on our own studies is turned round by leaving out a benchmark, a seed or an oracle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from uqs import results
from uqs.audit.audit import audit
from uqs.audit.findings import Audit
from uqs.audit.report_cards import report_cards
from uqs.audit.verdicts import following
from uqs.card_metadata import attach
from uqs.results.tables import long_form, of_rows, to_panel

ROOT = Path(__file__).parents[2]
WIDE = ROOT / "studies" / "wide_results.parquet"
OTHER = 7
"""Every seventh of twenty oracles is left out, to save time."""
LADDER = ROOT / "tests" / "score" / "ladder.csv"


def parts(long: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The table without each benchmark, each seed of the methods, and some of the oracles."""
    for name in long["benchmark"].unique():
        yield f"without {name}", long[long["benchmark"] != name]
    unlearned = long["role"] == "unlearned"
    for seed in long.loc[unlearned, "seed"].unique():
        yield f"without seed {seed}", long[~unlearned | (long["seed"] != seed)]
    for seed in sorted(long["oracle_seed"].dropna().unique())[::OTHER]:
        own = (long["role"] == "oracle") & (long["seed"] == seed)
        yield f"without oracle {seed}", long[~own & (long["oracle_seed"] != seed).fillna(True)]


def audited(long: pd.DataFrame) -> Audit:
    """All that is said of methods; what is said of models of known truth is not asked here."""
    return audit(to_panel(long, WIDE), rng=np.random.default_rng(0), resamples=199)


def claims(found: Audit) -> dict[str, set[object]]:
    """What the audit asserts, as what is claimed and what would be its opposite."""
    signs = {(item.a, item.b): item.shown for item in found.agreement}
    held = [
        (item.benchmark, item.strength, item.metric, *pair)
        for item in found.resolution
        for pair in item.separated
    ]
    return {
        "agree": {pair for pair, sign in signs.items() if sign > 0},
        "disagree": {pair for pair, sign in signs.items() if sign < 0},
        "follow": {
            (target, metric)
            for target in {item.target for item in found.reliability}
            for metric in following(
                [item for item in found.reliability if item.target == target], found.design, 1
            )
        },
        "against": {
            (target, metric)
            for target in {item.target for item in found.reliability}
            for metric in following(
                [item for item in found.reliability if item.target == target], found.design, -1
            )
        },
        "above": set(held),
        "below": {(*place, second, first) for *place, first, second in held},
    }


OPPOSITE = {
    "agree": "disagree",
    "disagree": "agree",
    "follow": "against",
    "against": "follow",
    "above": "below",
}


@pytest.fixture(scope="module")
def wide() -> pd.DataFrame:
    return attach(of_rows(results.read(WIDE), WIDE), results.metadata(WIDE), WIDE)


def test_no_claim_on_the_wide_study_is_turned_round(wide: pd.DataFrame) -> None:
    whole = claims(audited(wide))
    assert whole["agree"] and whole["disagree"] and whole["above"]
    for name, part in parts(wide):
        found = claims(audited(part.copy()))
        for claim, opposite in OPPOSITE.items():
            assert not whole[claim] & found[opposite], (name, claim)


def test_who_is_deceived_does_not_hang_on_a_seed_or_a_benchmark() -> None:
    """Report cards of models of known truth (a run of studies/ladder.yaml)."""
    frame = pd.read_csv(LADDER, keep_default_na=False).replace(
        {"oracle_seed": {"": None}, "share": {"": None}}
    )
    long = long_form(frame)
    whole = {
        (card.benchmark, card.metric): (card.usable, bool(card.blind), bool(card.fooled))
        for card in report_cards(long)
        if card.headline
    }
    assert any(blind for _, blind, _ in whole.values())
    for seed in sorted(long["seed"].unique()):
        part = report_cards(long[long["seed"] != seed])
        for card in part:
            key = card.benchmark, card.metric
            if card.headline and card.usable and whole[key][0]:
                assert (bool(card.blind), bool(card.fooled)) == whole[key][1:], (seed, key)
