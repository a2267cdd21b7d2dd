"""Each sentence on data that makes it true, and on data that makes it false."""

from __future__ import annotations

import pytest

from uqs.audit.known_shares import known_shares
from uqs.audit.profiles import profiles
from uqs.audit.report_cards import report_cards
from uqs.audit.share_words import shown, span, two
from uqs.audit.truth_words import truth_sentences
from uqs.stats.response import KnownShare

STEEP = {"FA": lambda s: 20 * s, "JS": lambda s: 30 * s, "MIA": lambda s: -60 * s}
FLAT = {"FA": 8.0, "JS": 12.0, "MIA": -24.0}
FEW = "too few models of known truth"


def said(ladder_of, metrics=STEEP, extra=(), benchmarks=("b",), seeds=(0, 1, 2, 3)):
    rows = []
    for at, name in enumerate(benchmarks):
        rows += ladder_of.trained(metrics, benchmark=name, seeds=seeds, rng=at)
        rows += [row for make in extra for row in make(name)]
    long = ladder_of.form(rows)
    cards = report_cards(long)
    return truth_sentences(cards, profiles(known_shares(long, cards), cards))


def of(ladder_of, role, method, values, share=None):
    return lambda name: ladder_of.others(role, method, values, benchmark=name, share=share)


def one(sentences, words):
    found = [sentence for sentence in sentences if words in sentence]
    assert len(found) == 1, sentences
    return found[0]


def test_nothing_is_said_without_a_ladder():
    assert truth_sentences([], []) == []


def test_metrics_that_follow_the_truth_by_error(ladder_of):
    found = said(ladder_of)
    assert found[0].startswith("MIA (0.0")
    assert "FA" in found[0] and "follow the truth" in found[0] and "1 benchmark;" in found[0]
    assert found[0].index("MIA") < found[0].index("JS") < found[0].index("FA")
    assert "off by 0.35 or more" in found[0]
    assert not any("not followed" in sentence for sentence in found)


def test_no_metric_follows_the_truth(ladder_of):
    found = said(ladder_of, {"FA": lambda s: 0.0, "JS": lambda s: 0.1 * s})
    assert found[0].startswith("No metric follows the truth judged")
    one(found, "The truth is not followed by FA and JS (one run does not tell")


def test_a_metric_that_follows_it_on_a_part_of_the_benchmarks(ladder_of):
    rows = ladder_of.trained(STEEP, benchmark="a") + ladder_of.trained(
        {**STEEP, "JS": lambda s: 0.0}, benchmark="b"
    )
    found = truth_sentences(report_cards(ladder_of.form(rows)), [])
    assert "JS" not in found[0] and "2 benchmarks" in found[0]
    assert one(found, "Only on a part of the benchmarks").count("JS (") == 1
    assert "on a)" in one(found, "Only on a part")
    assert not any("not followed" in sentence for sentence in found)


def test_blind_and_seeing_metrics(ladder_of):
    hidden = of(ladder_of, "suppressed", "refusal", {"FA": 2.0, "JS": 90.0, "MIA": -60.0}, 1.0)
    found = said(ladder_of, extra=[hidden])
    blind = one(found, "do not say it (refusal)")
    assert "by FA (known share at most 0." in blind
    assert "JS" not in blind and "MIA" not in blind
    assert one(found, "MIA is not deceived").endswith("(refusal).")
    assert "beyond the models that know everything" in one(found, "JS is not deceived")


def test_no_metric_is_blind(ladder_of):
    hidden = of(ladder_of, "suppressed", "refusal", {"FA": 20.0, "JS": 30.0, "MIA": -60.0}, 1.0)
    found = said(ladder_of, extra=[hidden])
    assert not any("do not say it" in sentence for sentence in found)
    one(found, "FA, JS and MIA are not deceived")


def test_without_suppressed_or_damaged_models_nothing_is_said_of_them(ladder_of):
    found = said(ladder_of)
    assert not any(word in sentence for sentence in found for word in ("deceived", "damaged"))


def test_fooled_metrics(ladder_of):
    damaged = of(ladder_of, "damaged", "noise", {"FA": 20.0, "JS": 8.0, "MIA": 40.0}, 1.0)
    fooled = one(said(ladder_of, extra=[damaged]), "damaged elsewhere")
    assert "JS (known share at most 0." in fooled and "noise on b" in fooled
    assert "MIA (beyond the end of the ladder" in fooled
    assert "FA" not in fooled


def test_no_metric_is_fooled(ladder_of):
    damaged = of(ladder_of, "damaged", "noise", {"FA": 20.0, "JS": 30.0, "MIA": -60.0}, 1.0)
    found = said(ladder_of, extra=[damaged])
    one(found, "No metric that follows the truth takes damaged models (noise)")
    assert not any("damaged elsewhere" in sentence for sentence in found)


def test_the_known_share_of_methods(ladder_of):
    npo = of(ladder_of, "unlearned", "npo", {"FA": 16.0, "JS": 6.0, "MIA": -24.0})
    known = one(said(ladder_of, extra=[npo]), "What unlearned models still know")
    assert "by MIA, the metric of the smallest error, which no suppressed model tests" in known
    assert "npo 0.4" in known
    low, high = known.split("; ")[-1].split(" (")[0].rstrip(".").split(" to ")[-2:]
    assert float(low) == pytest.approx(0.2, abs=0.05)
    assert float(high) == pytest.approx(0.8, abs=0.05)


def test_the_best_metric_is_not_blind(ladder_of):
    npo = of(ladder_of, "unlearned", "npo", FLAT)
    hidden = of(ladder_of, "suppressed", "refusal", {"FA": 2.0, "JS": 30.0, "MIA": 0.0}, 1.0)
    known = one(said(ladder_of, extra=[npo, hidden]), "What unlearned models still know")
    assert "by JS, the metric of the smallest error that is blind to no suppressed model" in known


def test_ragged_profiles(ladder_of):
    ragged = of(ladder_of, "unlearned", "npo", {**FLAT, "FA": 19.0})
    flat = of(ladder_of, "unlearned", "steady", FLAT)
    found = said(ladder_of, extra=[ragged, flat])
    text = one(found, "contradict each other on 1 of 2 unlearned methods")
    assert "npo on b (least by" in text and "most by FA)" in text and "steady" not in text
    one(found, "set by 20 models of known truth, each judged without its seed:")


def test_flat_profiles(ladder_of):
    found = said(ladder_of, extra=[of(ladder_of, "unlearned", "steady", FLAT)])
    one(found, "On none of 1 unlearned methods by benchmark do the metrics contradict")
    assert not any("one metric does not describe" in sentence for sentence in found)


def test_what_the_level_of_raggedness_stands_on(ladder_of):
    flat = of(ladder_of, "unlearned", "steady", FLAT)
    one(said(ladder_of, extra=[flat], seeds=(0, 1, 2)), FEW)
    two_benchmarks = said(ladder_of, extra=[flat], seeds=(0, 1, 2), benchmarks=("a", "b"))
    one(two_benchmarks, "(of all benchmarks together)")
    assert not any(FEW in sentence for sentence in two_benchmarks)


def test_numbers_in_words():
    assert (two(-0.001), two(-0.604), two(1)) == ("0.00", "\N{MINUS SIGN}0.60", "1.00")
    assert (span([0.2, 0.201]), span([0.2, 0.3])) == ("0.20", "0.20 to 0.30")
    assert shown(KnownShare(0.5, 0.4, 0.6, "", 0.5)) == "0.50"
    assert shown(KnownShare(None, None, None, "above", 1.8)) == "above (1.80)"
