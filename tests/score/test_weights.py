"""Weights: where they come from, and what is refused."""

import json

import pytest

from uqs.errors import DataError, UserError
from uqs.score import weights as weightings
from uqs.score.cube import UQS_METRICS


def test_equal_and_published():
    assert weightings.equal(UQS_METRICS).matrix.tolist() == [[0.2] * 5]
    cited = weightings.published(UQS_METRICS).matrix[0]
    assert cited == pytest.approx([0.0135562, 0.6556505, 0.3036808, 0.0135562, 0.0135562], abs=1e-6)
    three = weightings.published(("FA", "RA", "MIA")).matrix[0]
    assert three == pytest.approx(cited[:3] / cited[:3].sum())


def test_a_mapping_is_normalised_and_the_unnamed_weigh_nothing():
    assert weightings.given({"RA": 3, "JS": 1}, UQS_METRICS, "x").matrix.tolist() == [
        [0, 0.75, 0, 0, 0.25]
    ]


def test_only_proportions_matter():
    large = weightings.given({"FA": 9e99, "RA": 9e99}, UQS_METRICS, "x").matrix
    small = weightings.given({"FA": 1e-300, "RA": 1e-300}, UQS_METRICS, "x").matrix
    assert large.tolist() == small.tolist() == [[0.5, 0.5, 0, 0, 0]]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"FB": 1}, "unknown metric 'FB'; did you mean 'FA'"),
        ({"FA": -1}, "weight of FA is -1; it must be between 0 and"),
        ({"FA": float("nan")}, "weight of FA is nan"),
        ({"FA": float("inf")}, "weight of FA is inf"),
        ({"FA": 10**400}, "weight of FA is 1000"),
        ({"FA": "much"}, "weight of FA is 'much', which is not a number"),
        ({"FA": True}, "weight of FA is True, which is not a number"),
        ({"FA": None}, "weight of FA is None, which is not a number"),
        ({"FA": 0, "RA": 0}, "all weights are zero"),
        ({}, "all weights are zero"),
        ({7: 1}, "unknown metric 7"),
        ({"JS": 1}, "the table has no JS"),
    ],
)
def test_bad_weights_are_refused(mapping, message):
    with pytest.raises(UserError, match=message):
        weightings.given(mapping, ("FA", "RA", "MIA", "AD"), "mine.yaml")


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_weights_file(tmp_path, suffix):
    path = tmp_path / f"weights.{suffix}"
    path.write_text(json.dumps({"FA": 1, "RA": 2.5}))
    assert weightings.read_weights(path) == {"FA": 1, "RA": 2.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "does not map metrics"),
        ("- FA\n- RA\n", "does not map metrics"),
        ("FA: [1\n", "is not YAML or JSON"),
        ("FA: 1\nRA: 1\nFA: 2\n", "field 'FA': is given twice"),
        ("a: &a [*a]\nb: !!python/object:os.system {}\n", "is not YAML or JSON"),
        ("FA: 1\n--- \nRA: 2\n", "is not YAML or JSON"),
        ("\x00\x01", "is not YAML or JSON"),
        ("[" * 5000, "is not YAML or JSON"),
        ("FA: 010\n", "'010' is no plain decimal number"),
        ("FA: 1_0\n", "'1_0' is no plain decimal number"),
        ("FA: 1:30\n", "'1:30' is no plain decimal number"),
    ],
)
def test_a_bad_weights_file_is_one_clear_error(tmp_path, text, message):
    path = tmp_path / "weights.yaml"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as error:
        weightings.read_weights(path)
    assert "\n" not in str(error.value)


def test_a_missing_or_unreadable_weights_file(tmp_path):
    with pytest.raises(DataError, match="no such file; or equal, published, held-out, references"):
        weightings.read_weights(tmp_path / "eqal")
    with pytest.raises(DataError, match="cannot be read"):
        weightings.read_weights(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"FA: \xff\xfe1")
    with pytest.raises(DataError, match="cannot be read"):
        weightings.read_weights(tmp_path / "latin.yaml")


def test_utility_weighs_groups_and_keeps_proportions_inside_them():
    base = weightings.given({"FA": 3, "MIA": 1, "AD": 1, "JS": 1}, UQS_METRICS, "x")
    found = weightings.with_utility(base, {"privacy": 2, "utility": 1, "oracle": 1}).matrix[0]
    assert found == pytest.approx([0.375, 0.25, 0.125, 0.125, 0.125])
    assert weightings.with_utility(base, {"privacy": 1}).matrix[0] == pytest.approx(
        [0.75, 0, 0.25, 0, 0]
    )


@pytest.mark.parametrize(
    ("utility", "message"),
    [
        ({"privcy": 1}, "unknown utility group 'privcy'; did you mean 'privacy'"),
        ({"privacy": -1}, "between 0 and"),
        ({"privacy": 0}, "every group has the utility 0"),
        ({}, "every group has the utility 0"),
        ({"oracle": 1}, "no metric of that group"),
    ],
)
def test_bad_utility(utility, message):
    with pytest.raises(UserError, match=message):
        weightings.with_utility(weightings.equal(("FA", "RA", "MIA")), utility)


def test_parse_utility():
    assert weightings.parse_utility("privacy=2, utility=0.5") == {"privacy": 2, "utility": 0.5}
    for text in (
        "privacy",
        "privacy=",
        "privacy=x",
        "",
        "privacy=1,",
        "privacy=1_0",
        "privacy=010",
    ):
        with pytest.raises(UserError, match="not of the form"):
            weightings.parse_utility(text)
    with pytest.raises(UserError, match="twice"):
        weightings.parse_utility("privacy=1,privacy=2")
