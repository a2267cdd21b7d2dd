"""Both forms of each term, against values worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from uqs.metrics.catalogue import CARDS
from uqs.records import Status
from uqs.score.cube import UQS_METRICS
from uqs.score.transforms import TRANSFORMS, calibrate


def test_every_metric_of_uqs_has_a_transform():
    assert set(TRANSFORMS) == set(UQS_METRICS)


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [("FA", 0.3, 0.7), ("RA", 0.3, 0.3), ("MIA", 0.3, 0.7), ("AD", 3, 0.25), ("JS", 0.3, 0.7)],
)
def test_published_form(metric, value, expected):
    assert TRANSFORMS[metric].published(np.array([value])) == pytest.approx([expected])


@pytest.mark.parametrize("metric", UQS_METRICS)
def test_published_form_rises_with_the_declared_direction(metric):
    values = np.linspace(0, 1, 11)
    steps = np.diff(TRANSFORMS[metric].published(values))
    assert (steps > 0).all() if CARDS[metric].better == "higher" else (steps < 0).all()


def test_calibrated_form_by_hand(calibrated_panel):
    def term(metric, *values):
        return calibrate(calibrated_panel, "bench", metric)(np.array(values)).tolist()

    # FA: oracle mean .20, floor .10, original gap .80
    assert term("FA", 1.0, 0.65, 0.30, 0.20, 0.10) == pytest.approx([0, 0.5, 1, 1, 1])
    # forgetting past the oracle is a gap too
    assert term("FA", 0.0) == pytest.approx([(0.8 - 0.2) / 0.7])
    # RA: oracle mean .90, floor .04; worst 0
    assert term("RA", 0.0, 0.43, 0.86, 0.90, 1.0) == pytest.approx([0, 0.5, 1, 1, 1])
    # AD: original 5, floor 1
    assert term("AD", 9.0, 5.0, 3.0, 1.0, 0.0) == pytest.approx([0, 0, 0.5, 1, 1])


@pytest.mark.parametrize(
    ("part", "metric"),
    [
        ("originals", "FA"),
        ("originals", "AD"),
        ("oracles", "FA"),
        ("oracles", "RA"),
        ("floors", "JS"),
    ],
)
def test_without_the_original_oracle_or_floor_there_is_no_scale(calibrated_panel, part, metric):
    known = {key: v for key, v in getattr(calibrated_panel, part).items() if key[1] != metric}
    panel = replace(calibrated_panel, **{part: known})
    assert calibrate(panel, "bench", metric) is Status.MISSING_ORACLE


def test_one_oracle_has_no_floor(calibrated_panel):
    oracles = {**calibrated_panel.oracles, ("bench", "FA"): np.array([0.2])}
    assert (
        calibrate(replace(calibrated_panel, oracles=oracles), "bench", "FA")
        is Status.MISSING_ORACLE
    )


def test_an_original_within_the_floor_leaves_nothing_to_resolve(calibrated_panel):
    originals = {**calibrated_panel.originals, ("bench", "AD"): np.array([0.95])}
    panel = replace(calibrated_panel, originals=originals)
    assert calibrate(panel, "bench", "AD") is Status.NO_SCALE
