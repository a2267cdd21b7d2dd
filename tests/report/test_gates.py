from __future__ import annotations

import json

import pytest

from uqs.errors import DataError
from uqs.report import words
from uqs.report.gates import read_gates

CHECK = {
    "gate": "shuffled_pictures", "model": "original_42", "value": 0.2, "limit": 0.3,
    "rule": "below", "passed": True,
}  # fmt: skip
FORMER = CHECK | {
    "gate": "oracle_membership_auc", "model": "oracle_0", "value": 0.7, "limit": 0.5,
    "low": 0.6, "high": 0.8, "rule": "interval holds 0.5", "passed": False,
}  # fmt: skip


def test_gates_are_named_as_the_results_name_benchmarks(tmp_path):
    file = tmp_path / "gates.json"
    gates = {"passed": False, "checks": [CHECK, CHECK | {"passed": False, "gate": "a_new_gate"}]}
    file.write_text(json.dumps({"b:tiny": gates, "c:tiny": gates}))
    found = read_gates(file, ["b", "c:tiny"])
    assert list(found) == ["b", "c:tiny"]
    assert [check.words for check in found["b"].failed] == ["a new gate"]
    assert found["b"].checks[0].value == 0.2
    assert not found["b"].passed


def test_dropped_oracles_and_those_that_stand(tmp_path):
    file = tmp_path / "gates.json"
    gate = CHECK | {"gate": "oracle_forget_entities", "limit": 0.125}
    checks = [gate | {"model": f"oracle_{i}", "passed": i != 1, "value": 0.25 * i} for i in (0, 1)]
    dropped = {"oracle_1": ["oracle_forget_entities"]}
    file.write_text(json.dumps({"b": {"passed": True, "dropped": dropped, "checks": checks}}))
    found = read_gates(file, ["b"])["b"]
    assert (found.dropped, found.oracles) == (("oracle_1",), 1)
    left_out = "oracle 1 was left out; 1 oracle left, so there is no noise floor"
    assert words.dropped(found) == left_out
    said = (
        "The oracle must know hardly any forget entity: oracle 1 has 0.250; asked for: below 0.125"
    )
    assert [words.check(check) for check in found.failed] == [said]


def test_what_a_check_says_is_true_of_its_figures(tmp_path):
    file = tmp_path / "gates.json"
    undefined = CHECK | {"value": None, "passed": False, "model": "oracles"}
    at_least = CHECK | {"rule": "at least", "value": 0.5, "limit": 0.875, "passed": False}
    file.write_text(json.dumps({"b": {"passed": False, "checks": [CHECK, undefined, at_least]}}))
    checks = read_gates(file, ["b"])["b"].checks
    assert [words.check(check).partition(": ")[2] for check in checks] == [
        "original 42 has 0.200; asked for: below 0.300",
        "oracles have no defined value; asked for: below 0.300",
        "original 42 has 0.500; asked for: at least 0.875",
    ]


def test_the_file_of_an_earlier_version_is_readable(tmp_path):
    file = tmp_path / "gates.json"
    file.write_text(json.dumps({"b": {"passed": False, "checks": [FORMER]}}))
    found = read_gates(file, ["b"])["b"]
    assert found.dropped == ()
    assert words.check(found.checks[0]) == (
        "The oracle's losses must not tell forget from holdout: oracle 0 has 0.700; asked for:"
        " interval holds 0.5 (interval 0.600 to 0.800), limit 0.500"
    )


def test_a_run_without_gates(tmp_path):
    assert read_gates(tmp_path / "gates.json", ["b"]) == {}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"b": {"passed": true}}',
        '{"b": {"passed": true, "checks": [{"gate": "g"}]}}',
        json.dumps({"b": {"passed": True, "checks": [CHECK | {"value": "high"}]}}),
        json.dumps({"b": {"passed": True, "checks": [CHECK | {"passed": "false"}]}}),
        json.dumps({"b": {"passed": "false", "checks": [CHECK]}}),
        json.dumps({"b": {"passed": 2, "checks": [CHECK]}}),
    ],
)
def test_a_damaged_file_is_named(tmp_path, text):
    file = tmp_path / "gates.json"
    file.write_text(text)
    with pytest.raises(DataError, match=r"gates\.json: is not a gates file"):
        read_gates(file, ["b"])
