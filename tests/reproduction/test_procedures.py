"""The published figures come out of the published rows."""

import numpy as np
import pytest
from scipy import stats

from uqs.reproduction import procedures
from uqs.score import figures


@pytest.fixture(scope="module")
def rows():
    return figures.multimodal()


PRINTED = figures.printed()


def test_rows_are_the_published_design(rows):
    assert rows.shape == (36, 9)
    assert rows.groupby("benchmark")["method"].nunique().tolist() == [4, 4, 4]
    assert figures.unimodal().shape == (12, 8)


@pytest.mark.parametrize("pair", procedures.PAIRS, ids="-".join)
def test_group_tau(rows, pair):
    result, name = procedures.group_tau(rows, *pair), "-".join(pair)
    assert PRINTED.printed["tau"][name].agrees(result.value)
    assert PRINTED.printed["tau_p"][name].agrees(result.p)


def test_modality(rows):
    multimodal = procedures.mean_pairwise_tau(rows, align=False)
    unimodal = procedures.mean_pairwise_tau(figures.unimodal(), align=False)
    assert multimodal == pytest.approx(0.08610242435087354, abs=1e-12)
    assert unimodal == pytest.approx(0.15800946427223814, abs=1e-12)
    assert unimodal - multimodal == pytest.approx(0.0719070399213646, abs=1e-12)
    assert procedures.mean_pairwise_tau(rows, align=True) == pytest.approx(-0.123, abs=5e-4)
    assert procedures.mean_pairwise_tau(figures.unimodal(), align=True) == pytest.approx(
        0.246, abs=5e-4
    )


@pytest.mark.parametrize("metric", figures.METRICS)
def test_reliability_and_weights(rows, metric):
    result = procedures.reliability(rows, metric)
    assert PRINTED.printed["rho"][metric].agrees(result.value)
    assert PRINTED.printed["rho_p"][metric].agrees(result.p)
    assert PRINTED.printed["weights"][metric].agrees(procedures.weights(rows)[metric])


@pytest.mark.parametrize(("form", "suffix"), [("inverse", ""), ("exp", "_exp")])
def test_uqs_and_stability(rows, form, suffix):
    weights = procedures.weights(rows)
    for method, value in procedures.uqs(rows, weights, form).items():
        assert PRINTED.printed["uqs" + suffix][method].agrees(value)
    spread = procedures.stability(rows, weights, form)
    assert PRINTED.printed["stability" + suffix]["mean"].agrees(spread.mean)
    assert PRINTED.printed["stability" + suffix]["sd"].agrees(spread.sd)


def test_the_published_tau_is_row_order(rows):
    fa_ad = procedures.row_order_span(rows, "FA", "AD")
    assert (fa_ad.low, fa_ad.high) == pytest.approx((-0.519, 0.296), abs=5e-4)
    ra_mia = procedures.row_order_span(rows, "RA", "MIA")
    assert (ra_mia.low, ra_mia.high) == pytest.approx((-0.111, 0.741), abs=5e-4)


@pytest.mark.parametrize(
    ("benchmark", "expected"),
    [
        ("mllmu_bench", {"JS": 0.477, "RA": 0.309}),
        ("unlok_vqa", {"RA": 0.577, "JS": 0.290}),
        ("mmubench", {"MIA": 0.504, "RA": 0.470}),
    ],
)
def test_weights_turn_with_the_benchmark_left_out(rows, benchmark, expected):
    found = procedures.weights_without(rows, benchmark)
    assert {m: found[m] for m in expected} == pytest.approx(expected, abs=5e-4)


def test_random_weights_seldom_put_the_published_winner_first(rows):
    rng = np.random.default_rng(0)
    exp = procedures.first_shares(rows, "exp", rng)
    inverse = procedures.first_shares(rows, "inverse", rng)
    assert (exp["random_labels"], exp["gradient_ascent"]) == pytest.approx((0.92, 0.08), abs=0.01)
    assert (inverse["random_labels"], inverse["gradient_ascent"]) == pytest.approx(
        (0.64, 0.36), abs=0.01
    )


def test_blip2_taus():
    assert procedures.two_method_tau(PRINTED.blip2, "FA", "AD") is None
    assert procedures.two_method_tau(PRINTED.blip2, "RA", "AD") == -1


def test_tau_of_ranks_is_kendalls():
    rng = np.random.default_rng(5)
    for n in (2, 4, 9):
        a, b = rng.permutation(n), rng.permutation(n)
        assert procedures.tau_of_ranks(a, b) == pytest.approx(stats.kendalltau(a, b).statistic)


@pytest.mark.parametrize(
    ("text", "value", "agrees"),
    [
        ("0.8519", 0.85185, True),
        ("0.8519", 0.85184, False),
        ("0.0719070399213646", 0.0719074, True),
        ("0.0719070399213646", 0.071909, False),
        ("-0.4177916", -0.41779162, True),
    ],
)
def test_agreement_is_to_the_printed_digits(text, value, agrees):
    assert figures.PrintedFigure(text).agrees(value) is agrees
