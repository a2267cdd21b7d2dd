from __future__ import annotations

import json

import pytest

from uqs.errors import DataError
from uqs.report.gates import read_gates

CHECK = {
    "gate": "shuffled_pictures", "model": "original_42", "value": 0.2, "low": 0.1, "high": 0.3,
    "limit": 0.25, "rule": "begins at or below", "passed": True,
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
    with pytest.raises(DataError, match=r"gates\.json: is no gates file"):
        read_gates(file, ["b"])
